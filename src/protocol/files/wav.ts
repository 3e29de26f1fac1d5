/**
 * RIFF/WAVE: a list of chunks, of which "fmt " says what the samples of "data" are. Read are PCM of 8, 16, 24 and 32 bits and float of
 * 32; written is PCM of 16.
 */
import type { ByteQueue } from "./byte_queue.js";
import { FileFormatError } from "./file_format_error.js";
import { type FileFrame, RecordReader } from "./frame_reader.js";

const RIFF_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
const MAX_FORMAT_BYTES = 4096;
/** A recorder that was killed leaves a length of 0 or 2³²-1: what is there is taken. */
const UNKNOWN_LENGTHS: readonly number[] = [0, 0xffff_ffff];
/** Pieces in a second that a reader gives. */
const PIECES_A_SECOND = 50;

const Format = { pcm: 1, float: 3, extensible: 0xfffe } as const;

/** What a file says of its samples. */
export interface WavFormat {
  /** 1 is PCM, 3 is float. */
  readonly kind: number;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
}

/** 20 ms of sound, the last piece maybe less. */
export interface WavFrame extends FileFrame {
  /** Interleaved, converted to 16 bits; `data` is its bytes. */
  samples: Int16Array;
}

type SampleReader = (view: DataView, at: number) => number;

export class WavReader extends RecordReader<WavFrame> {
  /** Undefined until it is here. */
  format: WavFormat | undefined;
  private readonly frame: WavFrame = { data: new Uint8Array(0), timeUs: 0, samples: new Int16Array(0) };
  private read: SampleReader | undefined;
  private samples = new Int16Array(0);
  private begun = false;
  /** Bytes of a chunk that is passed over which are still to come. */
  private toSkip = 0;
  /** Bytes of "data" still to come; undefined before it. */
  private dataLeft: number | undefined;
  private framesGiven = 0;

  next(): WavFrame | undefined {
    if (!this.begun && !this.begin()) return undefined;
    while (this.dataLeft === undefined) if (!this.nextChunk()) return undefined;
    return this.nextPiece(this.dataLeft);
  }

  private begin(): boolean {
    const { queue } = this;
    if (queue.length < RIFF_BYTES && !queue.ended) return false;
    if (queue.length < RIFF_BYTES || tag(queue, 0) !== "RIFF" || tag(queue, 8) !== "WAVE")
      throw bad("NOT_THIS_FORMAT", 0, "it is no WAVE file");
    queue.skip(RIFF_BYTES);
    this.begun = true;
    return true;
  }

  /** False when more bytes are needed. */
  private nextChunk(): boolean {
    const { queue } = this;
    this.passOver();
    if (this.toSkip > 0 || queue.length < CHUNK_HEAD_BYTES) return this.needMore();
    const [kind, length] = [tag(queue, 0), queue.u32le(4)];
    if (kind === "data") return this.beginData(length);
    // Chunks begin at even offsets.
    const padded = length + (length & 1);
    if (kind !== "fmt ") {
      queue.skip(CHUNK_HEAD_BYTES);
      this.toSkip = padded;
      return true;
    }
    if (length > MAX_FORMAT_BYTES) throw bad("TOO_LARGE", queue.fileOffset, `a format of ${length} bytes`);
    if (queue.length < CHUNK_HEAD_BYTES + length) return this.needMore();
    this.readFormat(length);
    queue.skip(CHUNK_HEAD_BYTES + Math.min(padded, queue.length - CHUNK_HEAD_BYTES));
    return true;
  }

  private passOver(): void {
    const bytes = Math.min(this.toSkip, this.queue.length);
    this.queue.skip(bytes);
    this.toSkip -= bytes;
  }

  private needMore(): false {
    if (this.queue.ended) throw bad("BAD_FIELD", this.queue.fileOffset, "it holds no sound");
    return false;
  }

  private readFormat(length: number): void {
    const { queue } = this;
    const at = CHUNK_HEAD_BYTES;
    if (length < 16) throw bad("BAD_FIELD", queue.fileOffset, `it has a format chunk of ${length} bytes`);
    let kind = queue.u16le(at);
    if (kind === Format.extensible && length >= 26) kind = queue.u16le(at + 24);
    const [channels, sampleRate, bits] = [queue.u16le(at + 2), queue.u32le(at + 4), queue.u16le(at + 14)];
    const wrong = problemOf({ kind, channels, sampleRate, bits });
    if (wrong !== undefined) throw bad("BAD_FIELD", queue.fileOffset, wrong);
    this.format = { kind, channels, sampleRate, bits };
    this.read = sampleReader(kind, bits);
    this.samples = new Int16Array(Math.ceil(sampleRate / PIECES_A_SECOND) * channels);
  }

