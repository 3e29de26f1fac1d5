/**
 * H.264 NAL units and the Annex-B byte stream (ITU-T H.264 §7.3.1, annex B), without copying.
 */

/** nal_unit_type (ITU-T H.264 table 7-1) and the aggregation and fragmentation types of RFC 6184 §5.2. */
export const NalType = {
  slice: 1,
  partitionA: 2,
  idr: 5,
  sei: 6,
  sps: 7,
  pps: 8,
  accessUnitDelimiter: 9,
  endOfSequence: 10,
  endOfStream: 11,
  filler: 12,
  stapA: 24,
  stapB: 25,
  mtap16: 26,
  mtap24: 27,
  fuA: 28,
  fuB: 29,
} as const;

/** Bits of a NAL unit header byte. */
export const NalHeader = { forbidden: 0x80, referenceMask: 0x60, typeMask: 0x1f } as const;

/**
 * Walks the NAL units of an Annex-B stream. `start()` it, then each `next()` that is true leaves one unit in `offset` and
 * `length`: header byte included, start code and trailing zero bytes not. Bytes before the first start code are skipped.
 */
export class AnnexBReader {
  offset = 0;
  length = 0;
  private buf: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;

  start(buf: Uint8Array, offset = 0, length = buf.length - offset): void {
    this.buf = buf;
    this.end = offset + length;
    this.at = afterStartCode(buf, offset, this.end);
  }

  next(): boolean {
    while (this.at < this.end) {
      const begin = this.at;
      this.at = afterStartCode(this.buf, begin, this.end);
      // Up to the three-byte code; the fourth zero and any trailing_zero_8bits go below.
      let stop = this.at > this.end ? this.end : this.at - 3;
      while (stop > begin && this.buf[stop - 1] === 0) stop--;
      if (stop > begin) {
        this.offset = begin;
        this.length = stop - begin;
        return true;
      }
    }
    return false;
  }
}

/** Index behind the next 00 00 01 at or after `from`, or `end + 1` when there is none. */
export function afterStartCode(buf: Uint8Array, from: number, end: number): number {
  let i = from + 2;
  while (i < end) {
    const byte = buf[i];
    // Three bytes decide: a byte above 1 cannot belong to a start code at all.
    if (byte > 1) i += 3;
    else if (byte === 0) i += 1;
    else if (buf[i - 1] === 0 && buf[i - 2] === 0) return i + 1;
    else i += 3;
  }
  return end + 1;
}

/** Whether an Annex-B access unit holds an IDR picture. */
export function isKeyframe(buf: Uint8Array, offset = 0, length = buf.length - offset): boolean {
  const end = offset + length;
  for (let at = afterStartCode(buf, offset, end); at < end; at = afterStartCode(buf, at, end))
    if ((buf[at] & NalHeader.typeMask) === NalType.idr) return true;
  return false;
}

/**
 * Whether the slice NAL unit at `offset` begins a picture: first_mb_in_slice, the first ue(v) of its header, is 0
 * (ITU-T H.264 §7.4.3). `offset` points at the NAL header byte.
 */
export function isFirstSlice(buf: Uint8Array, offset: number, length: number): boolean {
  return length > 1 && (buf[offset + 1] & 0x80) !== 0;
}
