import type { IceParameters } from "../../media/transport_api.js";
import type { SdpSession } from "../../protocol/sdp/sdp_model.js";
import { writeSdp } from "../../protocol/sdp/write_sdp.js";
import { domError } from "../dom_error.js";
import type { RTCRtpTransceiver } from "../rtc_rtp_transceiver.js";
import { type RTCSdpType, RTCSessionDescription } from "../rtc_session_description.js";

export type RTCSignalingState =
  | "stable"
  | "have-local-offer"
  | "have-remote-offer"
  | "have-local-pranswer"
  | "have-remote-pranswer"
  | "closed";

/** A description in force. Candidates are added to `session` while it is. */
export class AppliedDescription {
  private written: RTCSessionDescription | undefined;

  constructor(
    readonly type: RTCSdpType,
    readonly session: SdpSession,
  ) {}

  /** The session has changed: the next reader gets a new object. */
  touch(): void {
    this.written = undefined;
  }

  get description(): RTCSessionDescription {
    this.written ??= new RTCSessionDescription({ type: this.type, sdp: writeSdp(this.session) });
    return this.written;
  }
}

/** What createOffer or createAnswer made and setLocalDescription may apply. */
export interface CreatedDescription {
  readonly type: "offer" | "answer";
  readonly sdp: string;
  readonly session: SdpSession;
  /** Which transceiver each section is for. */
  readonly transceivers: readonly (RTCRtpTransceiver | undefined)[];
  /** What it announces: a transport that is made for it gets these. */
  readonly credentials: IceParameters;
}

type Side = "local" | "remote";

/** The four descriptions and the signaling state (WebRTC 1.0 §4.4.1.5, RFC 8829 §4.1.8 to §4.1.10). */
export class DescriptionState {
  signalingState: RTCSignalingState = "stable";
  currentLocal: AppliedDescription | null = null;
  pendingLocal: AppliedDescription | null = null;
  currentRemote: AppliedDescription | null = null;
  pendingRemote: AppliedDescription | null = null;
  lastOffer: CreatedDescription | null = null;
  lastAnswer: CreatedDescription | null = null;
  /** Local descriptions applied so far: the version in `o=`. */
  localVersion = 1;

  get local(): AppliedDescription | null {
    return this.pendingLocal ?? this.currentLocal;
  }

  get remote(): AppliedDescription | null {
    return this.pendingRemote ?? this.currentRemote;
  }

  /** @throws InvalidStateError when a description of this type does not fit the state (RFC 8829 §3.2). */
  checkState(side: Side, type: RTCSdpType): void {
    const other = side === "local" ? "remote" : "local";
    const allowed: Record<RTCSdpType, readonly RTCSignalingState[]> = {
      offer: ["stable", `have-${side}-offer`, ...(side === "remote" ? (["have-local-offer"] as const) : [])],
      answer: [`have-${other}-offer`, `have-${side}-pranswer`],
      pranswer: [`have-${other}-offer`, `have-${side}-pranswer`],
      rollback: ["have-local-offer", "have-remote-offer"],
    };
    if (allowed[type].includes(this.signalingState)) return;
    throw domError("InvalidStateError", `A ${side} ${type} does not fit the state ${this.signalingState}`);
  }

  /** Puts a description in force; the former ones step back as RFC 8829 §4.1.8 says. */
  apply(side: Side, description: AppliedDescription): void {
    if (side === "local") this.localVersion++;
    if (description.type === "offer") this.lastAnswer = null;
    if (description.type === "answer") this.complete(side, description);
    else this.setPending(side, description);
  }

  private setPending(side: Side, description: AppliedDescription): void {
    if (side === "local") this.pendingLocal = description;
    else this.pendingRemote = description;
    this.signalingState = description.type === "offer" ? `have-${side}-offer` : `have-${side}-pranswer`;
  }

  private complete(side: Side, answer: AppliedDescription): void {
    this.currentLocal = side === "local" ? answer : this.pendingLocal;
    this.currentRemote = side === "remote" ? answer : this.pendingRemote;
    this.pendingLocal = null;
    this.pendingRemote = null;
    this.lastOffer = null;
    this.lastAnswer = null;
    this.signalingState = "stable";
  }

  /** The offer that createOffer returned last may still be set (WebRTC 1.0 §4.4.1.5). */
  rollback(): void {
    this.pendingLocal = null;
    this.pendingRemote = null;
    this.lastAnswer = null;
    this.signalingState = "stable";
  }
}
