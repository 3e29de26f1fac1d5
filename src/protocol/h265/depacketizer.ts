import { readU16 } from "../primitives/bytes.js";
import { NalUnitAssembler } from "../rtp/nal_unit_assembler.js";
import { PayloadTraits } from "../rtp/payload_format.js";
import {
  H265_FORBIDDEN,
  H265_NAL_HEADER_BYTES,
  H265NalType,
  h265NalType,
  isH265Reference,
  isIrap,
  withH265NalType,
} from "./nal_unit.js";

const FU_HEADER_BYTES = 3;

/**
 * Puts RTP payloads of H.265 (RFC 7798 without DONL) together to an Annex-B access unit in a caller's buffer. Packets with content
 * information (PACI, §4.4.4) are refused.
 */
export class H265Depacketizer extends NalUnitAssembler {
  hasVps = false;

  constructor() {
    super(H265_NAL_HEADER_BYTES);
  }

  get hasParameterSets(): boolean {
    return this.hasVps && this.hasSps && this.hasPps;
  }

  override start(out: Uint8Array, offset = 0): void {
    super.start(out, offset);
    this.hasVps = false;
  }

  inspect(buf: Uint8Array, offset: number, length: number): number {
    return inspectH265Payload(buf, offset, length);
  }

  protected dispatch(buf: Uint8Array, offset: number, length: number): boolean {
    if (length <= H265_NAL_HEADER_BYTES) return false;
    if (!isSoundHeader(buf, offset)) return false;
    const type = h265NalType(buf[offset]);
    if (type === H265NalType.fragmentation) return this.pushFragment(buf, offset, length);
    // §4.4.3: a fragmented unit's packets follow each other without another between.
    if (this.fragmentType >= 0) return false;
    if (type === H265NalType.aggregation) return this.pushAggregation(buf, offset, length);
    return isNalType(type) && this.appendNal(buf, offset, length);
  }

  private pushAggregation(buf: Uint8Array, offset: number, length: number): boolean {
    if (!isSoundAggregation(buf, offset, length)) return false;
    const end = offset + length;
    for (let at = offset + H265_NAL_HEADER_BYTES; at < end; ) {
      const size = readU16(buf, at);
      if (!this.appendNal(buf, at + 2, size)) return false;
      at += 2 + size;
    }
    return true;
  }

  private pushFragment(buf: Uint8Array, offset: number, length: number): boolean {
    if (length <= FU_HEADER_BYTES) return false;
    const fuHeader = buf[offset + 2];
    const type = fuHeader & 0x3f;
    const starts = (fuHeader & 0x80) !== 0;
    const ends = (fuHeader & 0x40) !== 0;
    // §4.4.3: a unit that fits one fragment must not be fragmented.
    if (!isNalType(type) || (starts && ends) || starts === this.fragmentType >= 0) return false;
    if (starts) {
      if (!this.beginNal(withH265NalType(buf[offset], type), buf[offset + 1])) return false;
      this.fragmentType = type;
    } else if (type !== this.fragmentType) return false;
    if (!this.append(buf, offset + FU_HEADER_BYTES, length - FU_HEADER_BYTES)) return false;
    if (ends) this.fragmentType = -1;
    return true;
  }

  protected note(first: number): void {
    const type = h265NalType(first);
    if (isIrap(type)) this.keyframe = true;
    else if (type === H265NalType.vps) this.hasVps = true;
    else if (type === H265NalType.sps) this.hasSps = true;
    else if (type === H265NalType.pps) this.hasPps = true;
    if (type <= H265NalType.lastVcl) this.hasPicture = true;
  }
}

function isNalType(type: number): boolean {
  return type < H265NalType.aggregation;
}

/** RFC 7798 §1.1.4: F says the unit has errors, which a decoder need not face; a temporal id plus one of 0 is illegal. */
function isSoundHeader(buf: Uint8Array, offset: number): boolean {
  return (buf[offset] & H265_FORBIDDEN) === 0 && (buf[offset + 1] & 0x07) !== 0;
}

/** Sizes that add up exactly, each with a sendable NAL unit behind it, at least two (RFC 7798 §4.4.2). */
function isSoundAggregation(buf: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length;
  let units = 0;
  for (let at = offset + H265_NAL_HEADER_BYTES; at < end; units++) {
    if (at + 2 + H265_NAL_HEADER_BYTES >= end) return false;
    const size = readU16(buf, at);
    if (size <= H265_NAL_HEADER_BYTES || at + 2 + size > end) return false;
    if (!isSoundHeader(buf, at + 2) || !isNalType(h265NalType(buf[at + 2]))) return false;
    at += 2 + size;
  }
  return units >= 2;
}

/** Looks into a payload without unpacking it: an OR of {@link PayloadTraits}, 0 for what does not parse. */
export function inspectH265Payload(buf: Uint8Array, offset: number, length: number): number {
  if (length <= H265_NAL_HEADER_BYTES) return 0;
  const type = h265NalType(buf[offset]);
  if (type === H265NalType.aggregation) return inspectAggregation(buf, offset, length);
  if (type !== H265NalType.fragmentation) return inspectNal(buf[offset + 2], type);
  if (length <= FU_HEADER_BYTES) return 0;
  const traits = inspectNal(buf[offset + 3], buf[offset + 2] & 0x3f);
  // Only the first fragment shows the slice header.
  return (buf[offset + 2] & 0x80) !== 0 ? traits : traits & ~PayloadTraits.keyframeStart;
}

function inspectAggregation(buf: Uint8Array, offset: number, length: number): number {
  if (!isSoundAggregation(buf, offset, length)) return 0;
  let traits = 0;
  for (let at = offset + H265_NAL_HEADER_BYTES; at < offset + length; ) {
    traits |= inspectNal(buf[at + 4], h265NalType(buf[at + 2]));
    at += 2 + readU16(buf, at);
  }
  return traits;
}

/** `first` is the first byte behind the NAL unit's header. */
function inspectNal(first: number, type: number): number {
  if (type === H265NalType.vps) return PayloadTraits.randomAccess;
  if (type === H265NalType.sps || type === H265NalType.pps) return PayloadTraits.parameterSet;
  const reference = isH265Reference(type) ? PayloadTraits.reference : 0;
  if (!isIrap(type)) return reference;
  // first_slice_segment_in_pic_flag (ITU-T H.265 §7.3.6.1).
  return reference | PayloadTraits.keyframe | ((first & 0x80) !== 0 ? PayloadTraits.keyframeStart : 0);
}
