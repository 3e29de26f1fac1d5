import { copyBytes } from "../primitives/bytes.js";
import { type AccessUnitAssembler, PayloadTraits } from "../rtp/payload_format.js";
import { parseVp9Descriptor, Vp9Descriptor } from "./descriptor.js";
import { isVp9Keyframe } from "./frame_header.js";

/**
 * Puts RTP payloads (RFC 9628) together to a VP9 picture in a caller's buffer: its one frame, or the frames of its spatial layers
 * one behind the other, as decoders take them. `start()`, `push()` the payloads of one picture in sequence order, `finish()`.
 * Nothing is allocated.
 */
export class Vp9Depacketizer implements AccessUnitAssembler {
  keyframe = false;
  /** A payload was refused or a frame never ended: the picture must not reach a decoder. */
  damaged = false;
  overflow = false;
  /** Of the last payload looked at. */
  readonly descriptor = new Vp9Descriptor();
  private out: Uint8Array = new Uint8Array(0);
  private begun = 0;
  private at = 0;
  private inFrame = false;

  start(out: Uint8Array, offset = 0): void {
    this.out = out;
    this.begun = offset;
    this.at = offset;
    this.keyframe = false;
    this.damaged = false;
    this.overflow = false;
    this.inFrame = false;
  }

  push(buf: Uint8Array, offset: number, length: number): boolean {
    const accepted = this.append(buf, offset, length);
    if (!accepted) this.damaged = true;
    return accepted;
  }

  finish(): number {
    if (this.inFrame) this.damaged = true;
    return this.damaged ? 0 : this.at - this.begun;
  }

  inspect(buf: Uint8Array, offset: number, length: number): number {
    const d = this.descriptor;
    if (!parseVp9Descriptor(buf, offset, length, d)) return 0;
    if (!beginsKeyframe(buf, offset, length, d)) return PayloadTraits.reference;
    return PayloadTraits.reference | PayloadTraits.keyframe | PayloadTraits.randomAccess;
  }

  get hasPicture(): boolean {
    return this.at > this.begun;
  }

  /** A VP9 keyframe brings all that decoding needs. */
  get hasParameterSets(): boolean {
    return this.keyframe;
  }

  private append(buf: Uint8Array, offset: number, length: number): boolean {
    const d = this.descriptor;
    if (!parseVp9Descriptor(buf, offset, length, d)) return false;
    // RFC 9628 §4.2: B and E are set on the first and the last packet of each layer's frame.
    if (d.frameStart === this.inFrame) return false;
    const data = length - d.bytes;
    if (this.at + data > this.out.length) {
      this.overflow = true;
      return false;
    }
    if (this.at === this.begun) this.keyframe = beginsKeyframe(buf, offset, length, d);
    copyBytes(buf, offset + d.bytes, this.out, this.at, data);
    this.at += data;
    this.inFrame = !d.frameEnd;
    return true;
  }
}

/** P alone does not tell: FFmpeg never sets it. */
function beginsKeyframe(buf: Uint8Array, offset: number, length: number, d: Vp9Descriptor): boolean {
  if (d.interPredicted || !d.frameStart || d.spatialId > 0) return false;
  return isVp9Keyframe(buf, offset + d.bytes, length - d.bytes);
}
