import { closeSync, writeSync } from "node:fs";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { openForWriting } from "./video_sink.js";

const HEADER_BYTES = 44;
/** RIFF lengths are 32 bits. */
const MAX_DATA_BYTES = 0xffff_ffff - HEADER_BYTES;
/** The header's lengths are brought up to date this often, so that a killed recording still plays. */
const HEADER_EVERY_BYTES = SAMPLE_RATE * 2 * 2;

/** Writes 16-bit PCM at 48 kHz to a WAV file. Throws MediaError SINK_FAILED when it cannot be opened. */
export class WavWriter {
  readonly #fd: number;
  readonly #channels: number;
  #dataBytes = 0;
  #headerAt = 0;

  constructor(path: string, channels: number) {
    this.#fd = openForWriting(path);
    this.#channels = channels;
    this.#writeHeader();
  }

  /** Appends interleaved samples; beyond 4 GiB nothing is kept. */
  write(pcm: Int16Array): void {
    if (this.#dataBytes + pcm.byteLength > MAX_DATA_BYTES) return;
    const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    writeSync(this.#fd, bytes, 0, bytes.length, HEADER_BYTES + this.#dataBytes);
    this.#dataBytes += bytes.length;
    if (this.#dataBytes - this.#headerAt >= HEADER_EVERY_BYTES) this.#writeHeader();
  }

  close(): void {
    this.#writeHeader();
    closeSync(this.#fd);
  }

  #writeHeader(): void {
    const header = Buffer.alloc(HEADER_BYTES);
    header.write("RIFF", 0, "latin1");
    header.writeUInt32LE(HEADER_BYTES - 8 + this.#dataBytes, 4);
    header.write("WAVEfmt ", 8, "latin1");
    header.writeUInt32LE(16, 16);
    header.writeUInt16LE(1, 20);
    header.writeUInt16LE(this.#channels, 22);
    header.writeUInt32LE(SAMPLE_RATE, 24);
    header.writeUInt32LE(SAMPLE_RATE * this.#channels * 2, 28);
    header.writeUInt16LE(this.#channels * 2, 32);
    header.writeUInt16LE(16, 34);
    header.write("data", 36, "latin1");
    header.writeUInt32LE(this.#dataBytes, 40);
    writeSync(this.#fd, header, 0, HEADER_BYTES, 0);
    this.#headerAt = this.#dataBytes;
  }
}
