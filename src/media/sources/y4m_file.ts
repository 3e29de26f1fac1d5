import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { native } from "../../../native/addon.js";
import { FileFormatError } from "../../protocol/files/file_format_error.js";
import {
  MAX_Y4M_FRAME_LINE_BYTES,
  parseY4mHeader,
  Y4M_FRAME_LINE,
  type Y4mHeader,
  y4mFrameLineBytes,
} from "../../protocol/files/y4m.js";
import { i420Bytes } from "../../protocol/primitives/i420.js";
import { MediaError } from "../media_error.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSource } from "./video_source.js";

const MAX_HEADER_BYTES = 1024;

/** Parses a stream header (8-bit 4:2:0 only). Throws MediaError BAD_FILE naming what is wrong. */
export function readY4mHeader(bytes: Uint8Array, path: string): Y4mHeader {
  return parsed(path, () => parseY4mHeader(bytes));
}

function parsed<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof FileFormatError)) throw error;
    throw new MediaError("BAD_FILE", `video file ${path}: ${error.message}`, { cause: error });
  }
}

function bad(path: string, what: string): MediaError {
  return new MediaError("BAD_FILE", `video file ${path} ${what}`);
}

/** Plays a Y4M file, frame by frame from the disk cache, looped. */
export class Y4mFileSource implements VideoSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly paced = true;
  readonly pictureBytes: number;
  readonly #path: string;
  readonly #fd: number;
  readonly #loop: boolean;
  readonly #first: number;
  readonly #size: number;
  readonly #line = Buffer.alloc(MAX_Y4M_FRAME_LINE_BYTES);
  #position: number;

  constructor(path: string, loop: boolean) {
    this.#path = path;
    this.#loop = loop;
    this.#fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(MAX_HEADER_BYTES);
      const header = readY4mHeader(head.subarray(0, readSync(this.#fd, head, 0, head.length, 0)), path);
      this.width = header.width;
      this.height = header.height;
      this.frameRate = header.frameRate;
      this.pictureBytes = i420Bytes(header.width, header.height);
      this.#first = this.#position = header.headerBytes;
      this.#size = fstatSync(this.#fd).size;
      if (this.#frameLineBytes() === 0) throw bad(path, "holds no complete frame");
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  capture(target: Uint8Array, descriptor: Descriptor, _frameNumber: number, nowUs: number): number {
    const lineBytes = this.#frameLineBytes() || this.#rewind();
    readSync(this.#fd, target, 0, this.pictureBytes, this.#position + lineBytes);
    this.#position += lineBytes + this.pictureBytes;
    descriptor.setI420(this.width, this.height);
    return nowUs > 0 ? nowUs : native.monotonicUs();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rewind(): number {
    if (!this.#loop) throw new MediaError("SOURCE_FAILED", `video file ${this.#path} ended`);
    this.#position = this.#first;
    return this.#frameLineBytes();
  }

  /** Length of the line before the next picture; 0: no whole picture follows. */
  #frameLineBytes(): number {
    const roomForLine = this.#size - this.#position - this.pictureBytes;
    if (roomForLine < Y4M_FRAME_LINE.length) return 0;
    const read = readSync(this.#fd, this.#line, 0, this.#line.length, this.#position);
    const line = this.#line.subarray(0, read);
    const lineBytes = parsed(this.#path, () => y4mFrameLineBytes(line, this.#position));
    return lineBytes <= roomForLine ? lineBytes : 0;
  }
}
