import { readU16, readU24, readU32 } from "../primitives/bytes.js";
import type { ReceptionReport } from "../rtp/receive_statistics.js";
import { isRtcp } from "../rtp/rtp_header.js";
import { parseRemb, parseTemporaryBitrate } from "./bitrate_feedback.js";
import { parseExtendedReport } from "./extended_report.js";
import { FeedbackFormat, type RtcpPacket, RtcpType, type SdesItem } from "./packets.js";

const REPORT_BLOCK_BYTES = 24;
const utf8 = new TextDecoder("utf-8", { fatal: false });

/**
 * Parses a compound RTCP packet, or a reduced-size one (RFC 5506). Packets of unknown kind come as "unknown"; one whose
 * content does not fit its length is left out. Empty: the lengths or versions of the whole do not add up (RFC 3550 A.2).
 * Strings and byte fields are copies or views of `buf`; use them before the buffer is reused.
 */
export function parseCompound(buf: Uint8Array, offset: number, length: number): RtcpPacket[] {
  const out: RtcpPacket[] = [];
  const end = offset + length;
  if (!isSoundCompound(buf, offset, end)) return out;
  for (let at = offset; at < end; ) {
    const packetEnd = at + 4 + 4 * readU16(buf, at + 2);
    const padding = (buf[at] & 0x20) !== 0 ? buf[packetEnd - 1] : 0;
    const packet = parsePacket(buf, at, packetEnd - padding);
    if (packet) out.push(packet);
    at = packetEnd;
  }
  return out;
}

/**
 * Whether `buf[offset, end)` is RTCP by RFC 3550 A.2: version 2 throughout, lengths that end exactly at the end. Padding is taken as
 * libwebrtc writes it, which fills transport-wide feedback up to a word: one to three bytes of it, and not on the last packet alone.
 */
export function isSoundCompound(buf: Uint8Array, offset: number, end: number): boolean {
  let at = offset;
  while (at < end) {
    if (at + 4 > end || buf[at] >> 6 !== 2) return false;
    if (!isRtcp(buf, at, 4)) return false;
    const packetEnd = at + 4 + 4 * readU16(buf, at + 2);
    if (packetEnd > end) return false;
    if ((buf[at] & 0x20) !== 0) {
      const padding = buf[packetEnd - 1];
      if (padding === 0 || padding > packetEnd - at - 4) return false;
    }
    at = packetEnd;
  }
  return at > offset;
}

/** `end` has the padding taken off. */
function parsePacket(buf: Uint8Array, at: number, end: number): RtcpPacket | undefined {
  const count = buf[at] & 0x1f;
  const packetType = buf[at + 1];
  switch (packetType) {
    case RtcpType.sr:
      return parseSenderReport(buf, at + 4, end, count);
    case RtcpType.rr:
      return parseReceiverReport(buf, at + 4, end, count);
    case RtcpType.sdes:
      return parseSdes(buf, at + 4, end, count);
    case RtcpType.bye:
      return parseBye(buf, at + 4, end, count);
    case RtcpType.app:
      return parseApp(buf, at + 4, end, count);
    case RtcpType.rtpfb:
      return parseTransportLayerFeedback(buf, at + 4, end, count);
    case RtcpType.psfb:
      return parsePayloadFeedback(buf, at + 4, end, count);
    case RtcpType.xr:
      return parseExtendedReport(buf, at + 4, end);
  }
  return unknown(buf, at + 4, end, packetType, count);
}

function unknown(buf: Uint8Array, at: number, end: number, packetType: number, count: number): RtcpPacket {
  return { type: "unknown", packetType, count, body: buf.subarray(at, end) };
}

/** RFC 4585 §6.2. */
function parseTransportLayerFeedback(
  buf: Uint8Array,
  at: number,
  end: number,
  format: number,
): RtcpPacket | undefined {
  if (format === FeedbackFormat.nack) return parseNack(buf, at, end);
  if (format === FeedbackFormat.tmmbr) return parseTemporaryBitrate("tmmbr", buf, at, end);
  if (format === FeedbackFormat.tmmbn) return parseTemporaryBitrate("tmmbn", buf, at, end);
  if (format !== FeedbackFormat.transportCc) return unknown(buf, at, end, RtcpType.rtpfb, format);
  // Base, count, reference time and the feedback packet's own number.
  if (at + 16 > end) return undefined;
  return {
    type: "transport-cc",
    senderSsrc: readU32(buf, at),
    mediaSsrc: readU32(buf, at + 4),
    content: buf.subarray(at + 8, end),
  };
}

/** RFC 4585 §6.3. */
function parsePayloadFeedback(
  buf: Uint8Array,
  at: number,
  end: number,
  format: number,
): RtcpPacket | undefined {
  if (format === FeedbackFormat.pli) return parsePli(buf, at, end);
  if (format === FeedbackFormat.fir) return parseFir(buf, at, end);
  const remb = format === FeedbackFormat.afb ? parseRemb(buf, at, end) : undefined;
  return remb ?? unknown(buf, at, end, RtcpType.psfb, format);
}

/** RFC 3550 §6.4.1. */
function parseSenderReport(buf: Uint8Array, at: number, end: number, count: number): RtcpPacket | undefined {
  if (at + 24 + count * REPORT_BLOCK_BYTES > end) return undefined;
  return {
    type: "sr",
    ssrc: readU32(buf, at),
    ntpSeconds: readU32(buf, at + 4),
    ntpFraction: readU32(buf, at + 8),
    rtpTimestamp: readU32(buf, at + 12),
    packetCount: readU32(buf, at + 16),
    octetCount: readU32(buf, at + 20),
    reports: parseReportBlocks(buf, at + 24, count),
  };
}

