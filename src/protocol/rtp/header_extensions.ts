/** How the values of the header extensions that we know are read. Writing is `HeaderExtensionWriter`'s. */
import { readU16, readU24, readU32 } from "../primitives/bytes.js";
import type { RtpHeader } from "./rtp_header.js";

/** Whether extension `id` holds exactly `expected`, without making a string. */
export function extensionEquals(
  buf: Uint8Array,
  header: RtpHeader,
  id: number,
  expected: Uint8Array,
): boolean {
  const at = header.extensionOffset(id);
  if (at < 0 || header.extensionLength(id) !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (buf[at + i] !== expected[i]) return false;
  return true;
}

/** The transport-wide sequence number, -1 when absent. */
export function readTransportSequence(buf: Uint8Array, header: RtpHeader, id: number): number {
  const at = header.extensionOffset(id);
  return at < 0 || header.extensionLength(id) < 2 ? -1 : readU16(buf, at);
}

/** A sender's clock in µs as the absolute send time: 24 bits, seconds in 6.18 fixed point. */
export function absSendTimeFromUs(us: number): number {
  return Math.floor(((us % 64e6) * 262144) / 1e6) & 0xffffff;
}

/** RFC 6464 §3: -dBov (0 loudest, 127 silence) with the voice flag at 128; -1 when absent. */
export function readAudioLevel(buf: Uint8Array, header: RtpHeader, id: number): number {
  const at = header.extensionOffset(id);
  return at < 0 || header.extensionLength(id) < 1 ? -1 : buf[at];
}

/**
 * 3GPP TS 26.114 §7.4.5: how many quarter turns clockwise the picture is to be turned before it is shown, 0 to 3; -1 when absent.
 */
export function readVideoOrientation(buf: Uint8Array, header: RtpHeader, id: number): number {
  const at = header.extensionOffset(id);
  return at < 0 || header.extensionLength(id) < 1 ? -1 : buf[at] & 3;
}

/** One of the two bounds that a sender sets to the delay before its pictures are shown (part 0 the least, 1 the most), µs; -1 when absent. */
export function readPlayoutDelayUs(buf: Uint8Array, header: RtpHeader, id: number, part: 0 | 1): number {
  const at = header.extensionOffset(id);
  if (at < 0 || header.extensionLength(id) !== 3) return -1;
  const word = readU24(buf, at);
  // 12 bits each, in units of 10 ms.
  return 10_000 * (part === 0 ? word >> 12 : word & 0xfff);
}

/**
 * The absolute capture time as whole NTP words: the value of `part` 0 is the seconds, 1 the fraction; -1 when absent.
 * The optional clock offset behind it is `readCaptureClockOffsetUs`.
 */
export function readAbsCaptureTime(buf: Uint8Array, header: RtpHeader, id: number, part: 0 | 1): number {
  const at = header.extensionOffset(id);
  if (at < 0 || header.extensionLength(id) < 8) return -1;
  return readU32(buf, at + 4 * part);
}

/** Estimated capture clock offset of a 16-byte absolute capture time, µs; NaN when absent. */
export function readCaptureClockOffsetUs(buf: Uint8Array, header: RtpHeader, id: number): number {
  const at = header.extensionOffset(id);
  if (at < 0 || header.extensionLength(id) < 16) return Number.NaN;
  const seconds = readU32(buf, at + 8) | 0;
  return (seconds + readU32(buf, at + 12) / 4294967296) * 1e6;
}
