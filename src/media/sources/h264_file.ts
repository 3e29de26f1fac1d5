import { readFileSync } from "node:fs";
import { DecodedLayout, native, type VideoDecoder } from "../../../native/addon.js";
import { MediaError } from "../media_error.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSource } from "./video_source.js";

/** Largest file that is read: it stays in memory. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MAX_PICTURE_BYTES = 4096 * 2304 * 1.5;
/** Access units tried for the first picture. */
const MAX_UNITS_BEFORE_PICTURE = 64;

/** Start and end of each access unit of an Annex-B stream, as [start, end, start, end, …] (H.264 §7.4.1.2.3). */
export function splitAccessUnits(stream: Uint8Array): number[] {
  const bounds: number[] = [];
  let unitStart = -1;
  let sawPicture = false;
  for (let at = nextStartCode(stream, 0); at >= 0; at = nextStartCode(stream, at + 3)) {
    const header = stream[at + 3];
    const type = header & 31;
    const isSlice = type >= 1 && type <= 5;
    // first_mb_in_slice is ue(v): 0 is a single 1 bit.
    const startsPicture = isSlice && (stream[at + 4] & 0x80) !== 0;
    const startsUnit = sawPicture && (startsPicture || (type >= 6 && type <= 9));
    // A four-byte start code belongs to what follows it.
    const begin = at > 0 && stream[at - 1] === 0 ? at - 1 : at;
    if (unitStart < 0) unitStart = begin;
    else if (startsUnit) {
      bounds.push(unitStart, begin);
      unitStart = begin;
      sawPicture = false;
    }
    if (isSlice) sawPicture = true;
  }
  if (sawPicture) bounds.push(unitStart, stream.length);
  return bounds;
}

/** Index of the next 00 00 01 at or after `from`, -1 when there is none with a byte behind it. */
function nextStartCode(stream: Uint8Array, from: number): number {
  for (let at = stream.indexOf(1, from + 2); at >= 0; at = stream.indexOf(1, at + 1)) {
    if (stream[at - 1] === 0 && stream[at - 2] === 0) return at + 1 < stream.length ? at - 2 : -1;
  }
  return -1;
}

/** Plays an Annex-B H.264 file by decoding it, looped. */
export class H264FileSource implements VideoSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly paced = true;
  readonly pictureBytes: number;
  readonly #path: string;
  readonly #loop: boolean;
  readonly #stream: Uint8Array;
  readonly #units: number[];
  readonly #decoder: VideoDecoder;
  readonly #layout = new Int32Array(DecodedLayout.words);
  #next = 0;

  /** @param frameRate the rate to play at: the stream's own timing is optional and rarely there. */
  constructor(path: string, loop: boolean, frameRate: number, openH264Path?: string) {
    this.#path = path;
    this.#loop = loop;
    this.frameRate = frameRate;
    this.#stream = readFileSync(path);
    if (this.#stream.length > MAX_FILE_BYTES) {
      throw new MediaError(
        "BAD_FILE",
        `video file ${path} has ${this.#stream.length} bytes, at most ${MAX_FILE_BYTES} are read`,
      );
    }
    this.#units = splitAccessUnits(this.#stream);
    this.#decoder = new native.H264Decoder(openH264Path === undefined ? {} : { libraryPath: openH264Path });
    const first = this.#probe();
    this.width = first.width;
    this.height = first.height;
    this.pictureBytes = first.bytes;
    this.#next = 0;
  }

  capture(target: Uint8Array, descriptor: Descriptor, _frameNumber: number, nowUs: number): number {
    const bytes = this.#decodeNext(target);
    if (bytes <= 0) return 0;
    descriptor.setDecoded(this.#layout, bytes);
    return nowUs;
  }

  close(): void {
    this.#decoder.close();
  }

  #probe(): { width: number; height: number; bytes: number } {
    const scratch = new Uint8Array(MAX_PICTURE_BYTES);
    for (let i = 0; i < MAX_UNITS_BEFORE_PICTURE && this.#units.length > 0; i++) {
      const bytes = this.#decodeNext(scratch);
      if (bytes > 0) {
        return {
          width: this.#layout[DecodedLayout.width],
          height: this.#layout[DecodedLayout.height],
          bytes,
        };
      }
    }
    this.#decoder.close();
    throw new MediaError("BAD_FILE", `video file ${this.#path} holds no decodable H.264 picture`);
  }

  #decodeNext(target: Uint8Array): number {
    if (this.#next >= this.#units.length) {
      if (!this.#loop) throw new MediaError("SOURCE_FAILED", `video file ${this.#path} ended`);
      this.#next = 0;
    }
    const unit = this.#stream.subarray(this.#units[this.#next], this.#units[this.#next + 1]);
    this.#next += 2;
    return this.#decoder.decode(unit, target, this.#layout);
  }
}
