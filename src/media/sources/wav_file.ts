import { readFileSync } from "node:fs";
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

const Format = { pcm: 1, float: 3, extensible: 0xfffe } as const;

/** Parses a RIFF/WAVE file: PCM of 8, 16, 24 or 32 bits, or 32-bit float. Throws MediaError BAD_FILE. */
export function parseWav(bytes: Uint8Array, path: string): WavSound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString("latin1");
  if (bytes.length < 12 || tag(0) !== "RIFF" || tag(8) !== "WAVE") throw bad(path, "is no WAVE file");
  let format: { kind: number; channels: number; sampleRate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const kind = tag(at);
    // A recorder that was killed leaves a length of 0 or 2³²-1: take what is there.
    const length = Math.min(view.getUint32(at + 4, true), bytes.length - at - 8);
    if (kind === "fmt ") format = parseFormat(view, at + 8, length, path);
    if (kind === "data") {
      if (format === undefined) throw bad(path, "has its sound before its format");
      const size = length === 0 ? bytes.length - at - 8 : length;
      return { ...format, pcm: toInt16(view, at + 8, size, format, path) };
    }
    at += 8 + length + (length & 1);
  }
  throw bad(path, "holds no sound");
}

function parseFormat(view: DataView, at: number, length: number, path: string) {
  if (length < 16) throw bad(path, `has a format chunk of ${length} bytes`);
  let kind = view.getUint16(at, true);
  if (kind === Format.extensible && length >= 26) kind = view.getUint16(at + 24, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  if (channels < 1 || channels > 8) throw bad(path, `has ${channels} channels; allowed are 1 to 8`);
  if (sampleRate < 8000 || sampleRate > 192_000) {
    throw bad(path, `has ${sampleRate} samples a second; allowed are 8000 to 192000`);
  }
  return { kind, channels, sampleRate, bits };
}

function toInt16(
  view: DataView,
  start: number,
  length: number,
  format: { kind: number; channels: number; bits: number },
  path: string,
): Int16Array {
  const read = sampleReader(view, format.kind, format.bits);
  if (read === undefined) {
    throw bad(
      path,
      `has samples of format ${format.kind} and ${format.bits} bits; read are PCM and 32-bit float`,
    );
  }
  const size = format.bits / 8;
  const frames = Math.floor(length / (size * format.channels));
  const pcm = new Int16Array(frames * format.channels);
  for (let i = 0; i < pcm.length; i++) pcm[i] = read(start + i * size);
  if (frames === 0) throw bad(path, "holds no sound");
  return pcm;
}

function sampleReader(view: DataView, kind: number, bits: number): ((at: number) => number) | undefined {
  if (kind === Format.float && bits === 32) {
    return (at) => Math.max(-1, Math.min(1, view.getFloat32(at, true))) * 32767;
  }
  if (kind !== Format.pcm) return undefined;
  switch (bits) {
    case 8:
      return (at) => (view.getUint8(at) - 128) << 8;
    case 16:
      return (at) => view.getInt16(at, true);
    case 24:
      return (at) => view.getInt16(at + 1, true);
    case 32:
      return (at) => view.getInt16(at + 2, true);
    default:
      return undefined;
  }
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
