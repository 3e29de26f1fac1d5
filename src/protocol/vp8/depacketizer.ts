import { copyBytes } from "../primitives/bytes.js";
import { type AccessUnitAssembler, PayloadTraits } from "../rtp/payload_format.js";
import { parseVp8Descriptor, Vp8Descriptor } from "./descriptor.js";
import { isVp8Keyframe, parseVp8FrameHeader } from "./frame_header.js";

/**
 * Puts RTP payloads (RFC 7741) together to a VP8 frame in a caller's buffer. `start()`, `push()` the payloads of one frame in
 * sequence order, `finish()`. A frame whose first partition would reach beyond its end is refused.
 */
export class Vp8Depacketizer implements AccessUnitAssembler {
  keyframe = false;
  damaged = false;
  overflow = false;
  /** Of the last payload looked at. */
  readonly descriptor = new Vp8Descriptor();
  private out: Uint8Array = new Uint8Array(0);
  /** Of the frame that was begun last; -1: it has none. */
  private pictureId = -1;
  private begin = 0;
  private at = 0;

  start(out: Uint8Array, offset = 0): void {
    this.out = out;
    this.begin = offset;
    this.at = offset;
    this.keyframe = false;
    this.damaged = false;
    this.overflow = false;
  }

  push(buf: Uint8Array, offset: number, length: number): boolean {
    const accepted = this.append(buf, offset, length);
    if (!accepted) this.damaged = true;
    return accepted;
  }

  finish(): number {
    const length = this.at - this.begin;
    if (!this.damaged && !parseVp8FrameHeader(this.out, this.begin, length)) this.damaged = true;
    return this.damaged ? 0 : length;
  }

  inspect(buf: Uint8Array, offset: number, length: number): number {
    const d = this.descriptor;
    if (!parseVp8Descriptor(buf, offset, length, d)) return 0;
    const reference = d.nonReference ? 0 : PayloadTraits.reference;
    if (!startsFrame(d) || !isVp8Keyframe(buf, offset + d.bytes)) return reference;
    return reference | PayloadTraits.keyframe | PayloadTraits.randomAccess;
  }

  /** RFC 7741 §4.2: the picture id grows by one with each frame. */
  follows(buf: Uint8Array, offset: number, length: number): boolean {
    const d = this.descriptor;
    if (this.pictureId < 0 || !parseVp8Descriptor(buf, offset, length, d) || !startsFrame(d)) return false;
    const mask = (1 << d.pictureIdBits) - 1;
    return d.pictureId >= 0 && d.pictureId === ((this.pictureId + 1) & mask);
  }

  get hasPicture(): boolean {
    return this.at > this.begin;
  }

  /** A VP8 keyframe brings all that decoding needs. */
  get hasParameterSets(): boolean {
    return this.keyframe;
  }

  private append(buf: Uint8Array, offset: number, length: number): boolean {
    const d = this.descriptor;
    if (!parseVp8Descriptor(buf, offset, length, d)) return false;
    const first = this.at === this.begin;
    // RFC 7741 §4.2: exactly the first packet of a frame has S set and PID 0.
    if (startsFrame(d) !== first) return false;
    const data = length - d.bytes;
    if (this.at + data > this.out.length) {
      this.overflow = true;
      return false;
    }
    if (first) {
      this.keyframe = isVp8Keyframe(buf, offset + d.bytes);
      this.pictureId = d.pictureId;
    }
    copyBytes(buf, offset + d.bytes, this.out, this.at, data);
    this.at += data;
    return true;
  }
}

function startsFrame(d: Vp8Descriptor): boolean {
  return d.partitionStart && d.partitionIndex === 0;
}