  private beginData(length: number): true {
    const { queue } = this;
    if (this.format === undefined)
      throw bad("BAD_FIELD", queue.fileOffset, "it has its sound before its format");
    queue.skip(CHUNK_HEAD_BYTES);
    this.dataLeft = UNKNOWN_LENGTHS.includes(length) ? Number.POSITIVE_INFINITY : length;
    return true;
  }

  private nextPiece(dataLeft: number): WavFrame | undefined {
    const { queue, format } = this;
    const read = this.read;
    if (format === undefined || read === undefined) return undefined;
    const frameBytes = (format.bits / 8) * format.channels;
    const held = Math.min(queue.length, dataLeft);
    const wanted = Math.min(this.samples.length / format.channels, Math.floor(dataLeft / frameBytes));
    const frames = Math.min(wanted, Math.floor(held / frameBytes));
    if (frames === 0 || (frames < wanted && !queue.ended)) return this.noPiece(dataLeft);
    const bytes = queue.peek(0, frames * frameBytes);
    const samples = this.convert(bytes, read, format);
    queue.skip(bytes.length);
    this.dataLeft = dataLeft - bytes.length;
    this.frame.samples = samples;
    this.frame.data = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    this.frame.timeUs = (this.framesGiven * 1e6) / format.sampleRate;
    this.framesGiven += frames;
    return this.frame;
  }

  private convert(bytes: Uint8Array, read: SampleReader, { bits }: WavFormat): Int16Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const samples = this.samples.subarray(0, bytes.length / (bits / 8));
    for (let i = 0; i < samples.length; i++) samples[i] = read(view, (i * bits) / 8);
    return samples;
  }

  /** What comes behind the sound is of no interest, and not kept. */
  private noPiece(dataLeft: number): undefined {
    if (this.queue.ended && dataLeft > 0 && Number.isFinite(dataLeft)) this.truncated = true;
    if (dataLeft === 0) this.queue.skip(this.queue.length);
    return undefined;
  }
}

function problemOf({ kind, channels, sampleRate, bits }: WavFormat): string | undefined {
  if (channels < 1 || channels > 8) return `it has ${channels} channels; allowed are 1 to 8`;
  if (sampleRate < 8000 || sampleRate > 192_000)
    return `it has ${sampleRate} samples a second; allowed are 8000 to 192000`;
  return sampleReader(kind, bits) === undefined
    ? `it has samples of format ${kind} and ${bits} bits; read are PCM and 32-bit float`
    : undefined;
}

function sampleReader(kind: number, bits: number): SampleReader | undefined {
  if (kind === Format.float && bits === 32)
    return (view, at) => Math.max(-1, Math.min(1, view.getFloat32(at, true))) * 32767;
  return kind === Format.pcm ? PCM_READERS[bits] : undefined;
}

/** The upper 16 bits of a sample; 8 bits are unsigned. */
const PCM_READERS: Readonly<Record<number, SampleReader>> = {
  8: (view, at) => (view.getUint8(at) - 128) << 8,
  16: (view, at) => view.getInt16(at, true),
  24: (view, at) => view.getInt16(at + 1, true),
  32: (view, at) => view.getInt16(at + 2, true),
};

export const WAV_HEADER_BYTES = 44;

export interface WavWriterOptions {
  readonly channels: number;
  /** 48000 by default. */
  readonly sampleRate?: number;
}

/** What stands before `dataBytes` bytes of 16-bit samples. Written again when there are more, for it has their number. */
export function wavHeader(
  { channels, sampleRate = 48_000 }: WavWriterOptions,
  dataBytes: number,
): Uint8Array {
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const text = (at: number, letters: string) => {
    for (let i = 0; i < letters.length; i++) header[at + i] = letters.charCodeAt(i);
  };
  text(0, "RIFF");
  view.setUint32(4, WAV_HEADER_BYTES - 8 + dataBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, Format.pcm, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * 2, true);
  view.setUint16(32, channels * 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, dataBytes, true);
  return header;
}

function tag(queue: ByteQueue, at: number): string {
  return String.fromCharCode(...queue.peek(at, 4));
}

function bad(code: FileFormatError["code"], offset: number, what: string): FileFormatError {
  return new FileFormatError(code, "WAV", offset, what);
}