/** RFC 3550 §6.4.2. */
function parseReceiverReport(
  buf: Uint8Array,
  at: number,
  end: number,
  count: number,
): RtcpPacket | undefined {
  if (at + 4 + count * REPORT_BLOCK_BYTES > end) return undefined;
  return { type: "rr", ssrc: readU32(buf, at), reports: parseReportBlocks(buf, at + 4, count) };
}

function parseReportBlocks(buf: Uint8Array, start: number, count: number): ReceptionReport[] {
  const reports: ReceptionReport[] = [];
  for (let i = 0, at = start; i < count; i++, at += REPORT_BLOCK_BYTES) {
    reports.push({
      ssrc: readU32(buf, at),
      fractionLost: buf[at + 4],
      cumulativeLost: (readU24(buf, at + 5) << 8) >> 8,
      extendedHighestSequence: readU32(buf, at + 8),
      jitter: readU32(buf, at + 12),
      lastSr: readU32(buf, at + 16),
      delaySinceLastSr: readU32(buf, at + 20),
    });
  }
  return reports;
}

/** RFC 3550 §6.5. */
function parseSdes(buf: Uint8Array, start: number, end: number, count: number): RtcpPacket | undefined {
  const chunks: { ssrc: number; items: SdesItem[] }[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 5 > end) return undefined;
    const items: SdesItem[] = [];
    const ssrc = readU32(buf, at);
    at = parseSdesItems(buf, at + 4, end, items);
    if (at < 0) return undefined;
    // The list ends in at least one null and fills its 32-bit word.
    at += 4 - ((at - start) & 3);
    if (at > end) return undefined;
    chunks.push({ ssrc, items });
  }
  return { type: "sdes", chunks };
}

/** Returns where the terminating null stands, -1 when there is none. */
function parseSdesItems(buf: Uint8Array, start: number, end: number, items: SdesItem[]): number {
  let at = start;
  while (at < end) {
    if (buf[at] === 0) return at;
    if (at + 2 > end) return -1;
    const textEnd = at + 2 + buf[at + 1];
    if (textEnd > end) return -1;
    items.push({ type: buf[at], text: decodeText(buf, at + 2, textEnd) });
    at = textEnd;
  }
  return -1;
}

/** RFC 3550 §6.6. */
function parseBye(buf: Uint8Array, at: number, end: number, count: number): RtcpPacket | undefined {
  if (at + 4 * count > end) return undefined;
  const ssrcs: number[] = [];
  for (let i = 0; i < count; i++) ssrcs.push(readU32(buf, at + 4 * i));
  const reasonAt = at + 4 * count;
  const reasonEnd = reasonAt < end ? reasonAt + 1 + buf[reasonAt] : reasonAt;
  const reason = reasonEnd > reasonAt && reasonEnd <= end ? decodeText(buf, reasonAt + 1, reasonEnd) : "";
  return { type: "bye", ssrcs, reason };
}

/** RFC 3550 §6.7. */
function parseApp(buf: Uint8Array, at: number, end: number, subtype: number): RtcpPacket | undefined {
  if (at + 8 > end) return undefined;
  const name = String.fromCharCode(buf[at + 4], buf[at + 5], buf[at + 6], buf[at + 7]);
  return { type: "app", subtype, ssrc: readU32(buf, at), name, data: buf.subarray(at + 8, end) };
}

/** RFC 4585 §6.2.1: packet id and a bitmask of the 16 that follow it. */
function parseNack(buf: Uint8Array, at: number, end: number): RtcpPacket | undefined {
  if (at + 12 > end) return undefined;
  const sequenceNumbers: number[] = [];
  for (let entry = at + 8; entry + 4 <= end; entry += 4) {
    const first = readU16(buf, entry);
    const mask = readU16(buf, entry + 2);
    sequenceNumbers.push(first);
    for (let bit = 0; bit < 16; bit++)
      if ((mask & (1 << bit)) !== 0) sequenceNumbers.push((first + bit + 1) & 0xffff);
  }
  return { type: "nack", senderSsrc: readU32(buf, at), mediaSsrc: readU32(buf, at + 4), sequenceNumbers };
}

function parsePli(buf: Uint8Array, at: number, end: number): RtcpPacket | undefined {
  if (at + 8 > end) return undefined;
  return { type: "pli", senderSsrc: readU32(buf, at), mediaSsrc: readU32(buf, at + 4) };
}

/** RFC 5104 §4.3.1.1. */
function parseFir(buf: Uint8Array, at: number, end: number): RtcpPacket | undefined {
  if (at + 16 > end) return undefined;
  const entries: { ssrc: number; sequenceNumber: number }[] = [];
  for (let entry = at + 8; entry + 8 <= end; entry += 8)
    entries.push({ ssrc: readU32(buf, entry), sequenceNumber: buf[entry + 4] });
  return { type: "fir", senderSsrc: readU32(buf, at), entries };
}

function decodeText(buf: Uint8Array, start: number, end: number): string {
  // A copy, for TextDecoder refuses shared memory.
  return utf8.decode(buf.slice(start, end));
}
