import { CodedError } from "../protocol/primitives/coded_error.js";

/** Why the server could not start or go on. */
export type ServerErrorCode =
  | "PORT_TAKEN"
  | "PORT_FORBIDDEN"
  | "ADDRESS_NOT_AVAILABLE"
  | "LISTEN_FAILED"
  | "BAD_OPTION"
  | "TURN_USERS_UNREADABLE"
  | "USERS_FILE_DAMAGED"
  | "USERS_FILE_UNREADABLE"
  | "USERS_FILE_UNWRITABLE"
  | "CERTIFICATE_INCOMPLETE"
  | "CERTIFICATE_INVALID"
  | "CERTIFICATE_UNWRITABLE";

/** The server cannot do what its options ask; the message says what to change. */
export class ServerError extends CodedError<ServerErrorCode> {
  override readonly name = "ServerError";
}

/** The `code` of a Node.js system error, such as "ENOENT"; "" for anything else. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? "";
}
