/** Why a command could not do its work, in words for a person. */
export type CommandErrorCode =
  | "BAD_PASSWORD_FILE"
  | "LOG_UNWRITABLE"
  | "PEER_FAILED"
  | "NO_REPORT"
  | "INTERRUPTED"
  | "SIGNALING_FAILED";

/** Ends a command with its message and exit status 1. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(
    readonly code: CommandErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}
