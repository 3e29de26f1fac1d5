import { native, type ScreenCapture } from "../../../native/addon.js";
import { i420Bytes } from "../../protocol/primitives/i420.js";
import { MediaError } from "../media_error.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { ScreenPlace } from "./screen_text.js";
import type { PictureSize, VideoSource } from "./video_source.js";

/** What an X display, a part of it or a window shows; the conversion to I420 goes straight into the slot. */
export class ScreenSource implements VideoSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly paced = true;
  readonly pictureBytes: number;
  readonly #capture: ScreenCapture;
  readonly #size = new Int32Array(2);

  /** @param largest what a larger screen is scaled down to */
  constructor(place: ScreenPlace, frameRate: number, largest?: PictureSize) {
    const options = { ...place, display: displayOf(place), ...(largest && { largest }) };
    this.#capture = new native.ScreenCapture(options);
    this.width = this.#capture.width;
    this.height = this.#capture.height;
    this.frameRate = frameRate;
    this.pictureBytes = i420Bytes(this.width, this.height);
  }

  capture(target: Uint8Array, descriptor: Descriptor, _frameNumber: number, nowUs: number): number {
    if (this.#capture.capture(target, this.#size) === 0) return 0;
    const [width, height] = this.#size;
    descriptor.setI420(width, height);
    return nowUs;
  }

  close(): void {
    this.#capture.close();
  }
}

function displayOf({ display }: ScreenPlace): string {
  const name = display === "" ? (process.env.DISPLAY ?? "") : display;
  if (name !== "") return name;
  throw new MediaError(
    "SOURCE_FAILED",
    "screen: no display is named and the environment has no DISPLAY; write screen::0 or the like",
  );
}
