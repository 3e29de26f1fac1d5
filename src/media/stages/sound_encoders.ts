import { AudioLevelMeter } from "../analysis/audio_level.js";
import type { AudioEncoding } from "../encodings/encoding.js";
import { WorkerCounter } from "../metrics_rows.js";
import { SourceCounters } from "../session/stream_counters.js";
import { asError } from "./problem.js";
import { SoundEncoder, type SoundEncoderOptions, type SoundPiece } from "./sound_encoder.js";

/** All encodings of one source of sound. */
export class SoundEncoders {
  readonly #options: SoundEncoderOptions;
  #encoders: SoundEncoder[] = [];
  readonly #meter = new AudioLevelMeter();
  #counters: Float64Array | undefined;

  constructor(options: SoundEncoderOptions) {
    this.#options = options;
  }

  /** What is to be made; with nothing, sound is passed over. */
  setEncodings(encodings: readonly AudioEncoding[]): void {
    const before = this.#encoders;
    this.#encoders = encodings.map((encoding) => {
      const known = before.find(({ id }) => id === encoding.id);
      known?.follow(encoding);
      return known ?? new SoundEncoder(encoding, this.#options);
    });
    for (const encoder of before) if (!this.#encoders.includes(encoder)) encoder.close();
  }

  /** @param counters a {@link SourceCounters} block */
  setCounters(counters: SharedArrayBuffer | undefined): void {
    this.#counters = counters === undefined ? undefined : new Float64Array(counters);
  }

  get isEmpty(): boolean {
    return this.#encoders.length === 0;
  }

  add(piece: SoundPiece): void {
    if (this.#counters !== undefined) this.#note(piece, this.#counters);
    for (let i = 0; i < this.#encoders.length; i++) this.#encode(this.#encoders[i], piece);
  }

  #note({ pcm, channels, sampleRate, captureTimeUs }: SoundPiece, counters: Float64Array): void {
    const seconds = pcm.length / channels / sampleRate;
    this.#meter.add(pcm, pcm.length, seconds);
    counters[SourceCounters.audioLevel] = this.#meter.level;
    counters[SourceCounters.audioEnergy] = this.#meter.energy;
    counters[SourceCounters.soundUs] += seconds * 1e6;
    counters[SourceCounters.lastUs] = captureTimeUs;
  }

  close(): void {
    for (const encoder of this.#encoders) encoder.close();
    this.#encoders = [];
  }

  /** A frame that cannot be encoded is lost; the first is told of. */
  #encode(encoder: SoundEncoder, piece: SoundPiece): void {
    try {
      encoder.add(piece);
    } catch (error) {
      const { row, post } = this.#options.host;
      encoder.close();
      if (row.get(WorkerCounter.errors) === 0) {
        const { code, message } = asError(error, "CODEC_FAILED");
        post({ type: "problem", name: "microphone", code, message });
      }
      row.add(WorkerCounter.errors);
    }
  }
}
