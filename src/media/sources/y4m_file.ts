import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { native } from "../../../native/addon.js";
import { FileFormatError } from "../../protocol/files/file_format_error.js";
import { parseY4mHeader, type Y4mHeader } from "../../protocol/files/y4m.js";
import { i420Bytes } from "../../protocol/primitives/i420.js";
import { MediaError } from "../media_error.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSource } from "./video_source.js";

const MAX_HEADER_BYTES = 1024;
const FRAME_TAG = "FRAME";

/** Parses a stream header (8-bit 4:2:0 only). Throws MediaError BAD_FILE naming what is wrong. */
export function readY4mHeader(bytes: Uint8Array, path: string): Y4mHeader {
  try {
    return parseY4mHeader(bytes);
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
  readonly #tag = Buffer.alloc(128);
  #position: number;

  constructor(path: string, loop: boolean) {
    this.#path = path;
    this.#loop = loop;
    this.#fd = openSync(path, "r");
    const head = Buffer.alloc(MAX_HEADER_BYTES);
    const header = readY4mHeader(head.subarray(0, readSync(this.#fd, head, 0, head.length, 0)), path);
    this.width = header.width;
    this.height = header.height;
    this.frameRate = header.frameRate;
    this.pictureBytes = i420Bytes(header.width, header.height);
    this.#first = this.#position = header.headerBytes;
    this.#size = fstatSync(this.#fd).size;
    if (this.#size < this.#first + FRAME_TAG.length + 1 + this.pictureBytes) {
      throw bad(path, "holds no complete frame");
    }
  }

  capture(target: Uint8Array, descriptor: Descriptor, _frameNumber: number, nowUs: number): number {
    if (this.#position + FRAME_TAG.length + 1 + this.pictureBytes > this.#size) this.#rewind();
    const tagBytes = this.#frameTagBytes();
    readSync(this.#fd, target, 0, this.pictureBytes, this.#position + tagBytes);
    this.#position += tagBytes + this.pictureBytes;
    descriptor.setI420(this.width, this.height);
    return nowUs > 0 ? nowUs : native.monotonicUs();
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rewind(): void {
    if (!this.#loop) throw new MediaError("SOURCE_FAILED", `video file ${this.#path} ended`);
    this.#position = this.#first;
  }

  /** Length of "FRAME…\n", which may carry parameters. */
  #frameTagBytes(): number {
    const read = readSync(this.#fd, this.#tag, 0, this.#tag.length, this.#position);
    const end = this.#tag.subarray(0, read).indexOf(0x0a);
    if (end < 0 || this.#tag.toString("latin1", 0, FRAME_TAG.length) !== FRAME_TAG) {
      throw bad(this.#path, `has no FRAME at byte ${this.#position}`);
    }
    return end + 1;
  }
}
