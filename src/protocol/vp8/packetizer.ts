import { copyBytes } from "../primitives/bytes.js";
import { VP8_DESCRIPTOR_BYTES, writeVp8Descriptor } from "./descriptor.js";

/**
 * Cuts VP8 frames into RTP payloads of nearly equal size (RFC 7741 §4.4), each with a 15-bit picture id. `start()` a frame, call
 * `next()` until it returns 0; `isLast` tells whether the packet just written ends the frame (its marker bit).
 */
export class Vp8Packetizer {
  isLast = false;
  /** Grows by one with every frame; begin it at random (RFC 7741 §4.2). */
  pictureId: number;
  private frame: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private packetsLeft = 0;
  private first = false;
  private nonReference = false;

  constructor(firstPictureId = 0) {
    this.pictureId = (firstPictureId - 1) & 0x7fff;
  }

  /** Begins the frame at `frame[offset, offset + length)`; payloads will be at most `maxPayload` bytes, descriptor included. */
  start(
    frame: Uint8Array,
    maxPayload: number,
    nonReference = false,
    offset = 0,
    length = frame.length - offset,
  ): void {
    if (maxPayload <= VP8_DESCRIPTOR_BYTES)
      throw new RangeError(`maxPayload ${maxPayload}: more than ${VP8_DESCRIPTOR_BYTES} bytes are needed`);
    this.frame = frame;
    this.at = offset;
    this.end = offset + length;
    this.packetsLeft = Math.ceil(length / (maxPayload - VP8_DESCRIPTOR_BYTES));
    this.first = true;
    this.isLast = false;
    this.nonReference = nonReference;
    this.pictureId = (this.pictureId + 1) & 0x7fff;
  }

  /** Writes the next payload at `target[offset…]`; returns its bytes, 0 when the frame is done. */
  next(target: Uint8Array, offset: number): number {
    if (this.packetsLeft === 0) return 0;
    const piece = Math.ceil((this.end - this.at) / this.packetsLeft);
    writeVp8Descriptor(target, offset, this.first, this.nonReference, this.pictureId);
    copyBytes(this.frame, this.at, target, offset + VP8_DESCRIPTOR_BYTES, piece);
    this.first = false;
    this.at += piece;
    this.packetsLeft--;
    this.isLast = this.packetsLeft === 0;
    return VP8_DESCRIPTOR_BYTES + piece;
  }
}
