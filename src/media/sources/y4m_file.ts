import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { native } from "../../../native/addon.js";
import { MediaError } from "../media_error.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSource } from "./video_source.js";

/** What a YUV4MPEG2 stream header says. */
export interface Y4mHeader {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** Bytes up to and with the newline. */
  readonly headerBytes: number;
}

const MAX_HEADER_BYTES = 1024;
const FRAME_TAG = "FRAME";

/** Parses a stream header (8-bit 4:2:0 only). Throws MediaError BAD_FILE naming what is wrong. */
export function parseY4mHeader(bytes: Uint8Array, path: string): Y4mHeader {
  const end = bytes.indexOf(0x0a);
  const text = Buffer.from(bytes.subarray(0, Math.max(0, end))).toString("latin1");
  if (end < 0 || !text.startsWith("YUV4MPEG2 ")) throw bad(path, "is no YUV4MPEG2 file");
  const fields = new Map(
    text
      .split(" ")
      .slice(1)
      .map((field) => [field[0], field.slice(1)] as const),
  );
  const width = Number(fields.get("W"));
  const height = Number(fields.get("H"));
  if (!(width >= 2 && width <= 8192 && height >= 2 && height <= 8192)) {
    throw bad(path, `has size ${fields.get("W")}x${fields.get("H")}; allowed are 2 to 8192`);
  }
  const colour = fields.get("C") ?? "420jpeg";
  if (!/^420(jpeg|paldv|mpeg2)?$/.test(colour)) {
    throw bad(path, `has colour format C${colour}; only 8-bit 4:2:0 is read`);
  }
  const [numerator, denominator] = (fields.get("F") ?? "30:1").split(":").map(Number);
  const frameRate = numerator / denominator;
  if (!(frameRate > 0 && frameRate <= 240)) throw bad(path, `has frame rate F${fields.get("F")}`);
  return { width, height, frameRate, headerBytes: end + 1 };
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
    const header = parseY4mHeader(head.subarray(0, readSync(this.#fd, head, 0, head.length, 0)), path);
    this.width = header.width;
    this.height = header.height;
    this.frameRate = header.frameRate;
    const chroma = ((this.width + 1) >> 1) * ((this.height + 1) >> 1);
    this.pictureBytes = this.width * this.height + 2 * chroma;
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
