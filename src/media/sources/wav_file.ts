import { readFileSync } from "node:fs";
import { FileFormatError } from "../../protocol/files/file_format_error.js";
import { WavReader } from "../../protocol/files/wav.js";
import { MediaError } from "../media_error.js";
import { type AudioSource, SAMPLE_RATE } from "./audio_source.js";
import { resample } from "./resample.js";

/** Sound of a file, as it lies in it. */
export interface WavSound {
  readonly sampleRate: number;
  readonly channels: number;
  /** Interleaved. */
  readonly pcm: Int16Array;
}

/** A file stays in memory: half an hour of 48 kHz stereo. */
const MAX_WAV_BYTES = 350 * 1024 * 1024;
const CHUNK_BYTES = 1 << 16;

/** Parses a RIFF/WAVE file: PCM of 8, 16, 24 or 32 bits, or 32-bit float. Throws MediaError BAD_FILE. */
export function parseWav(bytes: Uint8Array, path: string): WavSound {
  try {
    return readAll(bytes, path);
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
    throw new MediaError("BAD_FILE", `sound file ${path}: ${error.message}`, { cause: error });
  }
}

function readAll(bytes: Uint8Array, path: string): WavSound {
  const reader = new WavReader();
  let pcm = new Int16Array(0);
  let filled = 0;
  const drain = () => {
    for (let piece = reader.next(); piece; piece = reader.next()) {
      if (pcm.length === 0) pcm = new Int16Array(Math.floor((8 * bytes.length) / (reader.format?.bits ?? 8)));
      pcm.set(piece.samples, filled);
      filled += piece.samples.length;
    }
  };
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    reader.push(bytes.subarray(at, at + CHUNK_BYTES));
    drain();
  }
  reader.end();
  drain();
  if (reader.format === undefined || filled === 0) throw bad(path, "holds no sound");
  return { ...reader.format, pcm: pcm.slice(0, filled) };
}

function bad(path: string, what: string): MediaError {
  return new MediaError("BAD_FILE", `sound file ${path} ${what}`);
}

/** Plays a WAV file at 48 kHz, mono or stereo, looped; after the end of one that does not loop comes silence. */
export class WavFileSource implements AudioSource {
  readonly channels: 1 | 2;
  readonly #pcm: Int16Array;
  readonly #loop: boolean;
  #position = 0;

  constructor(path: string, loop: boolean) {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_WAV_BYTES) {
      throw bad(path, `has ${bytes.length} bytes; at most ${MAX_WAV_BYTES} are read`);
    }
    const sound = firstTwoChannels(parseWav(bytes, path));
    this.channels = sound.channels === 1 ? 1 : 2;
    this.#pcm = resample(sound.pcm, this.channels, sound.sampleRate, SAMPLE_RATE);
    this.#loop = loop;
  }

  read(pcm: Int16Array): void {
    for (let filled = 0; filled < pcm.length; ) {
      const length = Math.min(pcm.length - filled, this.#pcm.length - this.#position);
      pcm.set(this.#pcm.subarray(this.#position, this.#position + length), filled);
      filled += length;
      this.#position += length;
      if (this.#position < this.#pcm.length) continue;
      if (!this.#loop) {
        pcm.fill(0, filled);
        return;
      }
      this.#position = 0;
    }
  }
}

function firstTwoChannels(sound: WavSound): WavSound {
  if (sound.channels <= 2) return sound;
  const frames = sound.pcm.length / sound.channels;
  const pcm = new Int16Array(frames * 2);
  for (let i = 0; i < frames; i++) {
    pcm[2 * i] = sound.pcm[i * sound.channels];
    pcm[2 * i + 1] = sound.pcm[i * sound.channels + 1];
  }
  return { sampleRate: sound.sampleRate, channels: 2, pcm };
}
