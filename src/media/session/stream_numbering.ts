import type { RandomSource } from "../../protocol/primitives/random.js";
import type { SendStreamOptions } from "../transport_api.js";

/** Where a stream's numbers stand. */
export interface StreamNumbering {
  readonly sequenceNumber: number;
  readonly timestampBase: number;
  readonly rtxSequenceNumber: number;
  readonly paritySequenceNumber: number;
}

/** RFC 3711 §3.3.1: starting in the lower half keeps a loss around the first wrap from confusing the rollover counter. */
export function freshNumbering(random: RandomSource, { rtx, flexfec }: SendStreamOptions): StreamNumbering {
  return {
    sequenceNumber: random.uint32() & 0x7fff,
    timestampBase: random.uint32(),
    rtxSequenceNumber: rtx === undefined ? 0 : random.uint32() & 0x7fff,
    paritySequenceNumber: flexfec === undefined ? 0 : random.uint32() & 0x7fff,
  };
}
