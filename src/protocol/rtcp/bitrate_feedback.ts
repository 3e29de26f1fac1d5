/**
 * Feedback that names a bitrate: REMB (draft-alvestrand-rmcat-remb-03), which is only read, TMMBR and TMMBN (RFC 5104 §4.2).
 */
import { readU16, readU24, readU32, writeU32 } from "../primitives/bytes.js";
import { FeedbackFormat, type ReceiverEstimatedBitrate, RtcpType, type TemporaryBitrate } from "./packets.js";
import type { RtcpWriter } from "./writer.js";

/** "REMB" as a word. */
const REMB_NAME = 0x52454d42;

/** `at` is behind the packet's 4-byte head. Undefined: not a REMB whose lengths add up. */
export function parseRemb(buf: Uint8Array, at: number, end: number): ReceiverEstimatedBitrate | undefined {
  if (at + 16 > end || readU32(buf, at + 8) !== REMB_NAME) return undefined;
  const count = buf[at + 12];
  if (at + 16 + 4 * count > end) return undefined;
  const word = readU24(buf, at + 13);
  const ssrcs: number[] = [];
  for (let i = 0; i < count; i++) ssrcs.push(readU32(buf, at + 16 + 4 * i));
  // 6 bits of exponent, 18 of mantissa.
  const bitrateBps = (word & 0x3ffff) * 2 ** (word >> 18);
  return { type: "remb", senderSsrc: readU32(buf, at), bitrateBps, ssrcs };
}

/** RFC 5104 §4.2.1.1; `at` is behind the packet's 4-byte head. */
export function parseTemporaryBitrate(
  type: "tmmbr" | "tmmbn",
  buf: Uint8Array,
  at: number,
  end: number,
): TemporaryBitrate | undefined {
  if (at + 8 > end) return undefined;
  const entries: { ssrc: number; bitrateBps: number; overheadBytes: number }[] = [];
  for (let entry = at + 8; entry + 8 <= end; entry += 8) {
    // 6 bits of exponent, 17 of mantissa, 9 of overhead.
    const mantissa = (readU24(buf, entry + 4) >> 1) & 0x1ffff;
    const overheadBytes = readU16(buf, entry + 6) & 0x1ff;
    entries.push({
      ssrc: readU32(buf, entry),
      bitrateBps: mantissa * 2 ** (buf[entry + 4] >> 2),
      overheadBytes,
    });
  }
  return { type, senderSsrc: readU32(buf, at), entries };
}

/** Writes a TMMBR or TMMBN; the bitrate loses what does not fit 17 bits. False: no room. */
export function writeTemporaryBitrate(
  writer: RtcpWriter,
  type: "tmmbr" | "tmmbn",
  senderSsrc: number,
  entries: TemporaryBitrate["entries"],
): boolean {
  const at = writer.feedbackHead(RtcpType.rtpfb, FeedbackFormat[type], senderSsrc, 0, 8 * entries.length);
  if (at < 0) return false;
  entries.forEach((entry, i) => {
    const exponent = exponentFor(entry.bitrateBps, 17);
    const mantissa = Math.floor(entry.bitrateBps / 2 ** exponent);
    writeU32(writer.buffer, at + 8 * i, entry.ssrc);
    writeU32(
      writer.buffer,
      at + 8 * i + 4,
      (exponent << 26) | (mantissa << 9) | Math.min(entry.overheadBytes, 0x1ff),
    );
  });
  return true;
}

/** The least exponent that makes the mantissa fit. */
function exponentFor(bitrateBps: number, mantissaBits: number): number {
  let exponent = 0;
  while (bitrateBps / 2 ** exponent >= 2 ** mantissaBits && exponent < 63) exponent++;
  return exponent;
}
