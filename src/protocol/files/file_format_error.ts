export type FileFormatErrorCode =
  /** The file does not begin as one of its format does. */
  | "NOT_THIS_FORMAT"
  /** A field has a value that the format or this reader does not allow. */
  | "BAD_FIELD"
  /** A record is larger than the limit. */
  | "TOO_LARGE";

/** Why a media file was refused; the message names the format, the offset, what was found and what is allowed. */
export class FileFormatError extends Error {
  override readonly name = "FileFormatError";

  constructor(
    readonly code: FileFormatErrorCode,
    readonly format: string,
    /** In the file, of what is wrong. */
    readonly offset: number,
    what: string,
  ) {
    super(`${format} file, offset ${offset}: ${what}`);
  }
}
