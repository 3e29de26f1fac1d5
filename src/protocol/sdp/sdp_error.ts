/** Why a session description was refused. The codes are stable. */
export type SdpErrorCode =
  /** A line or a value breaks the grammar. */
  | "SDP_SYNTAX"
  /** More bytes, lines, sections or candidates than {@link SdpLimits} allows. */
  | "SDP_LIMIT"
  /** A value carries CR, LF or NUL and would forge further lines. */
  | "SDP_LINE_BREAK"
  /** A media key in signaling (`k=`, `a=crypto`): keys come from the DTLS handshake alone. */
  | "SDP_KEY_IN_SIGNALING"
  /** A section that is to carry media names no certificate fingerprint. */
  | "SDP_NO_FINGERPRINT"
  /** A section that is to carry media has no or bad ICE credentials. */
  | "SDP_ICE_CREDENTIALS"
  /** Two sections contradict each other, or an answer doesn't fit its offer. */
  | "SDP_MISMATCH"
  /** Well formed, but something this stack does not speak. */
  | "SDP_UNSUPPORTED";

/** A session description that cannot be read, written or used. */
export class SdpError extends Error {
  override readonly name = "SdpError";

  constructor(
    readonly code: SdpErrorCode,
    message: string,
    /** Line in the description, counted from 1; 0 where no line is to blame. */
    readonly line = 0,
  ) {
    super(line > 0 ? `line ${line}: ${message}` : message);
  }
}
