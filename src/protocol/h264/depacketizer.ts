import { readU16 } from "../primitives/bytes.js";
import { NalUnitAssembler } from "../rtp/nal_unit_assembler.js";
import { PayloadTraits } from "../rtp/payload_format.js";
import { isFirstSlice, NalHeader, NalType } from "./nal_unit.js";

/** Puts RTP payloads of H.264 (RFC 6184, modes 0 and 1) together to an Annex-B access unit in a caller's buffer. */
export class H264Depacketizer extends NalUnitAssembler {
  constructor() {
    super(1);
  }

  get hasParameterSets(): boolean {
    return this.hasSps && this.hasPps;
  }

  inspect(buf: Uint8Array, offset: number, length: number): number {
    return inspectPayload(buf, offset, length);
  }

  protected dispatch(buf: Uint8Array, offset: number, length: number): boolean {
    if (length < 1) return false;
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

  protected note(header: number): void {
    const type = header & NalHeader.typeMask;
    if (type === NalType.idr) this.keyframe = true;
    else if (type === NalType.sps) this.hasSps = true;
    else if (type === NalType.pps) this.hasPps = true;
    if (type <= NalType.idr) this.hasPicture = true;
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
