import { type ImageLayout, native } from "../../../native/addon.js";
import { i420Bytes, i420Layout } from "../../protocol/primitives/i420.js";
import { bytesOf, checkLength, sizeOf } from "./bytes.js";

export interface RawFrame {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayBufferView | ArrayBufferLike;
}

/**
 * Converts an I420 picture to R, G, B, A bytes (BT.601, video range) in `rgba.data`; both of the same size. Throws a
 * TypeError when a size or a length does not fit.
 */
export function i420ToRgba(i420: RawFrame, rgba: RawFrame): void {
  convert(describe("I420 frame", i420, "I420"), describe("RGBA frame", rgba, "ABGR"));
}

/** The way back of {@link i420ToRgba}; alpha is left out. */
export function rgbaToI420(rgba: RawFrame, i420: RawFrame): void {
  convert(describe("RGBA frame", rgba, "ABGR"), describe("I420 frame", i420, "I420"));
}

interface Described {
  readonly bytes: Uint8Array;
  readonly layout: ImageLayout;
}

function convert(from: Described, to: Described): void {
  const { width, height } = from.layout;
  if (width !== to.layout.width || height !== to.layout.height) {
    throw new TypeError(
      `The frames differ in size: ${width}x${height} and ${to.layout.width}x${to.layout.height}`,
    );
  }
  native.convertImage(from.bytes, from.layout, to.bytes, to.layout);
}

/** libyuv's ABGR is R, G, B, A in memory. */
function describe(what: string, frame: RawFrame, format: "I420" | "ABGR"): Described {
  const width = sizeOf(`${what}: width`, frame.width, 65_535);
  const height = sizeOf(`${what}: height`, frame.height, 65_535);
  const bytes = bytesOf(`${what}: data`, frame.data);
  checkLength(`${what}: data`, bytes, format === "I420" ? i420Bytes(width, height) : 4 * width * height);
  return { bytes, layout: layoutOf(format, width, height) };
}

function layoutOf(format: "I420" | "ABGR", width: number, height: number): ImageLayout {
  if (format === "I420") return i420Layout(width, height);
  return { format, width, height, planes: [{ offset: 0, stride: 4 * width }] };
}
