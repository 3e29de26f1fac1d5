import { type ImageLayout, native, type V4l2Capture } from "../../../native/addon.js";
import { i420Bytes, i420Layout } from "../../protocol/primitives/i420.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSource } from "./video_source.js";

/** Longest wait for a frame, so that orders are read in between. */
const CAPTURE_WAIT_US = 50_000;

/** A V4L2 camera; the conversion to I420 goes straight into the slot. */
export class V4l2Camera implements VideoSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly paced = false;
  readonly pictureBytes: number;
  readonly #capture: V4l2Capture;
  readonly #layout: ImageLayout;

  constructor(device: string, request: { width: number; height: number; frameRate: number }) {
    this.#capture = native.V4l2Capture.open(device, request);
    const { width, height } = this.#capture;
    this.width = width;
    this.height = height;
    this.frameRate = this.#capture.frameRate;
    this.pictureBytes = i420Bytes(width, height);
    this.#layout = i420Layout(width, height);
  }

  capture(target: Uint8Array, descriptor: Descriptor): number {
    const captureTimeUs = this.#capture.capture(target, this.#layout, CAPTURE_WAIT_US);
    if (captureTimeUs > 0) descriptor.setI420(this.width, this.height);
    return captureTimeUs;
  }

  close(): void {
    this.#capture.close();
  }
}
