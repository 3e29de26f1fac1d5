/** The two formats of parity packets: ULPFEC (RFC 5109, one level) and FlexFEC (RFC 8627, one protected source). */
import { readU16, readU32, writeU16, writeU32 } from "../primitives/bytes.js";
import { sequenceDifference } from "../rtp/unwrap.js";
import type { XorSum } from "./xor_sum.js";

export type FecFormat = "ulpfec" | "flexfec";

/** Packets that one parity packet can protect: 48 in ULPFEC's long mask, 110 in FlexFEC's longest. */
export const MAX_PROTECTED: Readonly<Record<FecFormat, number>> = { ulpfec: 48, flexfec: 110 };
/** Most bytes of the head before the parity of the packets' contents. */
export const MAX_FEC_HEAD_BYTES = 24;

/** What a parity packet says, filled anew by each reading. */
export class FecHead {
  readonly sequences = new Uint16Array(110);
  count = 0;
  flags = 0;
  timestamp = 0;
  length = 0;
  /** The parity of what follows the packets' fixed headers. */
  offset = 0;
  bytes = 0;

  begin(): void {
    this.count = 0;
  }

  /** Bits of a mask, the highest first, from the `from`th packet behind `base` on. */
  addMask(base: number, from: number, bits: number, mask: number): void {
    for (let i = 0; i < bits; i++) {
      if (((mask >>> (bits - 1 - i)) & 1) !== 0) this.add(base + from + i);
    }
  }

  add(sequence: number): void {
    this.sequences[this.count++] = sequence & 0xffff;
  }
}

/** Reads the RTP payload of a parity packet; false: it is none whose lengths add up, or of a kind that is not read. */
export function readFec(
  format: FecFormat,
  buf: Uint8Array,
  offset: number,
  length: number,
  into: FecHead,
): boolean {
  into.begin();
  const read = format === "ulpfec" ? readUlpFec : readFlexFec;
  return read(buf, offset, length, into) && into.count > 0;
}

/** RFC 5109 §7.3, §7.4. Levels beyond 0 protect packets' ends with less redundancy; they are not read. */
function readUlpFec(buf: Uint8Array, offset: number, length: number, into: FecHead): boolean {
  const isLong = (buf[offset] & 0x40) !== 0;
  const head = isLong ? 18 : 14;
  // The extension bit is reserved and 0.
  if (length < head || (buf[offset] & 0x80) !== 0) return false;
  into.flags = readU16(buf, offset) & 0x3fff;
  const base = readU16(buf, offset + 2);
  into.timestamp = readU32(buf, offset + 4);
  into.length = readU16(buf, offset + 8);
  into.bytes = readU16(buf, offset + 10);
  into.offset = offset + head;
  into.addMask(base, 0, 16, readU16(buf, offset + 12));
  if (isLong) into.addMask(base, 16, 32, readU32(buf, offset + 14));
  return into.bytes <= length - head;
}

/** RFC 8627 §4.2.2. Retransmissions (R) are RTX's business. */
function readFlexFec(buf: Uint8Array, offset: number, length: number, into: FecHead): boolean {
  if (length < 12 || (buf[offset] & 0x80) !== 0) return false;
  into.flags = readU16(buf, offset) & 0x3fff;
  into.length = readU16(buf, offset + 2);
  into.timestamp = readU32(buf, offset + 4);
  const isFixed = (buf[offset] & 0x40) !== 0;
  const head = isFixed ? readBlock(buf, offset + 8, into) : readMask(buf, offset + 8, length - 8, into);
  if (head < 0) return false;
  into.offset = offset + 8 + head;
  into.bytes = length - 8 - head;
  return true;
}

/** §4.2.2.1: masks of 15, 46 or 110 bits; each k says that more follows. */
function readMask(buf: Uint8Array, at: number, length: number, into: FecHead): number {
  const base = readU16(buf, at);
  const first = readU16(buf, at + 2);
  into.addMask(base, 0, 15, first & 0x7fff);
  if ((first & 0x8000) === 0) return 4;
  if (length < 8) return -1;
  const second = readU32(buf, at + 4);
  into.addMask(base, 15, 31, second & 0x7fffffff);
  if (second >>> 31 === 0) return 8;
  if (length < 16) return -1;
  into.addMask(base, 46, 32, readU32(buf, at + 8));
  into.addMask(base, 78, 32, readU32(buf, at + 12));
  return 16;
}

/** §4.2.2.2: L packets in a row, or D packets of a column that are L apart. */
function readBlock(buf: Uint8Array, at: number, into: FecHead): number {
  const base = readU16(buf, at);
  const columns = buf[at + 2];
  const rows = buf[at + 3];
  const count = rows > 1 ? rows : columns;
  const step = rows > 1 ? columns : 1;
  if (columns === 0 || count > MAX_PROTECTED.flexfec) return -1;
  for (let i = 0; i < count; i++) into.add(base + i * step);
  return 4;
}

/** Writes the head for the `count` packets of `sequences` (ascending, the first is the base); its bytes. */
export function writeFecHead(
  format: FecFormat,
  sum: XorSum,
  sequences: Uint16Array,
  count: number,
  target: Uint8Array,
  at: number,
): number {
  return format === "ulpfec"
    ? writeUlpFec(sum, sequences, count, target, at)
    : writeFlexFec(sum, sequences, count, target, at);
}

function writeUlpFec(
  sum: XorSum,
  sequences: Uint16Array,
  count: number,
  target: Uint8Array,
  at: number,
): number {
  const isLong = sequenceDifference(sequences[count - 1], sequences[0]) >= 16;
  writeU16(target, at, (sum.flags & 0x3fff) | (isLong ? 0x4000 : 0));
  writeU16(target, at + 2, sequences[0]);
  writeU32(target, at + 4, sum.timestamp);
  writeU16(target, at + 8, sum.length);
  writeU16(target, at + 10, sum.longest);
  target.fill(0, at + 12, at + (isLong ? 18 : 14));
  for (let i = 0; i < count; i++) setBit(target, at + 12, sequenceDifference(sequences[i], sequences[0]));
  return isLong ? 18 : 14;
}

function writeFlexFec(
  sum: XorSum,
  sequences: Uint16Array,
  count: number,
  target: Uint8Array,
  at: number,
): number {
  const last = sequenceDifference(sequences[count - 1], sequences[0]);
  const maskBytes = last < 15 ? 2 : last < 46 ? 6 : 14;
  writeU16(target, at, sum.flags & 0x3fff);
  writeU16(target, at + 2, sum.length);
  writeU32(target, at + 4, sum.timestamp);
  writeU16(target, at + 8, sequences[0]);
  target.fill(0, at + 10, at + 10 + maskBytes);
  // Behind each k the mask goes on: bit 0 of it is the second bit, bit 15 the second of the next word.
  if (maskBytes > 2) setBit(target, at + 10, 0);
  if (maskBytes > 6) setBit(target, at + 10, 16);
  for (let i = 0; i < count; i++) {
    const bit = sequenceDifference(sequences[i], sequences[0]);
    setBit(target, at + 10, bit < 15 ? bit + 1 : bit + 2);
  }
  return 10 + maskBytes;
}

function setBit(target: Uint8Array, at: number, bit: number): void {
  target[at + (bit >> 3)] |= 0x80 >> (bit & 7);
}
