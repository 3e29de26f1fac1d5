import { copyBytes } from "../primitives/bytes.js";
import type { FramePacketizer } from "../rtp/payload_format.js";
import {
  VP9_DESCRIPTOR_WITH_SIZE_BYTES,
  type Vp9DescriptorFields,
  writeVp9Descriptor,
} from "./descriptor.js";
import { parseVp9FrameHeader, Vp9FrameHeader } from "./frame_header.js";

/**
 * Cuts VP9 frames of a stream without layers into RTP payloads of nearly equal size (RFC 9628), each with a 15-bit picture id;
 * a keyframe's first one states its size in a scalability structure of one layer. `begin()` a frame, call `next()` until it
 * returns 0. The frame must not change in between.
 */
export class Vp9Packetizer implements FramePacketizer {
  isLast = false;
  private frame: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private packetsLeft = 0;
  private readonly header = new Vp9FrameHeader();
  private readonly fields: Vp9DescriptorFields;

  /** Begin the picture id at random (RFC 9628 §4.2). */
  constructor(firstPictureId = 0) {
    this.fields = {
      interPredicted: false,
      frameStart: false,
      frameEnd: false,
      pictureId: (firstPictureId - 1) & 0x7fff,
      width: 0,
      height: 0,
    };
  }

  get pictureId(): number {
    return this.fields.pictureId;
  }

  /** False: the bytes do not begin as a VP9 frame does. Throws RangeError where `maxPayload` leaves no room for data. */
  begin(frame: Uint8Array, length: number, maxPayload: number): boolean {
    if (maxPayload <= VP9_DESCRIPTOR_WITH_SIZE_BYTES)
      throw new RangeError(
        `maxPayload ${maxPayload}: more than ${VP9_DESCRIPTOR_WITH_SIZE_BYTES} bytes are needed`,
      );
    this.isLast = false;
    this.packetsLeft = 0;
    if (!parseVp9FrameHeader(frame, 0, length, this.header)) return false;
    const { fields, header } = this;
    fields.interPredicted = !header.keyframe;
    fields.frameStart = true;
    fields.pictureId = (fields.pictureId + 1) & 0x7fff;
    // A side of 65536 does not fit the structure's 16 bits.
    const fits = header.width <= 0xffff && header.height <= 0xffff;
    fields.width = fits ? header.width : 0;
    fields.height = fits ? header.height : 0;
    this.frame = frame;
    this.at = 0;
    this.end = length;
    this.packetsLeft = Math.ceil(length / (maxPayload - VP9_DESCRIPTOR_WITH_SIZE_BYTES));
    return true;
  }

  next(target: Uint8Array, offset: number): number {
    if (this.packetsLeft === 0) return 0;
    const piece = Math.ceil((this.end - this.at) / this.packetsLeft);
    this.packetsLeft--;
    this.isLast = this.packetsLeft === 0;
    this.fields.frameEnd = this.isLast;
    const head = writeVp9Descriptor(target, offset, this.fields);
    copyBytes(this.frame, this.at, target, offset + head, piece);
    this.at += piece;
    this.fields.frameStart = false;
    this.fields.width = 0;
    return head + piece;
  }
}
