/**
 * RTCP extended reports (RFC 3611): receiver reference time, its answer DLRR, and the statistics summary.
 */
import { readU16, readU32, writeU16, writeU32 } from "../primitives/bytes.js";
import { type ExtendedReport, type ExtendedReportBlock, RtcpType } from "./packets.js";
import type { RtcpWriter } from "./writer.js";

/** Block types (RFC 3611 §4). */
const BlockType = { rrtr: 4, dlrr: 5, statistics: 6 } as const;
const STATISTICS_BYTES = 36;

/** `at` is behind the packet's 4-byte head. A block that claims more than there is ends the list. */
export function parseExtendedReport(buf: Uint8Array, at: number, end: number): ExtendedReport | undefined {
  if (at + 4 > end) return undefined;
  const blocks: ExtendedReportBlock[] = [];
  let block = at + 4;
  while (block + 4 <= end) {
    const body = block + 4;
    const bodyEnd = body + 4 * readU16(buf, block + 2);
    if (bodyEnd > end) break;
    blocks.push(parseBlock(buf, block, body, bodyEnd));
    block = bodyEnd;
  }
  return { type: "xr", ssrc: readU32(buf, at), blocks };
}

function parseBlock(buf: Uint8Array, head: number, body: number, end: number): ExtendedReportBlock {
  const blockType = buf[head];
  if (blockType === BlockType.rrtr && end - body === 8)
    return { type: "rrtr", ntpSeconds: readU32(buf, body), ntpFraction: readU32(buf, body + 4) };
  if (blockType === BlockType.dlrr && (end - body) % 12 === 0) return parseDlrr(buf, body, end);
  if (blockType === BlockType.statistics && end - body === STATISTICS_BYTES)
    return parseStatistics(buf, body, buf[head + 1]);
  return { type: "unknown", blockType, typeSpecific: buf[head + 1], body: buf.subarray(body, end) };
}

/** RFC 3611 §4.5. */
function parseDlrr(buf: Uint8Array, body: number, end: number): ExtendedReportBlock {
  const entries: { ssrc: number; lastRr: number; delaySinceLastRr: number }[] = [];
  for (let at = body; at < end; at += 12)
    entries.push({
      ssrc: readU32(buf, at),
      lastRr: readU32(buf, at + 4),
      delaySinceLastRr: readU32(buf, at + 8),
    });
  return { type: "dlrr", entries };
}

/** RFC 3611 §4.6; the flags say which fields mean something. */
function parseStatistics(buf: Uint8Array, body: number, flags: number): ExtendedReportBlock {
  return {
    type: "statistics",
    ssrc: readU32(buf, body),
    beginSequence: readU16(buf, body + 4),
    endSequence: readU16(buf, body + 6),
    lostPackets: (flags & 0x80) !== 0 ? readU32(buf, body + 8) : undefined,
    duplicatePackets: (flags & 0x40) !== 0 ? readU32(buf, body + 12) : undefined,
    jitter:
      (flags & 0x20) !== 0
        ? {
            min: readU32(buf, body + 16),
            max: readU32(buf, body + 20),
            mean: readU32(buf, body + 24),
            deviation: readU32(buf, body + 28),
          }
        : undefined,
  };
}

/** Writes an XR packet of the given blocks; "unknown" ones go out as they are. False: no room. */
export function writeExtendedReport(
  writer: RtcpWriter,
  ssrc: number,
  blocks: readonly ExtendedReportBlock[],
): boolean {
  const bytes = blocks.reduce((sum, block) => sum + 4 + bodyBytes(block), 0);
  let at = writer.begin(RtcpType.xr, 0, 4 + bytes);
  if (at < 0) return false;
  writeU32(writer.buffer, at, ssrc);
  at += 4;
  for (const block of blocks) {
    const length = bodyBytes(block);
    writer.buffer.fill(0, at, at + 4 + length);
    writeU16(writer.buffer, at + 2, length / 4);
    writeBlock(writer.buffer, at, block);
    at += 4 + length;
  }
  return true;
}

function bodyBytes(block: ExtendedReportBlock): number {
  if (block.type === "rrtr") return 8;
  if (block.type === "dlrr") return 12 * block.entries.length;
  return block.type === "statistics" ? STATISTICS_BYTES : (block.body.length + 3) & ~3;
}

function writeBlock(buf: Uint8Array, at: number, block: ExtendedReportBlock): void {
  const body = at + 4;
  switch (block.type) {
    case "rrtr":
      buf[at] = BlockType.rrtr;
      writeU32(buf, body, block.ntpSeconds);
      writeU32(buf, body + 4, block.ntpFraction);
      break;
    case "dlrr":
      buf[at] = BlockType.dlrr;
      block.entries.forEach((entry, i) => {
        writeU32(buf, body + 12 * i, entry.ssrc);
        writeU32(buf, body + 12 * i + 4, entry.lastRr);
        writeU32(buf, body + 12 * i + 8, entry.delaySinceLastRr);
      });
      break;
    case "statistics":
      buf[at] = BlockType.statistics;
      buf[at + 1] = writeStatistics(buf, body, block);
      break;
    case "unknown":
      buf[at] = block.blockType;
      buf[at + 1] = block.typeSpecific;
      buf.set(block.body, body);
  }
}

/** Returns the flags. */
function writeStatistics(
  buf: Uint8Array,
  body: number,
  block: Extract<ExtendedReportBlock, { type: "statistics" }>,
): number {
  writeU32(buf, body, block.ssrc);
  writeU16(buf, body + 4, block.beginSequence);
  writeU16(buf, body + 6, block.endSequence);
  writeU32(buf, body + 8, block.lostPackets ?? 0);
  writeU32(buf, body + 12, block.duplicatePackets ?? 0);
  writeU32(buf, body + 16, block.jitter?.min ?? 0);
  writeU32(buf, body + 20, block.jitter?.max ?? 0);
  writeU32(buf, body + 24, block.jitter?.mean ?? 0);
  writeU32(buf, body + 28, block.jitter?.deviation ?? 0);
  const flag = (present: boolean, bit: number) => (present ? bit : 0);
  return (
    flag(block.lostPackets !== undefined, 0x80) |
    flag(block.duplicatePackets !== undefined, 0x40) |
    flag(block.jitter !== undefined, 0x20)
  );
}
