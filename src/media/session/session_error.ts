import { CodedError } from "../../protocol/primitives/coded_error.js";

/** Why a transport failed; stable. */
export type SessionErrorCode =
  | "ERR_TRANSPORT_BIND"
  | "ERR_ICE_FAILED"
  | "ERR_DTLS_HANDSHAKE"
  | "ERR_DTLS_FINGERPRINT"
  | "ERR_DTLS_SRTP_PROFILE"
  | "ERR_DTLS_CLOSED"
  | "ERR_TRANSPORT_SILENT";

/** A transport's end, told by the `failed` event. */
export class SessionError extends CodedError<SessionErrorCode> {
  override readonly name = "SessionError";
}
