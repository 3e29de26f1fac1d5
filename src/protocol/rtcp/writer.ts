import { writeU16, writeU24, writeU32 } from "../primitives/bytes.js";
import type { ReceptionReport } from "../rtp/receive_statistics.js";
import { sequenceDifference } from "../rtp/unwrap.js";
import { FeedbackFormat, RtcpType, type SdesItem, SdesType, type SenderInfo } from "./packets.js";

/** RFC 3550 §6.4.1: five bits of count. */
export const MAX_REPORT_BLOCKS = 31;
const encoder = new TextEncoder();

/**
 * Writes compound RTCP into one buffer: `clear()`, then one call a packet, then `bytes` (or `buffer` up to `length`). A
 * call that finds no room writes nothing and returns false. In a full compound packet an SR or RR comes first and an SDES
 * with the CNAME follows (RFC 3550 §6.1); reduced-size packets (RFC 5506) need neither.
 */
export class RtcpWriter {
  length = 0;

  /** The buffer bounds the compound; leave room behind it for SRTCP. */
  constructor(readonly buffer: Uint8Array = new Uint8Array(1200)) {}

  clear(): void {
    this.length = 0;
  }

  /** A view of what was written, good until the next `clear`. */
  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  senderReport(info: SenderInfo, reports: readonly ReceptionReport[] = []): boolean {
    const count = Math.min(reports.length, MAX_REPORT_BLOCKS);
    const at = this.begin(RtcpType.sr, count, 24 + 24 * count);
    if (at < 0) return false;
    writeU32(this.buffer, at, info.ssrc);
    writeU32(this.buffer, at + 4, info.ntpSeconds);
    writeU32(this.buffer, at + 8, info.ntpFraction);
    writeU32(this.buffer, at + 12, info.rtpTimestamp);
    writeU32(this.buffer, at + 16, info.packetCount);
    writeU32(this.buffer, at + 20, info.octetCount);
    this.writeReports(at + 24, reports, count);
    return true;
  }

  /** At most 31 blocks go in one packet; send the rest in another. */
  receiverReport(ssrc: number, reports: readonly ReceptionReport[] = []): boolean {
    const count = Math.min(reports.length, MAX_REPORT_BLOCKS);
    const at = this.begin(RtcpType.rr, count, 4 + 24 * count);
    if (at < 0) return false;
    writeU32(this.buffer, at, ssrc);
    this.writeReports(at + 4, reports, count);
    return true;
  }

  /** One chunk for one source; `cname` and any further items, each at most 255 bytes of UTF-8. */
  sourceDescription(ssrc: number, cname: string, items: readonly SdesItem[] = []): boolean {
    const all = [{ type: SdesType.cname, text: cname }, ...items].map((item) => ({
      type: item.type,
      text: encoder.encode(item.text).subarray(0, 255),
    }));
    const itemBytes = all.reduce((sum, item) => sum + 2 + item.text.length, 0);
    // RFC 3550 §6.5: at least one null, up to the next 32-bit boundary.
    const chunkBytes = 4 + itemBytes + 4 - (itemBytes & 3);
    let at = this.begin(RtcpType.sdes, 1, chunkBytes);
    if (at < 0) return false;
    const end = at + chunkBytes;
    writeU32(this.buffer, at, ssrc);
    at += 4;
    for (const item of all) {
      this.buffer[at] = item.type;
      this.buffer[at + 1] = item.text.length;
      this.buffer.set(item.text, at + 2);
      at += 2 + item.text.length;
    }
    this.buffer.fill(0, at, end);
    return true;
  }

  bye(ssrcs: readonly number[], reason = ""): boolean {
    const count = Math.min(ssrcs.length, 31);
    const text = encoder.encode(reason).subarray(0, 255);
    const reasonBytes = text.length === 0 ? 0 : (1 + text.length + 3) & ~3;
    const at = this.begin(RtcpType.bye, count, 4 * count + reasonBytes);
    if (at < 0) return false;
    for (let i = 0; i < count; i++) writeU32(this.buffer, at + 4 * i, ssrcs[i]);
    if (reasonBytes === 0) return true;
    const reasonAt = at + 4 * count;
    this.buffer.fill(0, reasonAt, reasonAt + reasonBytes);
    this.buffer[reasonAt] = text.length;
    this.buffer.set(text, reasonAt + 1);
    return true;
  }

