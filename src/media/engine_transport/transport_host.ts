import type { Maker } from "../codecs/video_codecs.js";
import type { SendFeeds } from "../encodings/send_feeds.js";
import type { OrderOf, WorkerName } from "../engine_messages.js";
import type { MediaInput } from "../inputs/media_input.js";
import type { PictureListener, SamplesListener } from "../output_listener.js";
import type { MetricsRow } from "../ring/metrics.js";
import type { Transferred } from "../worker_thread.js";

/** What a transport asks of the engine. */
export interface TransportHost {
  post<N extends WorkerName>(name: N, order: OrderOf<N>, transfer?: Transferred[]): void;
  /** As {@link post}, without waking the thread; {@link ring} does, or its next order. */
  postQuietly<N extends Exclude<WorkerName, "receiver">>(name: N, order: OrderOf<N>): void;
  ring(name: WorkerName): void;
  /** A small message on the short way; false: it has to be posted. */
  sendMessage(transportId: number, channel: number, binary: boolean, data: ArrayBuffer): boolean;
  /** A free stream id, its metrics row cleared. */
  allocateStream(): number;
  releaseStream(streamId: number): void;
  playoutRow(streamId: number): MetricsRow;
  inputId(input: MediaInput): number;
  onPicture(listener: PictureListener): () => void;
  onSamples(listener: SamplesListener): () => void;
  /** What send streams carry. */
  feeds(): SendFeeds;
  /** What makes a receive stream's pictures, once something does. */
  decoderOf(streamId: number): Maker | undefined;
  /** Wall clock (µs since 1970) minus monotonic clock. */
  wallOffsetUs(): number;
  /** The transport is gone; its id is not used again. */
  forget(transportId: number): void;
}
