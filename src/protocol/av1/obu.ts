/** obu_type (AV1 bitstream specification §6.2.2). */
export const ObuType = {
  sequenceHeader: 1,
  temporalDelimiter: 2,
  frameHeader: 3,
  tileGroup: 4,
  metadata: 5,
  frame: 6,
  redundantFrameHeader: 7,
  tileList: 8,
  padding: 15,
} as const;

/** Bits of an OBU's first byte. */
export const ObuHeader = { forbidden: 0x80, extension: 0x04, hasSize: 0x02 } as const;

export function obuType(header: number): number {
  return (header >> 3) & 0x0f;
}

/** Bytes of the OBU header: an extension byte follows the first where it says so. */
export function obuHeaderBytes(header: number): 1 | 2 {
  return (header & ObuHeader.extension) !== 0 ? 2 : 1;
}

/** Values above 2^32 - 1 are not allowed (AV1 §4.10.5); nor does anything here become that long. */
const MAX_LEB128_BYTES = 8;

/** Reads leb128 (AV1 §4.10.5): `value`, and `bytes` that it took, 0 where it does not end or is too large. */
export class Leb128Reader {
  value = 0;
  bytes = 0;

  read(buf: Uint8Array, offset: number, end: number): boolean {
    this.value = 0;
    this.bytes = 0;
    for (let i = 0, scale = 1; i < MAX_LEB128_BYTES && offset + i < end; i++, scale *= 128) {
      const byte = buf[offset + i];
      this.value += (byte & 0x7f) * scale;
      if ((byte & 0x80) !== 0) continue;
      if (this.value > 0xffff_ffff) return false;
      this.bytes = i + 1;
      return true;
    }
    return false;
  }
}

export function leb128Bytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** Writes `value` in exactly `bytes` bytes: more than {@link leb128Bytes} pads, which §4.10.5 allows. */
export function writeLeb128(buf: Uint8Array, offset: number, value: number, bytes: number): void {
  let rest = value;
  for (let i = 0; i < bytes; i++) {
    buf[offset + i] = (rest & 0x7f) | (i < bytes - 1 ? 0x80 : 0);
    rest = Math.floor(rest / 128);
  }
}

/**
 * Walks the OBUs of a temporal unit in the low-overhead format (AV1 §5.2): each but the last must state its size. `start()` it, then
 * each `next()` that is true leaves one OBU in the fields. After the last, `damaged` says whether a size lied.
 */
export class ObuReader {
  type = 0;
  /** Of the header's first byte. */
  offset = 0;
  headerBytes = 0;
  payloadOffset = 0;
  payloadLength = 0;
  damaged = false;
  private buf: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private readonly leb = new Leb128Reader();

  start(buf: Uint8Array, offset = 0, length = buf.length - offset): void {
    this.buf = buf;
    this.at = offset;
    this.end = offset + length;
    this.damaged = false;
  }

  next(): boolean {
    if (this.at >= this.end || this.damaged) return false;
    this.damaged = !this.read();
    return !this.damaged;
  }

  private read(): boolean {
    const header = this.buf[this.at];
    if ((header & ObuHeader.forbidden) !== 0) return false;
    this.type = obuType(header);
    this.offset = this.at;
    this.headerBytes = obuHeaderBytes(header);
    let at = this.at + this.headerBytes;
    if ((header & ObuHeader.hasSize) === 0) this.payloadLength = this.end - at;
    else {
      if (!this.leb.read(this.buf, at, this.end)) return false;
      at += this.leb.bytes;
      this.payloadLength = this.leb.value;
    }
    this.payloadOffset = at;
    this.at = at + this.payloadLength;
    return this.payloadLength >= 0 && this.at <= this.end;
  }
}

/**
 * Whether the frame (header) OBU whose payload begins at `offset` is a keyframe that is shown or to be shown: show_existing_frame is 0 and
 * frame_type 0 (AV1 §5.9.2, but for still pictures of reduced header).
 */
export function isAv1KeyframeObu(buf: Uint8Array, offset: number, length: number): boolean {
  return length > 0 && (buf[offset] & 0xe0) === 0;
}

/** Whether a temporal unit begins a coded video sequence: a sequence header, then a keyframe (AV1 §7.5). */
export function isAv1Keyframe(buf: Uint8Array, offset = 0, length = buf.length - offset): boolean {
  const reader = new ObuReader();
  reader.start(buf, offset, length);
  let sequence = false;
  while (reader.next()) {
    if (reader.type === ObuType.sequenceHeader) sequence = true;
    else if (reader.type === ObuType.frame || reader.type === ObuType.frameHeader)
      return sequence && isAv1KeyframeObu(buf, reader.payloadOffset, reader.payloadLength);
  }
  return false;
}
