/** The quantizer of VP8 frames, from the first bits of their first partition. */
import { isVp8Keyframe, parseVp8FrameHeader } from "./frame_header.js";

const KEYFRAME_HEAD_BYTES = 10;
const HEAD_BYTES = 3;

/**
 * y_ac_qi, 0 to 127 (RFC 6386 §9.6), as webrtc-stats' `qpSum` adds them up; -1: malformed.
 */
export function vp8QuantizerOf(frame: Uint8Array, length = frame.length): number {
  const header = parseVp8FrameHeader(frame, 0, length);
  if (header === undefined) return -1;
  const begin = isVp8Keyframe(frame, 0) ? KEYFRAME_HEAD_BYTES : HEAD_BYTES;
  const bits = new EvenBoolReader(frame, begin, begin + header.firstPartitionBytes);
  if (header.keyframe) bits.literal(2); // color_space, clamping_type
  if (bits.flag()) skipSegmentation(bits);
  bits.literal(1 + 6 + 3); // filter_type, loop_filter_level, sharpness_level
  if (bits.flag() && bits.flag()) skipEach(bits, 8, 7); // mode_ref_lf_delta_update: magnitude and sign
  bits.literal(2); // log2_nbr_of_dct_partitions
  return bits.literal(7);
}

/** RFC 6386 §9.3. */
function skipSegmentation(bits: EvenBoolReader): void {
  const hasMap = bits.flag();
  if (bits.flag()) {
    bits.flag(); // segment_feature_mode
    skipEach(bits, 4, 8);
    skipEach(bits, 4, 7);
  }
  if (hasMap) skipEach(bits, 3, 8);
}

/** So many values of so many bits, each behind a flag that says whether it is there. */
function skipEach(bits: EvenBoolReader, count: number, width: number): void {
  for (let i = 0; i < count; i++) if (bits.flag()) bits.literal(width);
}

/** RFC 6386 §7.3 for bits that are as likely 0 as 1. Past the end there are zero bytes. */
class EvenBoolReader {
  #value: number;
  #range = 255;
  #shifted = 0;

  constructor(
    private readonly buf: Uint8Array,
    private at: number,
    private readonly end: number,
  ) {
    this.#value = (this.#byte() << 8) | this.#byte();
  }

  flag(): boolean {
    const split = 1 + ((this.#range - 1) >> 1);
    const isSet = this.#value >= split << 8;
    if (isSet) {
      this.#range -= split;
      this.#value -= split << 8;
    } else {
      this.#range = split;
    }
    while (this.#range < 128) this.#shift();
    return isSet;
  }

  literal(width: number): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = 2 * value + (this.flag() ? 1 : 0);
    return value;
  }

  #shift(): void {
    this.#value <<= 1;
    this.#range <<= 1;
    if (++this.#shifted < 8) return;
    this.#shifted = 0;
    this.#value |= this.#byte();
  }

  #byte(): number {
    return this.at < this.end ? this.buf[this.at++] : 0;
  }
}
