import { SAMPLE_RATE } from "../sources/audio_source.js";

/** 171 ms: bins of 5.9 Hz, interpolated to well under one. */
const WINDOW = 8192;
/** Share of the energy that must lie in the peak for a sound to count as a tone. */
const PEAK_SHARE = 0.5;
/** Mean square below which it is silence (about -60 dBFS). */
const SILENCE = 33 ** 2;

/**
 * Finds the frequency of a steady tone: windowed Fourier transform, strongest peak, parabola through its neighbours.
 * Noise, speech and silence give 0.
 */
export class ToneDetector {
  readonly #window = hannWindow();
  readonly #history = new Float64Array(WINDOW);
  readonly #real = new Float64Array(WINDOW);
  readonly #imaginary = new Float64Array(WINDOW);
  #position = 0;
  #filled = 0;

  /** Samples needed before {@link frequencyHz} can say anything. */
  static readonly windowSamples = WINDOW;

  /** Adds interleaved samples; the channels are averaged. */
  add(pcm: Int16Array, channels: number, samples: number): void {
    for (let i = 0; i < samples; i++) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel++) sum += pcm[i * channels + channel];
      this.#history[this.#position] = sum / channels;
      this.#position = (this.#position + 1) % WINDOW;
    }
    this.#filled = Math.min(WINDOW, this.#filled + samples);
  }

  /** Forgets what was added: what comes next is not its continuation. */
  restart(): void {
    this.#filled = 0;
  }

  /** Whether enough was added to tell a frequency. */
  get isFull(): boolean {
    return this.#filled === WINDOW;
  }

  /** Frequency of the tone in the last 171 ms, in Hz; 0 when there is none. */
  frequencyHz(): number {
    if (this.#filled < WINDOW) return 0;
    let energy = 0;
    for (let i = 0; i < WINDOW; i++) {
      const sample = this.#history[(this.#position + i) % WINDOW];
      energy += sample * sample;
      this.#real[i] = sample * this.#window[i];
    }
    if (energy / WINDOW < SILENCE) return 0;
    this.#imaginary.fill(0);
    transform(this.#real, this.#imaginary);
    return this.#peak();
  }

  #peak(): number {
    const power = this.#real;
    let total = 0;
    let best = 0;
    // Below 20 Hz lies what no one hears: offset and rumble.
    const lowest = Math.ceil((20 * WINDOW) / SAMPLE_RATE);
    for (let bin = lowest; bin < WINDOW / 2; bin++) {
      power[bin] = this.#real[bin] ** 2 + this.#imaginary[bin] ** 2;
      total += power[bin];
      if (best === 0 || power[bin] > power[best]) best = bin;
    }
    let around = 0;
    for (let bin = Math.max(lowest, best - 2); bin <= best + 2; bin++) around += power[bin];
    if (!(around >= PEAK_SHARE * total)) return 0;
    const [left, centre, right] = [best - 1, best, best + 1].map((bin) => Math.log(power[bin] + 1e-9));
    const shift = (left - right) / (2 * (left - 2 * centre + right) || 1);
    return ((best + Math.max(-0.5, Math.min(0.5, shift))) * SAMPLE_RATE) / WINDOW;
  }
}

function hannWindow(): Float64Array {
  return Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW));
}

/** In-place radix-2 Fourier transform. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let half = 1; half < size; half *= 2) butterflies(real, imaginary, half);
}

function butterflies(real: Float64Array, imaginary: Float64Array, half: number): void {
  for (let k = 0; k < half; k++) {
    const angle = (-Math.PI * k) / half;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    for (let a = k; a < real.length; a += 2 * half) {
      const b = a + half;
      const re = real[b] * cos - imaginary[b] * sin;
      const im = real[b] * sin + imaginary[b] * cos;
      real[b] = real[a] - re;
      imaginary[b] = imaginary[a] - im;
      real[a] += re;
      imaginary[a] += im;
    }
  }
}
