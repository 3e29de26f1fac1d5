/** Why a description or a session could not be exchanged. */
export type ExchangeErrorCode =
  /** The text is no base64. */
  | "NOT_BASE64"
  /** What the base64 holds is damaged, or in no compression that is read. */
  | "DAMAGED"
  /** What it holds is no JSON. */
  | "NOT_JSON"
  /** The JSON is no description: `type` and `sdp` are needed. */
  | "NO_DESCRIPTION"
  /** More bytes than the limit, before or after decompression. */
  | "TOO_LARGE"
  /** Gathering did not end in time. */
  | "GATHERING_TIMEOUT"
  /** The connection was closed while something was awaited of it. */
  | "CLOSED"
  /** The other end could not be reached, or not in time. */
  | "UNREACHABLE"
  /** The other end refused; {@link ExchangeError.status} is what it said. */
  | "REFUSED"
  /** The other end's response breaks the protocol. */
  | "BAD_RESPONSE"
  /** An option has a value that is not allowed. */
  | "BAD_OPTION";

export class ExchangeError extends Error {
  override readonly name = "ExchangeError";
  /** The HTTP status that the other end refused with. */
  readonly status: number | undefined;
  /** With status 409, 429 or 503: how long the other end asks to wait, where it says so (RFC 9110 §10.2.3). */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: ExchangeErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly status?: number; readonly retryAfterMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}
