import { SdpError } from "./sdp_error.js";
import type { SdpSetup } from "./sdp_model.js";

export type DtlsRole = "client" | "server";

/**
 * The answer to an offered `a=setup` (RFC 8842 §5.3). To "actpass" the answerer becomes active, so that it can send
 * its ClientHello before the offerer has the answer.
 */
export function answerSetup(offered: SdpSetup | undefined, preferred: DtlsRole = "client"): SdpSetup {
  if (offered === "active") return "passive";
  if (offered === "passive") return "active";
  // RFC 4145 §4: without the attribute the offerer is active; in WebRTC it must be there (RFC 8829 §5.2.1), browsers take actpass.
  if (offered === "holdconn") throw new SdpError("SDP_UNSUPPORTED", "a=setup:holdconn in an offer");
  return preferred === "client" ? "active" : "passive";
}

/** Our DTLS role after offer and answer; `answer` is the setup attribute of the answer, whoever wrote it. */
export function dtlsRole(answer: SdpSetup | undefined, weAnswered: boolean): DtlsRole {
  if (answer !== "active" && answer !== "passive") {
    throw new SdpError(
      "SDP_MISMATCH",
      `an answer says a=setup:active or passive, not ${answer ?? "nothing"}`,
    );
  }
  return (answer === "active") === weAnswered ? "client" : "server";
}
