/** The quantizer of H.264 pictures, from the headers of their slices: nothing is decoded. */
import { NalBitReader } from "./bit_reader.js";
import { AnnexBReader, NalHeader, NalType } from "./nal_unit.js";
import { type PictureParameterSet, parsePps } from "./pps.js";
import { parseSps, type SequenceParameterSet } from "./sps.js";

/** slice_type modulo 5 (ITU-T H.264 table 7-6). */
const SliceType = { p: 0, b: 1, i: 2, sp: 3, si: 4 } as const;
/** Parameter sets and the first slice's header lie within so many bytes of an access unit; what comes later is not looked at. */
const MAX_HEADER_BYTES = 2048;
/** No list or table of a slice header is longer. */
const MAX_ENTRIES = 66;

/**
 * Tells each access unit's quantizer: SliceQPY of its first slice (§7.4.3), 0 to 51, as webrtc-stats' `qpSum` adds them up. Remembers
 * the stream's parameter sets: give it all access units in order. At most 32 and 256 sets are kept.
 */
export class H264QuantizerReader {
  readonly #nals = new AnnexBReader();
  readonly #sps = new Map<number, SequenceParameterSet>();
  readonly #pps = new Map<number, PictureParameterSet>();

  /** -1: not known (no slice near the beginning, parameter sets missing, malformed). */
  read(accessUnit: Uint8Array, length = accessUnit.length): number {
    const nals = this.#nals;
    nals.start(accessUnit, 0, Math.min(length, MAX_HEADER_BYTES));
    while (nals.next()) {
      const type = accessUnit[nals.offset] & NalHeader.typeMask;
      if (type === NalType.sps) this.#keepSps(accessUnit, nals.offset, nals.length);
      else if (type === NalType.pps) this.#keepPps(accessUnit, nals.offset, nals.length);
      else if (type === NalType.idr || type === NalType.slice) return this.#ofSlice(accessUnit, nals);
    }
    return -1;
  }

  #keepSps(buf: Uint8Array, offset: number, length: number): void {
    const sps = parseSps(buf, offset, length);
    if (sps !== undefined) this.#sps.set(sps.id, sps);
  }

  #keepPps(buf: Uint8Array, offset: number, length: number): void {
    const pps = parsePps(new NalBitReader(buf, offset + 1, length - 1));
    if (pps !== undefined) this.#pps.set(pps.id, pps);
  }

  #ofSlice(buf: Uint8Array, { offset, length }: AnnexBReader): number {
    const bits = new NalBitReader(buf, offset + 1, length - 1);
    bits.ue(); // first_mb_in_slice
    const type = bits.ue() % 5;
    const pps = this.#pps.get(bits.ue());
    const sps = pps && this.#sps.get(pps.spsId);
    if (pps === undefined || sps === undefined) return -1;
    const header = buf[offset];
    const nal = {
      isIdr: (header & NalHeader.typeMask) === NalType.idr,
      isReference: (header & NalHeader.referenceMask) !== 0,
    };
    skipToQp(bits, type, nal, sps, pps);
    const qp = pps.initialQp + bits.se();
    return bits.overrun || qp < 0 || qp > 51 ? -1 : qp;
  }
}

interface SliceNal {
  readonly isIdr: boolean;
  readonly isReference: boolean;
}

/** §7.3.3, from behind pic_parameter_set_id up to slice_qp_delta. */
function skipToQp(
  bits: NalBitReader,
  type: number,
  nal: SliceNal,
  sps: SequenceParameterSet,
  pps: PictureParameterSet,
): void {
  if (sps.separatePlanes) bits.u(2); // colour_plane_id
  bits.u(sps.frameNumBits);
  const isField = !sps.frameMbsOnly && bits.u1() === 1;
  if (isField) bits.u1(); // bottom_field_flag
  if (nal.isIdr) bits.ue(); // idr_pic_id
  skipPictureOrder(bits, isField, sps, pps);
  if (pps.redundantPictures) bits.ue();
  if (type === SliceType.b) bits.u1(); // direct_spatial_mv_pred_flag
  const references = readReferences(bits, type, pps);
  skipListModification(bits, type);
  if (hasWeights(type, pps)) skipWeights(bits, type, references, sps);
  if (nal.isReference) skipMarking(bits, nal.isIdr);
  if (pps.cabac && type !== SliceType.i && type !== SliceType.si) bits.ue(); // cabac_init_idc
}

function skipPictureOrder(
  bits: NalBitReader,
  isField: boolean,
  { pictureOrder }: SequenceParameterSet,
  { bottomFieldOrder }: PictureParameterSet,
): void {
  const hasBottom = bottomFieldOrder && !isField;
  if (pictureOrder.type === 0) {
    bits.u(pictureOrder.lsbBits);
    if (hasBottom) bits.se();
  }
  if (pictureOrder.type !== 1 || pictureOrder.alwaysZero) return;
  bits.se();
  if (hasBottom) bits.se();
}

/** Active references of both lists. */
function readReferences(
  bits: NalBitReader,
  type: number,
  pps: PictureParameterSet,
): readonly [number, number] {
  const isPredicted = type === SliceType.p || type === SliceType.sp || type === SliceType.b;
  if (!isPredicted || bits.u1() === 0) return pps.references;
  const first = bits.ue() + 1;
  return [first, type === SliceType.b ? bits.ue() + 1 : 0];
}

/** §7.3.3.1: of each list that the type has. */
function skipListModification(bits: NalBitReader, type: number): void {
  if (type === SliceType.i || type === SliceType.si) return;
  for (let list = type === SliceType.b ? 2 : 1; list > 0; list--) {
    if (bits.u1() === 0) continue;
    for (let i = 0; i < MAX_ENTRIES && bits.ue() !== 3 && !bits.overrun; i++) bits.ue();
  }
}

function hasWeights(type: number, pps: PictureParameterSet): boolean {
  if (type === SliceType.b) return pps.weightedBiprediction === 1;
  return pps.weightedPrediction && (type === SliceType.p || type === SliceType.sp);
}

/** §7.3.3.2. */
function skipWeights(
  bits: NalBitReader,
  type: number,
  references: readonly [number, number],
  { chromaFormat, separatePlanes }: SequenceParameterSet,
): void {
  const hasChroma = chromaFormat !== 0 && !separatePlanes;
  bits.ue(); // luma_log2_weight_denom
  if (hasChroma) bits.ue();
  for (let list = 0; list < (type === SliceType.b ? 2 : 1); list++) {
    for (let i = 0; i < Math.min(references[list], MAX_ENTRIES) && !bits.overrun; i++) {
      skipPairs(bits, 1);
      if (hasChroma) skipPairs(bits, 2);
    }
  }
}

/** A flag, and where it is set so many weights with their offsets. */
function skipPairs(bits: NalBitReader, pairs: number): void {
  if (bits.u1() === 0) return;
  for (let i = 0; i < 2 * pairs; i++) bits.se();
}

/** §7.3.3.3. */
function skipMarking(bits: NalBitReader, isIdr: boolean): void {
  if (isIdr) {
    bits.u(2);
    return;
  }
  if (bits.u1() === 0) return;
  for (let i = 0; i < MAX_ENTRIES && !bits.overrun; i++) {
    const operation = bits.ue();
    if (operation === 0) return;
    if (operation !== 5) bits.ue();
    if (operation === 3) bits.ue();
  }
}
