import { type AudioSource, SAMPLE_RATE } from "./audio_source.js";

/** A third of full scale: clear, and far from clipping. */
const AMPLITUDE = 0.33 * 32767;

/** A steady sine tone on all channels. */
export class ToneSource implements AudioSource {
  readonly channels: 1 | 2;
  readonly #step: number;
  #phase = 0;

  constructor(frequencyHz: number, channels: 1 | 2) {
    this.channels = channels;
    this.#step = (2 * Math.PI * frequencyHz) / SAMPLE_RATE;
  }

  read(pcm: Int16Array): void {
    for (let i = 0; i < pcm.length; i += this.channels) {
      const sample = Math.round(AMPLITUDE * Math.sin(this.#phase));
      for (let channel = 0; channel < this.channels; channel++) pcm[i + channel] = sample;
      this.#phase += this.#step;
    }
    // Keeps the phase small, or sin loses precision after hours.
    this.#phase %= 2 * Math.PI;
  }
}

/** Silence: the sound device that is not there. */
export class SilentSource implements AudioSource {
  readonly channels = 1;

  read(pcm: Int16Array): void {
    pcm.fill(0);
  }
}
