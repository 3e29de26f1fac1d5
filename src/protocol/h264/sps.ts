import { NalBitReader } from "./bit_reader.js";
import { AnnexBReader, NalHeader, NalType } from "./nal_unit.js";

/** What a sequence parameter set says about the stream (ITU-T H.264 §7.3.2.1.1). */
export interface SequenceParameterSet {
  readonly id: number;
  readonly profileIdc: number;
  /** constraint_set0_flag (0x80) to constraint_set5_flag (0x04): the second byte of profile-level-id. */
  readonly constraintFlags: number;
  readonly levelIdc: number;
  /** Picture size after cropping, in luma samples. */
  readonly width: number;
  readonly height: number;
  readonly maxReferenceFrames: number;
  readonly frameMbsOnly: boolean;
  /** What slice headers need to be read (§7.3.3): widths in bits of frame_num and, in type 0, of pic_order_cnt_lsb. */
  readonly frameNumBits: number;
  readonly pictureOrder: PictureOrder;
  /** chroma_format_idc; 3 with planes coded separately counts as 0 for prediction weights (ChromaArrayType). */
  readonly chromaFormat: number;
  readonly separatePlanes: boolean;
}

interface PictureOrder {
  readonly type: number;
  readonly lsbBits: number;
  /** delta_pic_order_always_zero_flag of type 1. */
  readonly alwaysZero: boolean;
}

/** Profiles whose SPS carries the chroma and scaling part. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Level 6.2's longest side is 16880 luma samples (table A-1: √(139264·8) macroblocks); more is a lie. */
const MAX_MACROBLOCKS_A_SIDE = 1055;

/**
 * Parses the SPS NAL unit at `buf[offset, offset + length)` (header byte included). Undefined when it is not an SPS or
 * does not parse.
 */
export function parseSps(buf: Uint8Array, offset: number, length: number): SequenceParameterSet | undefined {
  if (length < 5 || (buf[offset] & NalHeader.typeMask) !== NalType.sps) return undefined;
  const bits = new NalBitReader(buf, offset + 1, length - 1);
  const profileIdc = bits.u(8);
  const constraintFlags = bits.u(8);
  const levelIdc = bits.u(8);
  const id = bits.ue();
  const { chromaFormat, separatePlanes } = HIGH_PROFILES.has(profileIdc)
    ? readHighProfilePart(bits)
    : { chromaFormat: 1, separatePlanes: false };
  const frameNumBits = bits.ue() + 4;
  const pictureOrder = readPictureOrder(bits);
  const maxReferenceFrames = bits.ue();
  bits.u1(); // gaps_in_frame_num_value_allowed_flag
  const size = readPictureSize(bits, chromaFormat);
  if (bits.overrun || id > 31 || chromaFormat > 3 || !size) return undefined;
  if (frameNumBits > 16 || pictureOrder.lsbBits > 16) return undefined;
  const forSlices = { frameNumBits, pictureOrder, chromaFormat, separatePlanes };
  return { id, profileIdc, constraintFlags, levelIdc, maxReferenceFrames, ...size, ...forSlices };
}

/** The first SPS of an Annex-B stream. */
export function findSps(
  buf: Uint8Array,
  offset = 0,
  length = buf.length - offset,
): SequenceParameterSet | undefined {
  const reader = new AnnexBReader();
  reader.start(buf, offset, length);
  while (reader.next())
    if ((buf[reader.offset] & NalHeader.typeMask) === NalType.sps)
      return parseSps(buf, reader.offset, reader.length);
  return undefined;
}

/** profile-level-id as SDP has it (RFC 6184 §8.1): six lower-case hex digits. */
export function profileLevelId(sps: SequenceParameterSet): string {
  const value = (sps.profileIdc << 16) | (sps.constraintFlags << 8) | sps.levelIdc;
  return value.toString(16).padStart(6, "0");
}

function readHighProfilePart(bits: NalBitReader): { chromaFormat: number; separatePlanes: boolean } {
  const chromaFormat = bits.ue();
  const separatePlanes = chromaFormat === 3 && bits.u1() === 1;
  bits.ue(); // bit_depth_luma_minus8
  bits.ue(); // bit_depth_chroma_minus8
  bits.u1(); // qpprime_y_zero_transform_bypass_flag
  if (bits.u1() === 1) {
    const lists = chromaFormat === 3 ? 12 : 8;
    for (let i = 0; i < lists; i++) if (bits.u1() === 1) skipScalingList(bits, i < 6 ? 16 : 64);
  }
  return { chromaFormat, separatePlanes };
}

/** §7.3.2.1.1.1. */
function skipScalingList(bits: NalBitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size && !bits.overrun; i++) {
    if (next !== 0) next = (last + bits.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

function readPictureOrder(bits: NalBitReader): PictureOrder {
  const type = bits.ue();
  if (type === 0) return { type, lsbBits: bits.ue() + 4, alwaysZero: false };
  if (type !== 1) return { type, lsbBits: 0, alwaysZero: false };
  const alwaysZero = bits.u1() === 1;
  bits.se(); // offset_for_non_ref_pic
  bits.se(); // offset_for_top_to_bottom_field
  const cycle = bits.ue();
  for (let i = 0; i < cycle && i < 256 && !bits.overrun; i++) bits.se();
  return { type, lsbBits: 0, alwaysZero };
}

function readPictureSize(
  bits: NalBitReader,
  chromaFormat: number,
): { width: number; height: number; frameMbsOnly: boolean } | undefined {
  const widthMbs = bits.ue() + 1;
  const heightMapUnits = bits.ue() + 1;
  const frameMbsOnly = bits.u1() === 1;
  if (!frameMbsOnly) bits.u1(); // mb_adaptive_frame_field_flag
  bits.u1(); // direct_8x8_inference_flag
  const heightMbs = heightMapUnits * (frameMbsOnly ? 1 : 2);
  if (widthMbs > MAX_MACROBLOCKS_A_SIDE || heightMbs > MAX_MACROBLOCKS_A_SIDE) return undefined;
  let width = widthMbs * 16;
  let height = heightMbs * 16;
  if (bits.u1() === 1) {
    // Table 6-1 and equations 7-19 to 7-22: crop units follow the chroma sampling and the field structure.
    const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
    const unitY = (chromaFormat === 1 ? 2 : 1) * (frameMbsOnly ? 1 : 2);
    width -= unitX * (bits.ue() + bits.ue());
    height -= unitY * (bits.ue() + bits.ue());
  }
  return width > 0 && height > 0 ? { width, height, frameMbsOnly } : undefined;
}
