import { CodedError } from "../protocol/primitives/coded_error.js";

/** Why a command could not do its work, in words for a person. */
export type CommandErrorCode =
  | "BAD_PASSWORD_FILE"
  | "LOG_UNWRITABLE"
  | "PEER_FAILED"
  | "NO_REPORT"
  | "INTERRUPTED"
  | "SIGNALING_FAILED";

/** Ends a command with its message and exit status 1. */
export class CommandError extends CodedError<CommandErrorCode> {
  override readonly name = "CommandError";
}
