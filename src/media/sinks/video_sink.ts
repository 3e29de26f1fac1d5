import { closeSync, openSync, writeSync } from "node:fs";
import { Y4M_FRAME_LINE, y4mHeader } from "../../protocol/files/y4m.js";
import { i420Bytes } from "../../protocol/primitives/i420.js";
import { codecOfNumber } from "../codecs/codec_name.js";
import { MediaError } from "../media_error.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSinkSpec } from "../source_spec.js";

/** Something that keeps received video. */
export interface VideoSink {
  /** One received access unit, before it is decoded. */
  accessUnit(bytes: Uint8Array, unit: Descriptor): void;
  /** One decoded picture, at its presentation. */
  picture(bytes: Uint8Array, picture: Descriptor): void;
  close(): void;
}

/** Opens a sink; undefined for "null". Throws MediaError SINK_FAILED. */
export function openVideoSink(spec: VideoSinkSpec): VideoSink | undefined {
  switch (spec.kind) {
    case "null":
      return undefined;
    case "h264":
      return new H264FileSink(openForWriting(spec.path), spec.path);
    case "y4m":
      return new Y4mFileSink(openForWriting(spec.path), spec.path, spec.frameRate);
  }
}

export function openForWriting(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MediaError("SINK_FAILED", `recording ${path}: ${reason}`, { cause: error });
  }
}

/** The stream as it came, from its first keyframe on. */
class H264FileSink implements VideoSink {
  readonly #fd: number;
  readonly #path: string;
  #started = false;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  accessUnit(bytes: Uint8Array, unit: Descriptor): void {
    const codec = codecOfNumber(unit.codec);
    if (codec !== "H264") {
      throw new MediaError(
        "SINK_FAILED",
        `recording ${this.#path}: the peer sends ${codec}; a .y4m file takes it`,
      );
    }
    if (!this.#started && !unit.keyframe) return;
    this.#started = true;
    writeSync(this.#fd, bytes);
  }

  picture(): void {}

  close(): void {
    closeSync(this.#fd);
  }
}

/**
 * Decoded pictures. Y4M knows one size and one rate: the first picture's size holds (others are skipped), and
 * pictures are repeated or left out so that the file keeps the clock.
 */
class Y4mFileSink implements VideoSink {
  readonly #fd: number;
  readonly #frameRate: number;
  readonly #path: string;
  #width = 0;
  #height = 0;
  #startUs = 0;
  #written = 0;
  #packed = new Uint8Array(0);

  constructor(fd: number, path: string, frameRate: number) {
    this.#fd = fd;
    this.#path = path;
    this.#frameRate = frameRate;
  }

  accessUnit(): void {}

  picture(bytes: Uint8Array, picture: Descriptor): void {
    if (this.#width === 0) this.#writeHeader(picture);
    if (picture.width !== this.#width || picture.height !== this.#height) {
      throw new MediaError(
        "SINK_FAILED",
        `recording ${this.#path} stops: the picture became ${picture.width}x${picture.height}, and Y4M knows one size`,
      );
    }
    const due = Math.round(((picture.playoutUs - this.#startUs) * this.#frameRate) / 1e6) + 1;
    // After a pause the file catches up with at most a second of still picture.
    const repeats = Math.min(due - this.#written, Math.ceil(this.#frameRate));
    if (repeats <= 0) return;
    const frame = this.#pack(bytes, picture);
    for (let i = 0; i < repeats; i++) writeSync(this.#fd, frame);
    this.#written = due;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #writeHeader(picture: Descriptor): void {
    const { width, height } = picture;
    this.#width = width;
    this.#height = height;
    this.#startUs = picture.playoutUs;
    writeSync(this.#fd, y4mHeader({ width, height, frameRate: this.#frameRate }));
    this.#packed = new Uint8Array(Y4M_FRAME_LINE.length + i420Bytes(width, height));
    this.#packed.set(Y4M_FRAME_LINE);
  }

  /** Planes without padding behind a frame tag. */
  #pack(bytes: Uint8Array, picture: Descriptor): Uint8Array {
    const chromaWidth = (this.#width + 1) >> 1;
    const chromaHeight = (this.#height + 1) >> 1;
    let at: number = Y4M_FRAME_LINE.length;
    at = this.#copyPlane(bytes, picture.offsetY, picture.strideY, this.#width, this.#height, at);
    at = this.#copyPlane(bytes, picture.offsetU, picture.strideU, chromaWidth, chromaHeight, at);
    this.#copyPlane(bytes, picture.offsetV, picture.strideV, chromaWidth, chromaHeight, at);
    return this.#packed;
  }

  #copyPlane(
    bytes: Uint8Array,
    offset: number,
    stride: number,
    width: number,
    height: number,
    at: number,
  ): number {
    if (stride === width) {
      this.#packed.set(bytes.subarray(offset, offset + width * height), at);
    } else {
      for (let y = 0; y < height; y++) {
        this.#packed.set(bytes.subarray(offset + y * stride, offset + y * stride + width), at + y * width);
      }
    }
    return at + width * height;
  }
}
