/** What a VP8 frame says of itself before any partition is decoded (RFC 6386 §9.1). */
export interface Vp8FrameHeader {
  readonly keyframe: boolean;
  readonly shown: boolean;
  readonly firstPartitionBytes: number;
  /** 0 but for keyframes. */
  readonly width: number;
  readonly height: number;
}

/** Whether the frame beginning at `offset` is a keyframe. */
export function isVp8Keyframe(buf: Uint8Array, offset: number): boolean {
  return (buf[offset] & 1) === 0;
}

/** Undefined: too short, a first partition beyond the frame's end, or a keyframe without its start code. */
export function parseVp8FrameHeader(
  buf: Uint8Array,
  offset: number,
  length: number,
): Vp8FrameHeader | undefined {
  if (length < 3) return undefined;
  const tag = buf[offset] | (buf[offset + 1] << 8) | (buf[offset + 2] << 16);
  const keyframe = (tag & 1) === 0;
  const headBytes = keyframe ? 10 : 3;
  const firstPartitionBytes = tag >> 5;
  if (length < headBytes + firstPartitionBytes) return undefined;
  const shown = (tag & 0x10) !== 0;
  if (!keyframe) return { keyframe, shown, firstPartitionBytes, width: 0, height: 0 };
  if (buf[offset + 3] !== 0x9d || buf[offset + 4] !== 0x01 || buf[offset + 5] !== 0x2a) return undefined;
  const width = (buf[offset + 6] | (buf[offset + 7] << 8)) & 0x3fff;
  const height = (buf[offset + 8] | (buf[offset + 9] << 8)) & 0x3fff;
  return { keyframe, shown, firstPartitionBytes, width, height };
}
