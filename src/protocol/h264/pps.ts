import type { NalBitReader } from "./bit_reader.js";

/** What slice headers need of a picture parameter set (ITU-T H.264 §7.3.2.2). */
export interface PictureParameterSet {
  readonly id: number;
  readonly spsId: number;
  readonly cabac: boolean;
  readonly bottomFieldOrder: boolean;
  /** num_ref_idx_default_active_minus1 of both lists, plus 1. */
  readonly references: readonly [number, number];
  readonly weightedPrediction: boolean;
  /** weighted_bipred_idc. */
  readonly weightedBiprediction: number;
  /** 26 + pic_init_qp_minus26. */
  readonly initialQp: number;
  readonly redundantPictures: boolean;
}

/** Reads what follows the NAL header. Undefined: malformed, or with slice groups, which no peer of WebRTC sends. */
export function parsePps(bits: NalBitReader): PictureParameterSet | undefined {
  const id = bits.ue();
  const spsId = bits.ue();
  const cabac = bits.u1() === 1;
  const bottomFieldOrder = bits.u1() === 1;
  if (bits.ue() > 0) return undefined; // num_slice_groups_minus1
  const references = [bits.ue() + 1, bits.ue() + 1] as const;
  const weightedPrediction = bits.u1() === 1;
  const weightedBiprediction = bits.u(2);
  const initialQp = 26 + bits.se();
  bits.se(); // pic_init_qs_minus26
  bits.se(); // chroma_qp_index_offset
  bits.u(2); // deblocking_filter_control_present_flag, constrained_intra_pred_flag
  const redundantPictures = bits.u1() === 1;
  if (bits.overrun || id > 255 || spsId > 31 || references[0] > 32 || references[1] > 32) return undefined;
  const weights = { weightedPrediction, weightedBiprediction };
  return { id, spsId, cabac, bottomFieldOrder, references, ...weights, initialQp, redundantPictures };
}
