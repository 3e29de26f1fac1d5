import type { ReceiveStreamOptions } from "../transport_api.js";

/** What the main thread knows of a receive stream. */
export interface IncomingStream {
  readonly streamId: number;
  targetUs: number;
  /** Whether its thread was told to decode it. */
  isWanted: boolean;
  readonly options: ReceiveStreamOptions;
  readonly counters: Float64Array;
}

/** The thread that presents it. */
export function playoutWorker(stream: IncomingStream): "decoder" | "speaker" {
  return stream.options.kind === "video" ? "decoder" : "speaker";
}

/** The stream behind a key: of a section with layers that which is shown, or the first to come. */
export type StreamBehind = (key: string) => IncomingStream | undefined;
