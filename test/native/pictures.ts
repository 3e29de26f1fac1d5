/** Pictures for the native tests: layouts, a moving pattern, distances. */
import type { ImageLayout, PixelFormat } from "../../native/addon.js";

const chroma = (side: number): number => (side + 1) >> 1;

export { i420Bytes, i420Layout } from "../../src/protocol/primitives/i420.js";

/** Layout of a format with one plane and `stride` bytes a row. */
export function packedLayout(
  format: PixelFormat,
  width: number,
  height: number,
  stride: number,
  offset = 0,
): ImageLayout {
  return { format, width, height, planes: [{ offset, stride }] };
}

/** Draws picture `frame` of a panning pattern into a tight I420 picture. */
export function drawMoving(picture: Uint8Array, width: number, height: number, frame: number): void {
  for (let y = 0; y < height; y++) {
    const vertical = Math.cos((y - 2 * frame) / 13);
    for (let x = 0; x < width; x++) {
      const checked = (((x + frame) >> 4) + (y >> 4)) & 1 ? 20 : -20;
      picture[y * width + x] = 128 + 50 * Math.sin((x + 3 * frame) / 17) * vertical + checked;
    }
  }
  const [across, down] = [chroma(width), chroma(height)];
  const u = width * height;
  const v = u + across * down;
  for (let y = 0; y < down; y++) {
    picture.fill(150 - ((y + frame) % 56), v + y * across, v + (y + 1) * across);
    for (let x = 0; x < across; x++) picture[u + y * across + x] = 100 + ((x + frame) % 56);
  }
}

/** Peak signal to noise ratio of the first `bytes` samples in dB. */
export function psnr(a: Uint8Array, b: Uint8Array, bytes: number): number {
  let sum = 0;
  for (let i = 0; i < bytes; i++) {
    const difference = a[i] - b[i];
    sum += difference * difference;
  }
  return 10 * Math.log10((255 * 255 * bytes) / Math.max(sum, 1e-9));
}

/** A view over shared memory, as the rings hand them out. */
export function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}