  /** `data` is padded to whole words. */
  app(ssrc: number, subtype: number, name: string, data: Uint8Array): boolean {
    if (!/^[\x20-\x7e]{4}$/.test(name))
      throw new RangeError(`An APP packet's name is four ASCII characters, not "${name}"`);
    const dataBytes = (data.length + 3) & ~3;
    const at = this.begin(RtcpType.app, subtype & 31, 8 + dataBytes);
    if (at < 0) return false;
    writeU32(this.buffer, at, ssrc);
    for (let i = 0; i < 4; i++) this.buffer[at + 4 + i] = name.charCodeAt(i);
    this.buffer.fill(0, at + 8, at + 8 + dataBytes);
    this.buffer.set(data, at + 8);
    return true;
  }

  /**
   * Generic NACK for the first `count` of `sequenceNumbers`, ascending (modulo wrap); neighbours share an entry. Asks for as
   * many as fit and returns how many that were.
   */
  nack(
    senderSsrc: number,
    mediaSsrc: number,
    sequenceNumbers: ArrayLike<number>,
    count = sequenceNumbers.length,
  ): number {
    const head = this.length;
    if (count === 0 || this.begin(RtcpType.rtpfb, FeedbackFormat.nack, 12) < 0) return 0;
    writeU32(this.buffer, head + 4, senderSsrc);
    writeU32(this.buffer, head + 8, mediaSsrc);
    this.length = head + 12;
    let done = 0;
    while (done < count && this.length + 4 <= this.buffer.length) {
      const first = sequenceNumbers[done++];
      let mask = 0;
      for (; done < count; done++) {
        const distance = sequenceDifference(sequenceNumbers[done], first);
        if (distance < 1 || distance > 16) break;
        mask |= 1 << (distance - 1);
      }
      writeU16(this.buffer, this.length, first);
      writeU16(this.buffer, this.length + 2, mask);
      this.length += 4;
    }
    writeU16(this.buffer, head + 2, (this.length - head) / 4 - 1);
    return done;
  }

  pictureLoss(senderSsrc: number, mediaSsrc: number): boolean {
    return this.feedbackHead(RtcpType.psfb, FeedbackFormat.pli, senderSsrc, mediaSsrc, 0) >= 0;
  }

  /** RFC 5104 §4.3.1.2: `sequenceNumber` grows by one with every new request and stays for a repeated one. */
  fullIntraRequest(senderSsrc: number, mediaSsrc: number, sequenceNumber: number): boolean {
    // The media source of the common part is unused and 0.
    const at = this.feedbackHead(RtcpType.psfb, FeedbackFormat.fir, senderSsrc, 0, 8);
    if (at < 0) return false;
    writeU32(this.buffer, at, mediaSsrc);
    writeU32(this.buffer, at + 4, 0);
    this.buffer[at + 4] = sequenceNumber;
    return true;
  }

  /** Any other feedback message: writes the common head and returns where its `bodyBytes` (whole words) go, -1: no room. */
  feedbackHead(
    packetType: number,
    format: number,
    senderSsrc: number,
    mediaSsrc: number,
    bodyBytes: number,
  ): number {
    const at = this.begin(packetType, format, 8 + bodyBytes);
    if (at < 0) return -1;
    writeU32(this.buffer, at, senderSsrc);
    writeU32(this.buffer, at + 4, mediaSsrc);
    return at + 8;
  }

  /** Writes the 4-byte head of a packet with `bodyBytes` behind it; returns where the body goes, -1: no room. */
  begin(packetType: number, count: number, bodyBytes: number): number {
    const at = this.length;
    if (at + 4 + bodyBytes > this.buffer.length) return -1;
    this.buffer[at] = 0x80 | count;
    this.buffer[at + 1] = packetType;
    writeU16(this.buffer, at + 2, bodyBytes >> 2);
    this.length = at + 4 + bodyBytes;
    return at + 4;
  }

  private writeReports(start: number, reports: readonly ReceptionReport[], count: number): void {
    for (let i = 0, at = start; i < count; i++, at += 24) {
      const r = reports[i];
      writeU32(this.buffer, at, r.ssrc);
      this.buffer[at + 4] = r.fractionLost;
      writeU24(this.buffer, at + 5, r.cumulativeLost);
      writeU32(this.buffer, at + 8, r.extendedHighestSequence);
      writeU32(this.buffer, at + 12, r.jitter);
      writeU32(this.buffer, at + 16, r.lastSr);
      writeU32(this.buffer, at + 20, r.delaySinceLastSr);
    }
  }
}
