import { SAMPLE_RATE } from "./audio_source.js";
import { HALF_WIDTH, KERNEL_STEPS, kernelTable } from "./resample.js";

/** Converts interleaved sound piece by piece to another rate, 48 kHz by default, with the filter of {@link resample}; it lags by the filter's half. */
export class StreamResampler {
  readonly #channels: number;
  /** Input frames per output frame. */
  readonly #step: number;
  readonly #cutoff: number;
  readonly #reach: number;
  readonly #kernel = kernelTable();
  /** Input not yet left behind by the filter. */
  #held: Int16Array;
  /** Place of the next output frame, in frames of {@link #held}. */
  #centre: number;

  constructor(fromRate: number, channels: number, toRate = SAMPLE_RATE) {
    this.#channels = channels;
    this.#step = fromRate / toRate;
    this.#cutoff = Math.min(1, toRate / fromRate);
    this.#reach = Math.ceil(HALF_WIDTH / this.#cutoff);
    // Silence before the first sample.
    this.#held = new Int16Array(this.#reach * channels);
    this.#centre = this.#reach;
  }

  /** The output that `pcm` completes. */
  process(pcm: Int16Array): Int16Array {
    const channels = this.#channels;
    const held = new Int16Array(this.#held.length + pcm.length);
    held.set(this.#held);
    held.set(pcm, this.#held.length);
    const last = held.length / channels - 1 - this.#reach;
    const count = Math.max(0, Math.floor((last - this.#centre) / this.#step) + 1);
    const out = new Int16Array(count * channels);
    for (let i = 0; i < count; i++, this.#centre += this.#step) this.#frame(held, out, i * channels);
    const behind = Math.max(0, Math.floor(this.#centre) - this.#reach);
    this.#held = held.slice(behind * channels);
    this.#centre -= behind;
    return out;
  }

  #frame(held: Int16Array, out: Int16Array, at: number): void {
    const channels = this.#channels;
    const first = Math.ceil(this.#centre - this.#reach);
    const last = Math.floor(this.#centre + this.#reach);
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let k = Math.max(0, first); k <= last; k++) {
        const distance = Math.abs(this.#centre - k) * this.#cutoff;
        sum += held[k * channels + channel] * (this.#kernel[Math.round(distance * KERNEL_STEPS)] ?? 0);
      }
      out[at + channel] = Math.max(-32768, Math.min(32767, Math.round(sum * this.#cutoff)));
    }
  }
}
