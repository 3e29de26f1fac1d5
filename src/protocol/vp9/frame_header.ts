/** The beginning of a VP9 frame's uncompressed header (VP9 bitstream specification §6.2). */
export class Vp9FrameHeader {
  keyframe = false;
  shown = false;
  /** The frame only shows one that was decoded before. */
  showsExisting = false;
  profile = 0;
  /** 0 but for keyframes. */
  width = 0;
  height = 0;
}

const SYNC_CODE = 0x49_83_42;
const COLOR_SPACE_RGB = 7;

/** Bits of the first bytes, most significant first; past the end they are 0 and `overrun` says so. */
class Bits {
  overrun = false;
  private bit = 0;
  private end = 0;
  private buf: Uint8Array = new Uint8Array(0);

  start(buf: Uint8Array, offset: number, length: number): void {
    this.buf = buf;
    this.bit = offset * 8;
    this.end = (offset + length) * 8;
    this.overrun = false;
  }

  read(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++, this.bit++) {
      if (this.bit >= this.end) this.overrun = true;
      else value = value * 2 + ((this.buf[this.bit >> 3] >> (7 - (this.bit & 7))) & 1);
    }
    return value;
  }
}

const bits = new Bits();

/** Whether the frame beginning at `offset` is a keyframe, by its first byte. */
export function isVp9Keyframe(buf: Uint8Array, offset: number, length: number): boolean {
  if (length < 1 || buf[offset] >> 6 !== 2) return false;
  // frame_marker, two profile bits, a reserved bit in profile 3; then show_existing_frame and frame_type.
  const rest = (buf[offset] & 0x30) === 0x30 ? buf[offset] << 1 : buf[offset];
  return (rest & 0x0c) === 0;
}

/** False: no VP9 frame begins here, or a keyframe's header is cut short or lacks its sync code. */
export function parseVp9FrameHeader(
  buf: Uint8Array,
  offset: number,
  length: number,
  into: Vp9FrameHeader,
): boolean {
  bits.start(buf, offset, length);
  if (bits.read(2) !== 2) return false;
  into.profile = bits.read(1) + 2 * bits.read(1);
  if (into.profile === 3) bits.read(1);
  into.width = 0;
  into.height = 0;
  into.keyframe = false;
  into.showsExisting = bits.read(1) === 1;
  into.shown = into.showsExisting;
  if (into.showsExisting) return !bits.overrun;
  into.keyframe = bits.read(1) === 0;
  into.shown = bits.read(1) === 1;
  bits.read(1); // error_resilient_mode
  if (!into.keyframe) return !bits.overrun;
  if (bits.read(24) !== SYNC_CODE) return false;
  skipColorConfig(into.profile);
  into.width = bits.read(16) + 1;
  into.height = bits.read(16) + 1;
  return !bits.overrun;
}

/** §6.2.2. */
function skipColorConfig(profile: number): void {
  if (profile >= 2) bits.read(1); // ten_or_twelve_bit
  const rgb = bits.read(3) === COLOR_SPACE_RGB;
  if (!rgb) bits.read(1); // color_range
  if (profile === 1 || profile === 3) bits.read(rgb ? 1 : 3); // subsampling and a reserved bit
}
