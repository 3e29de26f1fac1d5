import { closeSync, writeSync } from "node:fs";
import { WAV_HEADER_BYTES, type WavWriterOptions, wavHeader } from "../../protocol/files/wav.js";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { openForWriting } from "./video_sink.js";

/** RIFF lengths are 32 bits. */
const MAX_DATA_BYTES = 0xffff_ffff - WAV_HEADER_BYTES;
/** The header's lengths are brought up to date this often, so that a killed recording still plays. */
const HEADER_EVERY_BYTES = SAMPLE_RATE * 2 * 2;

/** Writes 16-bit PCM to a WAV file. Throws MediaError SINK_FAILED when it cannot be opened. */
export class WavFileWriter {
  readonly #fd: number;
  readonly #options: WavWriterOptions;
  #dataBytes = 0;
  #headerAt = 0;

  constructor(path: string, options: WavWriterOptions) {
    this.#fd = openForWriting(path);
    this.#options = options;
    this.#writeHeader();
  }

  /** Appends interleaved samples; beyond 4 GiB nothing is kept. */
  write(pcm: Int16Array): void {
    if (this.#dataBytes + pcm.byteLength > MAX_DATA_BYTES) return;
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    writeSync(this.#fd, bytes, 0, bytes.length, WAV_HEADER_BYTES + this.#dataBytes);
    this.#dataBytes += bytes.length;
    if (this.#dataBytes - this.#headerAt >= HEADER_EVERY_BYTES) this.#writeHeader();
  }

  close(): void {
    this.#writeHeader();
    closeSync(this.#fd);
  }

  #writeHeader(): void {
    const header = wavHeader(this.#options, this.#dataBytes);
    writeSync(this.#fd, header, 0, header.length, 0);
    this.#headerAt = this.#dataBytes;
  }
}
