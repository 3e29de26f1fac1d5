import { copyBytes } from "../primitives/bytes.js";
import type { AccessUnitAssembler } from "./payload_format.js";

const START_CODE_BYTES = 4;

/**
 * What the payload formats of H.264 and H.265 have in common: NAL units, whole, aggregated or in fragments, become an Annex-B access
 * unit in a caller's buffer. `start()` it with the buffer, `push()` the payloads of one access unit in sequence order, `finish()`. Every
 * NAL unit gets a 4-byte start code. Nothing is allocated.
 */
export abstract class NalUnitAssembler implements AccessUnitAssembler {
  /** A slice of a picture that decoding can begin with was among the NAL units. */
  keyframe = false;
  hasSps = false;
  hasPps = false;
  /** A slice or slice partition was among the NAL units. */
  hasPicture = false;
  /** NAL units begun. */
  nalCount = 0;
  /** A payload was refused or a fragment is missing: the access unit must not reach a decoder. */
  damaged = false;
  /** The buffer was too small. */
  overflow = false;
  /** NAL type of the fragmented unit under way, -1: none. */
  protected fragmentType = -1;
  private out: Uint8Array = new Uint8Array(0);
  private begun = 0;
  private at = 0;

  /** @param headerBytes of a NAL unit, 1 or 2 */
  constructor(private readonly headerBytes: number) {}

  /** Both parameter sets, or all three, were in it. */
  abstract get hasParameterSets(): boolean;
  abstract inspect(buf: Uint8Array, offset: number, length: number): number;
  /** Takes a payload apart; false: malformed, of a type that the format does not have, or out of place. */
  protected abstract dispatch(buf: Uint8Array, offset: number, length: number): boolean;
  /** A NAL unit with this first byte begins. */
  protected abstract note(first: number): void;

  start(out: Uint8Array, offset = 0): void {
    this.out = out;
    this.begun = offset;
    this.at = offset;
    this.keyframe = false;
    this.hasSps = false;
    this.hasPps = false;
    this.hasPicture = false;
    this.nalCount = 0;
    this.damaged = false;
    this.overflow = false;
    this.fragmentType = -1;
  }

  /** Adds one payload. False (and `damaged`): as {@link dispatch} says, or there was no room. */
  push(buf: Uint8Array, offset: number, length: number): boolean {
    const accepted = this.dispatch(buf, offset, length);
    if (!accepted) this.damaged = true;
    return accepted;
  }

  /** Bytes of the access unit; 0 when it is damaged, empty, or a fragment never ended. */
  finish(): number {
    if (this.fragmentType >= 0) this.damaged = true;
    return this.damaged ? 0 : this.at - this.begun;
  }

  protected appendNal(buf: Uint8Array, offset: number, length: number): boolean {
    const { headerBytes } = this;
    return (
      this.beginNal(buf[offset], buf[offset + 1]) &&
      this.append(buf, offset + headerBytes, length - headerBytes)
    );
  }

  /** Writes start code and NAL header; `second` is passed over where that has one byte. */
  protected beginNal(first: number, second = 0): boolean {
    const bytes = START_CODE_BYTES + this.headerBytes;
    if (this.at + bytes > this.out.length) return this.overflowed();
    this.note(first);
    this.nalCount++;
    this.out[this.at] = 0;
    this.out[this.at + 1] = 0;
    this.out[this.at + 2] = 0;
    this.out[this.at + 3] = 1;
    this.out[this.at + 4] = first;
    if (this.headerBytes === 2) this.out[this.at + 5] = second;
    this.at += bytes;
    return true;
  }

  protected append(buf: Uint8Array, offset: number, length: number): boolean {
    if (this.at + length > this.out.length) return this.overflowed();
    copyBytes(buf, offset, this.out, this.at, length);
    this.at += length;
    return true;
  }

  private overflowed(): boolean {
    this.overflow = true;
    return false;
  }
}
