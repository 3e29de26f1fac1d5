import { CodedError } from "../protocol/primitives/coded_error.js";

/** Every code an ERROR message can carry; docs/signaling.md says what each means. Codes never change their meaning. */
export const SIGNALING_ERROR_CODES = [
  "MALFORMED",
  "UNKNOWN_TYPE",
  "BAD_FIELD",
  "MESSAGE_TOO_LARGE",
  "RATE_LIMITED",
  "SERVER_FULL",
  "SERVER_BUSY",
  "SERVER_CLOSING",
  "IDLE_TIMEOUT",
  "INTERNAL",
  "NOT_LOGGED_IN",
  "ALREADY_LOGGED_IN",
  "BAD_CREDENTIALS",
  "TOO_MANY_ATTEMPTS",
  "USER_EXISTS",
  "BAD_USERNAME",
  "WEAK_PASSWORD",
  "REGISTRATION_CLOSED",
  "WRONG_SENDER",
  "USER_NOT_FOUND",
  "USER_NOT_AVAILABLE",
  "USER_BUSY",
  "ALREADY_IN_CALL",
  "CALL_TO_SELF",
  "NO_SUCH_CALL",
  "WRONG_CALL_STATE",
  "MEDIA_KEY_REFUSED",
  "FINGERPRINT_MISSING",
] as const;

export type SignalingErrorCode = (typeof SIGNALING_ERROR_CODES)[number];

/** A message broke a rule of the protocol; `code` is what the ERROR message carries. */
export class SignalingError extends Error {
  override readonly name = "SignalingError";
  constructor(
    readonly code: SignalingErrorCode,
    message: string,
    /** The type of the message at fault, where it could be read. */
    readonly request?: string,
  ) {
    super(message);
  }
}

/** What can go wrong on the client's side of the connection. */
export type SignalingClientErrorCode =
  | "CONNECT_FAILED"
  | "NOT_CONNECTED"
  | "CONNECTION_LOST"
  | "FINGERPRINT_MISMATCH"
  | "FINGERPRINT_CHANGED"
  | "TRUST_FILE_DAMAGED"
  | "TRUST_FILE_UNWRITABLE"
  | "BAD_OPTION"
  | "REQUEST_PENDING"
  | "TIMED_OUT";

/** The connection to the server could not be made, trusted or kept. */
export class SignalingClientError extends CodedError<SignalingClientErrorCode> {
  override readonly name = "SignalingClientError";
}
