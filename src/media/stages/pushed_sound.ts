import { WorkerCounter } from "../metrics_rows.js";
import { type SlotChannelBuffers, SlotConsumer, type SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import type { SoundPiece } from "./sound_encoder.js";
import { SoundEncoders } from "./sound_encoders.js";

/** Applications push when they get to it. */
const MAX_GAP_US = 100_000;

/** One pushed sound source. Its clock is the application's pushing. */
export class PushedSound {
  readonly encoders: SoundEncoders;
  readonly #host: WorkerHost<"microphone">;
  readonly #piece: SoundPiece = { pcm: new Int16Array(0), sampleRate: 0, channels: 1, captureTimeUs: 0 };
  #input: SlotConsumer | undefined;
  #droppedBefore = 0;

  constructor(host: WorkerHost<"microphone">, inputId: number, output: SlotProducer) {
    this.#host = host;
    this.encoders = new SoundEncoders({ host, inputId, output, maxGapUs: MAX_GAP_US });
  }

  /**
   * From now on sound comes through this channel; whether there was another one.
   *
   * @param counters a {@link SourceCounters} block
   */
  setInput(input: SlotChannelBuffers | undefined, counters?: SharedArrayBuffer): boolean {
    this.encoders.setCounters(counters);
    const before = this.#input;
    this.#input = input === undefined ? undefined : new SlotConsumer(input);
    return before !== undefined;
  }

  get isIdle(): boolean {
    return this.#input === undefined && this.encoders.isEmpty;
  }

  /** Encodes all that waits. */
  step(): void {
    const input = this.#input;
    if (input === undefined) return;
    const piece = this.#piece;
    while (input.take()) {
      const { slot, byteLength, width, height, captureTimeUs, tag } = input.descriptor;
      const bytes = input.bytes(slot);
      piece.pcm = new Int16Array(bytes.buffer, bytes.byteOffset, byteLength / 2);
      piece.sampleRate = height;
      piece.channels = width === 2 ? 2 : 1;
      piece.captureTimeUs = captureTimeUs;
      this.encoders.add(piece);
      input.release(slot);
      if (tag !== this.#droppedBefore) this.#host.row.add(WorkerCounter.droppedFull);
      this.#droppedBefore = tag;
    }
  }

  close(): void {
    this.encoders.close();
  }
}
