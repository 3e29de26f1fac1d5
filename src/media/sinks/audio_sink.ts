import type { AudioSinkSpec } from "../source_spec.js";
import { WavFileWriter } from "./wav_writer.js";

/** Keeps played sound. */
export interface AudioSink {
  /** Interleaved samples at 48 kHz. */
  write(pcm: Int16Array, channels: number): void;
  close(): void;
}

/** Makes a sink; undefined for "null". A WAV file is opened at the first sound, which says how many channels it has. */
export function openAudioSink(spec: AudioSinkSpec): AudioSink | undefined {
  return spec.kind === "null" ? undefined : new WavSink(spec.path);
}

class WavSink implements AudioSink {
  readonly #path: string;
  #writer: WavFileWriter | undefined;
  #channels = 0;

  constructor(path: string) {
    this.#path = path;
  }

  write(pcm: Int16Array, channels: number): void {
    this.#writer ??= new WavFileWriter(this.#path, { channels });
    if (this.#channels === 0) this.#channels = channels;
    this.#writer.write(channels === this.#channels ? pcm : convertChannels(pcm, channels, this.#channels));
  }

  close(): void {
    this.#writer?.close();
  }
}

/** Mono to stereo or back. */
function convertChannels(pcm: Int16Array, from: number, to: number): Int16Array {
  const out = new Int16Array((pcm.length / from) * to);
  for (let i = 0; i < out.length / to; i++) {
    if (to === 2) out[2 * i] = out[2 * i + 1] = pcm[i];
    else out[i] = (pcm[2 * i] + pcm[2 * i + 1]) >> 1;
  }
  return out;
}
