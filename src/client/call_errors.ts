import { CodedError } from "../protocol/primitives/coded_error.js";

/** Why a call was not made, or ended. */
export type CallEndCode =
  /** This side hung up. */
  | "HANGUP"
  /** The peer hung up. */
  | "REMOTE_HANGUP"
  | "REJECTED"
  /** This side rejected it. */
  | "DECLINED"
  /** The peer is in another call. */
  | "BUSY"
  /** This side is in another call. */
  | "IN_CALL"
  | "NOT_AVAILABLE"
  | "NO_ANSWER"
  /** The peer's connection to the server went away. */
  | "PEER_LOST"
  /** This side's connection to the server went away. */
  | "SIGNALING_LOST"
  | "NEGOTIATION_FAILED"
  /** ICE, DTLS or the media gave up. */
  | "CONNECTION_FAILED"
  /** The server refused for another reason; the message has its code. */
  | "REFUSED";

/** A call could not be made or did not last. */
export class CallError extends CodedError<CallEndCode> {
  override readonly name = "CallError";
}

/** The server's refusal of an offer, in the words of a call. */
export const REFUSAL_CODES: Readonly<Record<string, CallEndCode>> = {
  USER_BUSY: "BUSY",
  ALREADY_IN_CALL: "IN_CALL",
  USER_NOT_AVAILABLE: "NOT_AVAILABLE",
  USER_NOT_FOUND: "NOT_AVAILABLE",
};

/** The server's reasons for CALL_ENDED; any other is the peer's own and counts as a hang-up. */
export const END_REASONS: Readonly<Record<string, CallEndCode>> = {
  timeout: "NO_ANSWER",
  disconnected: "PEER_LOST",
  failed: "CONNECTION_FAILED",
};
