import { AnnexBReader } from "../h264/nal_unit.js";

/** nal_unit_type (ITU-T H.265 table 7-1) and the payload structures of RFC 7798 §4.4. */
export const H265NalType = {
  firstIrap: 16,
  idrWithRadl: 19,
  idrWithoutLeading: 20,
  cra: 21,
  lastIrap: 23,
  lastVcl: 31,
  vps: 32,
  sps: 33,
  pps: 34,
  accessUnitDelimiter: 35,
  endOfSequence: 36,
  endOfBitstream: 37,
  filler: 38,
  prefixSei: 39,
  suffixSei: 40,
  aggregation: 48,
  fragmentation: 49,
  paci: 50,
} as const;

export const H265_NAL_HEADER_BYTES = 2;
/** F, the forbidden bit, of the header's first byte. */
export const H265_FORBIDDEN = 0x80;

/** Type of the NAL unit by its header's first byte. */
export function h265NalType(header: number): number {
  return (header >> 1) & 0x3f;
}

/** The header's first byte with another type. */
export function withH265NalType(header: number, type: number): number {
  return (header & 0x81) | (type << 1);
}

/** An intra random access picture: decoding may begin with it. */
export function isIrap(type: number): boolean {
  return type >= H265NalType.firstIrap && type <= H265NalType.lastIrap;
}

/** Whether others of the same temporal sub-layer may refer to the picture (ITU-T H.265 §7.4.2.2: even types below 16 say no). */
export function isH265Reference(type: number): boolean {
  return type <= H265NalType.lastVcl && (type >= H265NalType.firstIrap || (type & 1) === 1);
}

/** Whether an Annex-B access unit holds an intra random access picture. */
export function isH265Keyframe(buf: Uint8Array, offset = 0, length = buf.length - offset): boolean {
  const reader = new AnnexBReader();
  reader.start(buf, offset, length);
  while (reader.next()) if (isIrap(h265NalType(buf[reader.offset]))) return true;
  return false;
}
