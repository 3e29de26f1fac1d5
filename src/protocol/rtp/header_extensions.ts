/**
 * The header extensions we know, by URI, and how their values are read. Writing is `HeaderExtensionWriter`'s.
 */
import { readU16, readU24, readU32 } from "../primitives/bytes.js";
import type { RtpHeader } from "./rtp_header.js";

export const ExtensionUri = {
  /** RFC 8843 §15. */
  mid: "urn:ietf:params:rtp-hdrext:sdes:mid",
  /** RFC 8852 §3.1 and §3.2. */
  rid: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  repairedRid: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
  /** RFC 6464. */
  audioLevel: "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
  /** RFC 5450. */
  transmissionOffset: "urn:ietf:params:rtp-hdrext:toffset",
  /** 3GPP TS 26.114 §7.4.5. */
  videoOrientation: "urn:3gpp:video-orientation",
  absSendTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
  absCaptureTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
  playoutDelay: "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
  /** draft-holmer-rmcat-transport-wide-cc-extensions-01. */
  transportCc: "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
} as const;

/** The negotiated numbers of header extensions, both ways. */
export class HeaderExtensionMap {
  private readonly idByUri = new Map<string, number>();
  private readonly uriById = new Map<number, string>();

  /**
   * Notes that `uri` travels under `id` (1 to 14, 16 to 255: 15 ends a one-byte list, RFC 8285 §4.2). Throws a RangeError
   * for another id, or one that stands for another extension already.
   */
  set(uri: string, id: number): this {
    if (!Number.isInteger(id) || id < 1 || id > 255 || id === 15)
      throw new RangeError(`Header extension id ${id} for ${uri}: allowed are 1 to 14 and 16 to 255`);
    const taken = this.uriById.get(id);
    if (taken !== undefined && taken !== uri)
      throw new RangeError(`Header extension id ${id} for ${uri} is taken by ${taken}`);
    const old = this.idByUri.get(uri);
    if (old !== undefined) this.uriById.delete(old);
    this.idByUri.set(uri, id);
    this.uriById.set(id, uri);
    return this;
  }

  /** The id of `uri`, 0 when it was not negotiated (0 is what `HeaderExtensionWriter` ignores and `RtpHeader` never finds). */
  id(uri: string): number {
    return this.idByUri.get(uri) ?? 0;
  }

  uri(id: number): string | undefined {
    return this.uriById.get(id);
  }

  entries(): IterableIterator<[string, number]> {
    return this.idByUri.entries();
  }
}

/** An extension of 1 to 255 ASCII bytes (mid, rid) as text; undefined when absent or not printable ASCII. */
export function readTextExtension(buf: Uint8Array, header: RtpHeader, id: number): string | undefined {
  const at = header.extensionOffset(id);
  const length = header.extensionLength(id);
  if (at < 0 || length < 1) return undefined;
  let text = "";
  for (let i = 0; i < length; i++) {
    const code = buf[at + i];
    if (code < 0x21 || code > 0x7e) return undefined;
    text += String.fromCharCode(code);
  }
  return text;
}

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

/** Absolute send time: 24 bits, seconds in 6.18 fixed point (wraps every 64 s), -1 when absent. */
export function readAbsSendTime(buf: Uint8Array, header: RtpHeader, id: number): number {
  const at = header.extensionOffset(id);
  return at < 0 || header.extensionLength(id) !== 3 ? -1 : readU24(buf, at);
}

/** A sender's clock in µs as the 24 bits of the absolute send time. */
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
