import { copyBytes, readU16 } from "../primitives/bytes.js";
import { type AccessUnitAssembler, PayloadTraits } from "../rtp/payload_format.js";
import { isFirstSlice, NalHeader, NalType } from "./nal_unit.js";

const START_CODE_BYTES = 4;

/**
 * Puts RTP payloads (RFC 6184, modes 0 and 1) together to an Annex-B access unit in a caller's buffer. `start()` it with
 * the buffer, `push()` the payloads of one access unit in sequence order, `finish()`. Every NAL unit gets a 4-byte start
 * code. Nothing is allocated.
 */
export class H264Depacketizer implements AccessUnitAssembler {
  /** An IDR slice was among the NAL units. */
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
  private out: Uint8Array = new Uint8Array(0);
  private begin = 0;
  private at = 0;
  /** NAL type of the fragmented unit under way, -1: none. */
  private fragmentType = -1;

  start(out: Uint8Array, offset = 0): void {
    this.out = out;
    this.begin = offset;
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

  /** Adds one payload. False (and `damaged`): malformed, of a type modes 0 and 1 do not have, or out of place. */
  push(buf: Uint8Array, offset: number, length: number): boolean {
    const accepted = length > 0 && this.dispatch(buf, offset, length);
    if (!accepted) this.damaged = true;
    return accepted;
  }

  /** Bytes of the access unit; 0 when it is damaged, empty, or a fragment never ended. */
  finish(): number {
    if (this.fragmentType >= 0) this.damaged = true;
    return this.damaged ? 0 : this.at - this.begin;
  }

  inspect(buf: Uint8Array, offset: number, length: number): number {
    return inspectPayload(buf, offset, length);
  }

  /** Both parameter sets were in it. */
  get hasParameterSets(): boolean {
    return this.hasSps && this.hasPps;
  }

  private dispatch(buf: Uint8Array, offset: number, length: number): boolean {
    const header = buf[offset];
    // RFC 6184 §5.3: F says the unit has bit errors; a decoder need not face it.
    if ((header & NalHeader.forbidden) !== 0) return false;
    const type = header & NalHeader.typeMask;
    if (type === NalType.fuA) return this.pushFragment(buf, offset, length);
    // A fragmented unit's packets follow each other without another between (§5.8).
    if (this.fragmentType >= 0) return false;
    if (type === NalType.stapA) return this.pushStapA(buf, offset, length);
    return isNalType(type) && this.appendNal(buf, offset, length);
  }

  private pushStapA(buf: Uint8Array, offset: number, length: number): boolean {
    if (!isSoundStapA(buf, offset, length)) return false;
    const end = offset + length;
    for (let at = offset + 1; at < end; ) {
      const size = readU16(buf, at);
      if (!this.appendNal(buf, at + 2, size)) return false;
      at += 2 + size;
    }
    return true;
  }

  private pushFragment(buf: Uint8Array, offset: number, length: number): boolean {
    if (length < 3) return false;
    const fuHeader = buf[offset + 1];
    const type = fuHeader & NalHeader.typeMask;
    const starts = (fuHeader & 0x80) !== 0;
    if (!isNalType(type) || starts === this.fragmentType >= 0) return false;
    if (starts) {
      if (!this.beginNal((buf[offset] & NalHeader.referenceMask) | type)) return false;
      this.fragmentType = type;
    } else if (type !== this.fragmentType) return false;
    if (!this.append(buf, offset + 2, length - 2)) return false;
    if ((fuHeader & 0x40) !== 0) this.fragmentType = -1;
    return true;
  }

  private appendNal(buf: Uint8Array, offset: number, length: number): boolean {
    return this.beginNal(buf[offset]) && this.append(buf, offset + 1, length - 1);
  }

  /** Writes start code and NAL header. */
  private beginNal(header: number): boolean {
    if (this.at + START_CODE_BYTES + 1 > this.out.length) return this.overflowed();
    const type = header & NalHeader.typeMask;
    if (type === NalType.idr) this.keyframe = true;
    else if (type === NalType.sps) this.hasSps = true;
    else if (type === NalType.pps) this.hasPps = true;
    if (type <= NalType.idr) this.hasPicture = true;
    this.nalCount++;
    this.out[this.at] = 0;
    this.out[this.at + 1] = 0;
    this.out[this.at + 2] = 0;
    this.out[this.at + 3] = 1;
    this.out[this.at + 4] = header;
    this.at += START_CODE_BYTES + 1;
    return true;
  }

  private append(buf: Uint8Array, offset: number, length: number): boolean {
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

function isNalType(type: number): boolean {
  return type > 0 && type < NalType.stapA;
}

/** Sizes that add up exactly, each with a sendable NAL unit behind it, at least one. */
function isSoundStapA(buf: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length;
  let at = offset + 1;
  if (at >= end) return false;
  while (at < end) {
    if (at + 3 > end) return false;
    const size = readU16(buf, at);
    const header = buf[at + 2];
    if (size === 0 || at + 2 + size > end) return false;
    if ((header & NalHeader.forbidden) !== 0 || !isNalType(header & NalHeader.typeMask)) return false;
    at += 2 + size;
  }
  return true;
}

/** Looks into a payload without unpacking it; 0 for what does not parse. */
export function inspectPayload(buf: Uint8Array, offset: number, length: number): number {
  if (length < 1) return 0;
  const type = buf[offset] & NalHeader.typeMask;
  if (type === NalType.stapA) return inspectStapA(buf, offset, length);
  if (type !== NalType.fuA) return inspectNal(buf, offset, length, buf[offset]);
  if (length < 3) return 0;
  const header = (buf[offset] & NalHeader.referenceMask) | (buf[offset + 1] & NalHeader.typeMask);
  const traits = inspectNal(buf, offset + 1, length - 1, header);
  // Only the first fragment shows the slice header.
  return (buf[offset + 1] & 0x80) !== 0 ? traits : traits & ~PayloadTraits.keyframeStart;
}

function inspectStapA(buf: Uint8Array, offset: number, length: number): number {
  if (!isSoundStapA(buf, offset, length)) return 0;
  let traits = 0;
  for (let at = offset + 1; at < offset + length; ) {
    const size = readU16(buf, at);
    traits |= inspectNal(buf, at + 2, size, buf[at + 2]);
    at += 2 + size;
  }
  return traits;
}

/** `offset` is that of the header byte, or of the byte that stands in its place. */
function inspectNal(buf: Uint8Array, offset: number, length: number, header: number): number {
  const type = header & NalHeader.typeMask;
  if (type === NalType.sps) return PayloadTraits.randomAccess;
  if (type === NalType.pps) return PayloadTraits.parameterSet;
  const reference = (header & NalHeader.referenceMask) !== 0 ? PayloadTraits.reference : 0;
  if (type !== NalType.idr) return type <= NalType.idr ? reference : 0;
  return (
    reference | PayloadTraits.keyframe | (isFirstSlice(buf, offset, length) ? PayloadTraits.keyframeStart : 0)
  );
}
