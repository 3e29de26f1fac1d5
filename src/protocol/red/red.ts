/**
 * Redundant audio (RFC 2198): a packet carries its own block and copies of the ones before it.
 */
import { copyBytes, readU24, writeU24 } from "../primitives/bytes.js";

/** RFC 2198 §3: 14 bits of timestamp offset, 10 of length. */
const MAX_TIMESTAMP_OFFSET = 0x3fff;
const MAX_BLOCK_BYTES = 0x3ff;
const MAX_BLOCKS = 16;

/**
 * Takes a RED payload apart. `parse()` it; then block `i` of `count`, oldest first and the primary last, lies at `offset(i)` in the
 * parsed buffer. Allocates nothing after construction.
 */
export class RedReader {
  count = 0;
  private readonly payloadTypes = new Uint8Array(MAX_BLOCKS);
  private readonly timestampOffsets = new Uint16Array(MAX_BLOCKS);
  private readonly offsets = new Int32Array(MAX_BLOCKS);
  private readonly lengths = new Int32Array(MAX_BLOCKS);

  /** False: headers or lengths do not fit the payload, or more than 16 blocks. */
  parse(buf: Uint8Array, offset: number, length: number): boolean {
    this.count = 0;
    const end = offset + length;
    let at = offset;
    let dataBytes = 0;
    let count = 0;
    while (at < end && (buf[at] & 0x80) !== 0) {
      if (at + 4 > end || count === MAX_BLOCKS - 1) return false;
      const word = readU24(buf, at + 1);
      this.payloadTypes[count] = buf[at] & 0x7f;
      this.timestampOffsets[count] = word >> 10;
      this.lengths[count] = word & MAX_BLOCK_BYTES;
      dataBytes += this.lengths[count++];
      at += 4;
    }
    if (at >= end || at + 1 + dataBytes > end) return false;
    this.payloadTypes[count] = buf[at] & 0x7f;
    this.timestampOffsets[count] = 0;
    this.lengths[count] = end - at - 1 - dataBytes;
    this.locate(at + 1, count + 1);
    return true;
  }

  payloadType(block: number): number {
    return this.payloadTypes[block];
  }

  /** How far the block lies before the packet's RTP timestamp. */
  timestampOffset(block: number): number {
    return this.timestampOffsets[block];
  }

  offset(block: number): number {
    return this.offsets[block];
  }

  /** May be 0: the sender had nothing for this place. */
  length(block: number): number {
    return this.lengths[block];
  }

  private locate(start: number, count: number): void {
    let at = start;
    for (let i = 0; i < count; i++) {
      this.offsets[i] = at;
      at += this.lengths[i];
    }
    this.count = count;
  }
}

/**
 * Makes RED payloads. `write()` each payload as it is sent: the last `distance` ones ride along as far as they are short and
 * recent enough for the format and for `maxPayload`.
 */
export class RedWriter {
  private readonly arena: Uint8Array;
  private readonly lengths: Int32Array;
  private readonly timestamps: Float64Array;
  private readonly payloadTypes: Uint8Array;
  private written = 0;

  /** `distance`: redundant blocks, 1 to 8. */
  constructor(private readonly distance: number) {
    if (!Number.isInteger(distance) || distance < 1 || distance > 8)
      throw new RangeError(`RED distance ${distance}: allowed are 1 to 8`);
    this.arena = new Uint8Array(distance * (MAX_BLOCK_BYTES + 1));
    this.lengths = new Int32Array(distance);
    this.timestamps = new Float64Array(distance);
    this.payloadTypes = new Uint8Array(distance);
  }

  /** Writes the RED payload at `target[targetOffset…]`; returns its bytes, 0 when the primary alone exceeds `maxPayload`. */
  write(
    buf: Uint8Array,
    offset: number,
    length: number,
    payloadType: number,
    timestamp: number,
    target: Uint8Array,
    targetOffset: number,
    maxPayload: number,
  ): number {
    if (1 + length > maxPayload) return 0;
    let blocks = Math.min(this.distance, this.written);
    let total = this.measure(blocks, length, timestamp);
    while (blocks > 0 && (total < 0 || total > maxPayload)) total = this.measure(--blocks, length, timestamp);
    let headAt = targetOffset;
    let dataAt = targetOffset + 4 * blocks + 1;
    for (let back = blocks; back > 0; back--) {
      const slot = (this.written - back) % this.distance;
      const bytes = this.lengths[slot];
      target[headAt] = 0x80 | this.payloadTypes[slot];
      writeU24(target, headAt + 1, (((timestamp - this.timestamps[slot]) >>> 0) << 10) | bytes);
      copyBytes(this.arena, slot * (MAX_BLOCK_BYTES + 1), target, dataAt, bytes);
      headAt += 4;
      dataAt += bytes;
    }
    target[headAt] = payloadType & 0x7f;
    copyBytes(buf, offset, target, dataAt, length);
    this.remember(buf, offset, length, payloadType, timestamp);
    return dataAt + length - targetOffset;
  }

  /** What comes next repeats nothing: something else took a packet's number in between. */
  clear(): void {
    this.written = 0;
  }

  /** Bytes with the newest `blocks` blocks; -1: one of them is too old for the format. */
  private measure(blocks: number, length: number, timestamp: number): number {
    let total = 1 + length;
    for (let back = blocks; back > 0; back--) {
      const slot = (this.written - back) % this.distance;
      if ((timestamp - this.timestamps[slot]) >>> 0 > MAX_TIMESTAMP_OFFSET) return -1;
      total += 4 + this.lengths[slot];
    }
    return total;
  }

  private remember(
    buf: Uint8Array,
    offset: number,
    length: number,
    payloadType: number,
    timestamp: number,
  ): void {
    const slot = this.written++ % this.distance;
    // One too long for a redundant block keeps its place empty.
    this.lengths[slot] = length <= MAX_BLOCK_BYTES ? length : 0;
    this.timestamps[slot] = timestamp;
    this.payloadTypes[slot] = payloadType & 0x7f;
    copyBytes(buf, offset, this.arena, slot * (MAX_BLOCK_BYTES + 1), this.lengths[slot]);
  }
}
