import type { Descriptor } from "../ring/descriptor.js";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Something that gives I420 pictures. */
export interface VideoSource {
  readonly width: number;
  readonly height: number;
  /** Frames per second; a paced source is called at this rate. */
  readonly frameRate: number;
  /** false: {@link capture} itself waits for the device. */
  readonly paced: boolean;
  /** Bytes {@link capture} needs. */
  readonly pictureBytes: number;
  /** What it could not do as asked, and did otherwise. */
  readonly notices?: readonly string[];
  /**
   * Writes the next picture into `target` and its layout into `descriptor`. Returns its capture time in µs
   * (monotonic), 0 when there is no picture yet (an unpaced source gave up waiting) and throws when it ended.
   */
  capture(target: Uint8Array, descriptor: Descriptor, frameNumber: number, nowUs: number): number;
  /** Takes the next picture and drops it, of a source that would keep it and fall behind. */
  discard?(): void;
  close(): void;
}
