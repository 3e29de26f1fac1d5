import { type ImageLayout, native, type PixelFormat } from "../../../../native/addon.js";
import { i420Bytes, i420Layout } from "../../../protocol/primitives/i420.js";
import { MediaError } from "../../media_error.js";
import type { Descriptor } from "../../ring/descriptor.js";
import type { VideoSource } from "../video_source.js";
import { negotiateMode, type WantedMode } from "./opencv_mode.js";
import { CaptureProperty, type OpenCv, type OpenCvCapture, type OpenCvMat } from "./opencv_module.js";
import { describeTarget, type OpenCvTarget } from "./opencv_target.js";

export interface OpenCvSourceOptions extends WantedMode {
  /** A device's number, a file's path, a URL or a GStreamer pipeline. */
  readonly target: string;
  /** Whether a file begins again at its end. */
  readonly loop: boolean;
}

const HIGHEST_FRAME_RATE = 240;
/** A camera may need some pictures to wake up; a file's first one is a picture or nothing is. */
const FIRST_READS = 5;
/** Full range becomes video range (ITU-R BT.601), as with colours. */
const VIDEO_RANGE = Uint8Array.from({ length: 256 }, (_, grey) => 16 + Math.round((grey * 219) / 255));
/** libyuv's names for the bytes that OpenCV gives. */
const FORMAT_OF_CHANNELS: Readonly<Record<number, PixelFormat>> = { 3: "RGB24", 4: "ARGB" };

/**
 * Pictures through OpenCV's VideoCapture. What ends (a file, a recording behind a URL) is paced by its own rate and loops; a
 * camera gives its pictures when it has them. `read` waits in OpenCV, which gives up after 10 s (V4L2) or 30 s (FFmpeg): so
 * long may a dead camera hold up its thread.
 */
export class OpenCvSource implements VideoSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly paced: boolean;
  readonly pictureBytes: number;
  readonly notices: readonly string[];
  readonly #cv: OpenCv;
  readonly #target: OpenCvTarget;
  readonly #finite: boolean;
  readonly #loop: boolean;
  #capture: OpenCvCapture;
  /** Read already, to learn its size. */
  #pending: OpenCvMat | undefined;
  #layouts:
    | { width: number; height: number; channels: number; from: ImageLayout; to: ImageLayout }
    | undefined;

  /** @param cv what `loadOpenCv` gave. Throws MediaError saying what was tried and what to look at. */
  constructor(cv: OpenCv, options: OpenCvSourceOptions) {
    this.#cv = cv;
    this.#target = describeTarget(options.target);
    this.#loop = options.loop;
    const notices: string[] = [];
    this.#capture = this.#open(notices);
    if (this.#target.kind === "device") notices.push(...negotiateMode(this.#capture, options));
    const first = this.#readFirst();
    this.#pending = first;
    this.width = first.cols;
    this.height = first.rows;
    this.pictureBytes = i420Bytes(first.cols, first.rows);
    const { frameRate, told } = this.#frameRate(options.frameRate);
    this.frameRate = frameRate;
    if (!told) notices.push(`it tells no frame rate: ${frameRate} a second is taken`);
    this.#finite = this.#target.kind === "file" || this.#capture.get(CaptureProperty.frameCount) > 0;
    // A pipeline without a clock runs as fast as it is read.
    this.paced = this.#finite || this.#target.kind === "pipeline";
    this.notices = notices.map((notice) => `opencv: ${this.#target.name}: ${notice}`);
  }

  capture(target: Uint8Array, descriptor: Descriptor, _frameNumber: number, nowUs: number): number {
    const mat = this.#next();
    try {
      this.#convert(mat, target, descriptor);
    } finally {
      mat.release();
    }
    return this.paced ? nowUs : native.monotonicUs();
  }

  discard(): void {
    this.#next().release();
  }

  close(): void {
    this.#pending?.release();
    this.#pending = undefined;
    this.#capture.release();
  }

  #open(notices: string[]): OpenCvCapture {
    const { backEnds, name, value, advice } = this.#target;
    for (const backEnd of backEnds) {
      try {
        return new this.#cv.VideoCapture(value, backEnd.id);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        notices.push(`not by ${backEnd.name} (${reason})`);
      }
    }
    throw new MediaError(
      "SOURCE_FAILED",
      `opencv: ${name}: tried to open it: ${notices.join(", ")}; ${advice}`,
    );
  }

  #readFirst(): OpenCvMat {
    for (let reads = 0; reads < FIRST_READS; reads++) {
      const mat = this.#capture.read();
      if (!mat.empty) return mat;
    }
    this.#capture.release();
    const { name, advice } = this.#target;
    throw new MediaError("SOURCE_FAILED", `opencv: ${name}: opened, but it gives no picture; ${advice}`);
  }

  #frameRate(wanted: number): { frameRate: number; told: boolean } {
    const given = this.#capture.get(CaptureProperty.frameRate);
    const told = given > 0 && given <= HIGHEST_FRAME_RATE;
    return { frameRate: told ? given : wanted, told };
  }

  #next(): OpenCvMat {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) return pending;
    const mat = this.#capture.read();
    return mat.empty ? this.#afterEnd() : mat;
  }

  #afterEnd(): OpenCvMat {
    const what = this.#finite ? "ended" : "gives no pictures any more";
    if (!this.#finite || !this.#loop) {
      throw new MediaError("SOURCE_FAILED", `opencv: ${this.#target.name} ${what}`);
    }
    // Not every back end can go back; one that cannot is at its end still.
    this.#capture.set(CaptureProperty.position, 0);
    const first = this.#capture.read();
    if (!first.empty) return first;
    this.#capture.release();
    this.#capture = this.#open([]);
    return this.#readFirst();
  }

  #convert(mat: OpenCvMat, target: Uint8Array, descriptor: Descriptor): void {
    const { cols: width, rows: height, channels } = mat;
    if (i420Bytes(width, height) > target.length)
      throw this.#unfit(`became ${width}x${height}, which is too large`);
    if ((mat.type & 7) !== 0) throw this.#unfit("gives samples of more than 8 bits");
    descriptor.setI420(width, height);
    if (channels === 1) {
      copyGrey(mat.getData(), target, descriptor);
    } else {
      const { from, to } = this.#layoutsOf(width, height, channels);
      native.convertImage(mat.getData(), from, target, to);
    }
  }

  #layoutsOf(width: number, height: number, channels: number) {
    const known = this.#layouts;
    if (known?.width === width && known.height === height && known.channels === channels) return known;
    const format = FORMAT_OF_CHANNELS[channels];
    if (format === undefined) throw this.#unfit(`gives ${channels} samples a pixel; 1, 3 and 4 are taken`);
    const from: ImageLayout = { format, width, height, planes: [{ offset: 0, stride: channels * width }] };
    this.#layouts = { width, height, channels, from, to: i420Layout(width, height) };
    return this.#layouts;
  }

  #unfit(what: string): MediaError {
    return new MediaError("SOURCE_FAILED", `opencv: ${this.#target.name} ${what}`);
  }
}

function copyGrey(grey: Uint8Array, target: Uint8Array, descriptor: Descriptor): void {
  for (let i = 0; i < grey.length; i++) target[i] = VIDEO_RANGE[grey[i]];
  target.fill(128, descriptor.offsetU, descriptor.byteLength);
}
