import { codecOfNumber } from "../codecs/codec_name.js";
import { PlayoutCounter, streamRow } from "../metrics_rows.js";
import { Descriptor } from "../ring/descriptor.js";
import type { MetricsTable } from "../ring/metrics.js";
import { ReceiveCounters } from "../session/stream_counters.js";
import type { MediaKind } from "../transport_api.js";
import { FrameTransform } from "./frame_transform.js";
import type { SetTransform } from "./transform_messages.js";

interface Transformed {
  readonly transform: FrameTransform<Descriptor>;
  readonly counters: Float64Array;
}

/** The transforms of a playing thread's streams. Where there is none a frame costs one look into an empty map. */
export class StreamTransforms {
  readonly #kind: MediaKind;
  readonly #doorbell: SharedArrayBuffer;
  readonly #metrics: MetricsTable;
  readonly #streams = new Map<number, Transformed>();

  /** @param metrics streams have rows in it */
  constructor(kind: MediaKind, doorbell: SharedArrayBuffer, metrics: MetricsTable) {
    this.#kind = kind;
    this.#doorbell = doorbell;
    this.#metrics = metrics;
  }

  order({ streamId, port, counters: buffer }: SetTransform): void {
    this.remove(streamId);
    if (port === undefined) return;
    const counters = new Float64Array(buffer);
    const row = this.#metrics.row(streamRow(streamId));
    const transform = new FrameTransform<Descriptor>({
      kind: this.#kind,
      side: "receive",
      port,
      doorbell: this.#doorbell,
      // As the decoder asks: the receiver's threads see the word and send PLI or FIR.
      onKeyframeNeeded: () => {
        if (this.#kind === "video") counters[ReceiveCounters.keyframeEpoch]++;
      },
      onDropped: () => row.add(PlayoutCounter.framesDropped),
    });
    this.#streams.set(streamId, { transform, counters });
  }

  remove(streamId: number): void {
    this.#streams.get(streamId)?.transform.close();
    this.#streams.delete(streamId);
  }

  close(): void {
    for (const streamId of [...this.#streams.keys()]) this.remove(streamId);
  }

  /** Whether the frame goes to a transform; then it comes back by {@link drain}. */
  offer(unit: Descriptor, bytes: Uint8Array): boolean {
    const stream = this.#streams.get(unit.streamId);
    if (stream === undefined) return false;
    const record = new Descriptor();
    record.copyFrom(unit);
    const about = {
      codec: codecOfNumber(unit.codec),
      keyframe: unit.keyframe,
      rtpTimestamp: unit.rtpTimestamp >>> 0,
      ssrc: stream.counters[ReceiveCounters.ssrc],
      payloadType: 0,
      width: unit.width,
      height: unit.height,
      ...(this.#kind === "audio" && { sequenceNumber: unit.tag & 0xffff }),
    };
    stream.transform.offer(bytes, unit.byteLength, about, record);
    return true;
  }

  /** What came back. */
  drain(take: (unit: Descriptor, bytes: Uint8Array) => void): void {
    for (const { transform } of this.#streams.values()) {
      transform.drain((unit, data) => {
        unit.byteLength = data.byteLength;
        take(unit, data);
      });
    }
  }
}
