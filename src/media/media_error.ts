import { CodedError } from "../protocol/primitives/coded_error.js";

/** Codes of everything the media engine can report; stable. */
export type MediaErrorCode =
  | "BAD_SOURCE"
  | "BAD_SINK"
  | "BAD_FILE"
  | "SOURCE_FAILED"
  | "OPENCV_UNAVAILABLE"
  | "SINK_FAILED"
  | "CODEC_FAILED"
  | "ENGINE_STATE"
  | "WORKER_FAILED"
  | "START_TIMEOUT"
  | "TOO_MANY_STREAMS"
  | "INTERCEPTOR_MODULE";

/** An error of the media engine. `code` is stable, the message says what was found and what to do. */
export class MediaError extends CodedError<MediaErrorCode> {
  override readonly name = "MediaError";
}
