import { readU16, readU32, writeU16, writeU32 } from "../primitives/bytes.js";

/** RFC 3550 §5.1: the fixed part. */
export const RTP_FIXED_HEADER_BYTES = 12;
/** RFC 8285 §4.2 and §4.3: the "defined by profile" words of the two element forms. */
export const ONE_BYTE_PROFILE = 0xbede;
export const TWO_BYTE_PROFILE = 0x1000;
const MAX_EXTENSIONS = 32;

/**
 * One parsed RTP header (RFC 3550 §5.1). Make one, hand it to {@link parseRtp} for every packet and read it before the
 * next: all offsets count from the start of the buffer that was parsed, and nothing is copied.
 */
export class RtpHeader {
  marker = false;
  payloadType = 0;
  sequenceNumber = 0;
  timestamp = 0;
  ssrc = 0;
  csrcCount = 0;
  /** Bytes from the packet's start to its payload: fixed part, CSRCs and extension. */
  headerBytes = 0;
  /** Where the payload lies; padding is not part of it. A packet of padding alone (a probe) has length 0. */
  payloadOffset = 0;
  payloadLength = 0;
  paddingLength = 0;
  /** The profile word of the header extension, -1 without one. */
  extensionProfile = -1;
  /** Extension elements found (RFC 8285); 0 for a profile that is not one of its two. */
  extensionCount = 0;
  /** Where the packet begins in the buffer. */
  packetOffset = 0;

  private readonly ids = new Uint8Array(MAX_EXTENSIONS);
  private readonly offsets = new Int32Array(MAX_EXTENSIONS);
  private readonly lengths = new Uint16Array(MAX_EXTENSIONS);

  /** Where the data of extension `id` begins, -1 when the packet has none. Ids start at 1; 0 is never found. */
  extensionOffset(id: number): number {
    const index = this.indexOf(id);
    return index < 0 ? -1 : this.offsets[index];
  }

  /** Bytes of the data of extension `id`, -1 when the packet has none. */
  extensionLength(id: number): number {
    const index = this.indexOf(id);
    return index < 0 ? -1 : this.lengths[index];
  }

  /** Id of the n-th extension element. */
  extensionIdAt(index: number): number {
    return this.ids[index];
  }

  /** The n-th contributing source, read from the buffer that was parsed. */
  csrc(buf: Uint8Array, index: number): number {
    return readU32(buf, this.packetOffset + RTP_FIXED_HEADER_BYTES + 4 * index);
  }

  /** For {@link parseRtp}: notes one extension element; more than 32 are ignored. */
  addExtension(id: number, offset: number, length: number): void {
    const n = this.extensionCount;
    if (n >= MAX_EXTENSIONS) return;
    this.ids[n] = id;
    this.offsets[n] = offset;
    this.lengths[n] = length;
    this.extensionCount = n + 1;
  }

  private indexOf(id: number): number {
    for (let i = 0; i < this.extensionCount; i++) if (this.ids[i] === id && id !== 0) return i;
    return -1;
  }
}

/**
 * Reads the RTP header of the packet at `buf[offset, offset + length)` into `into`. False: not an RTP packet whose
 * lengths add up (`into` is then meaningless). A damaged extension block costs its remaining elements, not the packet.
 */
export function parseRtp(buf: Uint8Array, offset: number, length: number, into: RtpHeader): boolean {
  if (length < RTP_FIXED_HEADER_BYTES || buf[offset] >> 6 !== 2) return false;
  const first = buf[offset];
  into.packetOffset = offset;
  into.csrcCount = first & 0x0f;
  into.marker = (buf[offset + 1] & 0x80) !== 0;
  into.payloadType = buf[offset + 1] & 0x7f;
  into.sequenceNumber = readU16(buf, offset + 2);
  into.timestamp = readU32(buf, offset + 4);
  into.ssrc = readU32(buf, offset + 8);
  const end = offset + length;
  let at = offset + RTP_FIXED_HEADER_BYTES + 4 * into.csrcCount;
  if (at > end) return false;

  into.extensionProfile = -1;
  into.extensionCount = 0;
  if ((first & 0x10) !== 0) {
    if (at + 4 > end) return false;
    const blockEnd = at + 4 + 4 * readU16(buf, at + 2);
    if (blockEnd > end) return false;
    into.extensionProfile = readU16(buf, at);
    parseExtensions(buf, at + 4, blockEnd, into);
    at = blockEnd;
  }
  return locatePayload(buf, at, end, (first & 0x20) !== 0, into);
}

function locatePayload(buf: Uint8Array, at: number, end: number, padded: boolean, into: RtpHeader): boolean {
  let padding = 0;
  if (padded) {
    // RFC 3550 §5.1: the last octet counts itself.
    padding = at < end ? buf[end - 1] : 0;
    if (padding === 0 || padding > end - at) return false;
  }
  into.headerBytes = at - into.packetOffset;
  into.payloadOffset = at;
  into.payloadLength = end - at - padding;
  into.paddingLength = padding;
  return true;
}

function parseExtensions(buf: Uint8Array, start: number, end: number, into: RtpHeader): void {
  if (into.extensionProfile === ONE_BYTE_PROFILE) parseOneByte(buf, start, end, into);
  // RFC 8285 §4.3: the low four bits are the application's.
  else if ((into.extensionProfile & 0xfff0) === TWO_BYTE_PROFILE) parseTwoByte(buf, start, end, into);
}

/** RFC 8285 §4.2. */
function parseOneByte(buf: Uint8Array, start: number, end: number, into: RtpHeader): void {
  let at = start;
  while (at < end) {
    const head = buf[at++];
    if (head === 0) continue;
    const id = head >> 4;
    const length = (head & 0x0f) + 1;
    // Id 15 ends the list; id 0 with a length is nothing a sender may write; a length past the end is a lie.
    if (id === 15 || id === 0 || at + length > end) return;
    into.addExtension(id, at, length);
    at += length;
  }
}

/** RFC 8285 §4.3. */
function parseTwoByte(buf: Uint8Array, start: number, end: number, into: RtpHeader): void {
  let at = start;
  while (at < end) {
    const id = buf[at++];
    if (id === 0) continue;
    if (at >= end) return;
    const length = buf[at++];
    if (at + length > end) return;
    into.addExtension(id, at, length);
    at += length;
  }
}

/** What {@link writeRtpHeader} needs to know; an {@link RtpHeader} will do. */
export interface RtpHeaderFields {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** A contributing source, in streams that have parity of another (RFC 8627 §4.2.1). */
  readonly contributor?: number;
}

/** The extension block to write; `HeaderExtensionWriter` is one. */
export interface HeaderExtensionBlock {
  /** 0: no block. */
  readonly count: number;
  /** Writes the block, profile word and padding included; returns its bytes. */
  write(buf: Uint8Array, offset: number): number;
}

/**
 * Writes an RTP header with one CSRC at most at `buf[offset…]`, with the elements of `extensions` if there are any. Returns the
 * bytes written; the payload goes right behind. The caller has made sure of the room:
 * 12 bytes, 4 for a CSRC, and the block.
 */
export function writeRtpHeader(
  buf: Uint8Array,
  offset: number,
  fields: RtpHeaderFields,
  extensions?: HeaderExtensionBlock,
): number {
  const extended = extensions !== undefined && extensions.count > 0;
  buf[offset] = extended ? 0x90 : 0x80;
  buf[offset + 1] = (fields.marker ? 0x80 : 0) | (fields.payloadType & 0x7f);
  writeU16(buf, offset + 2, fields.sequenceNumber);
  writeU32(buf, offset + 4, fields.timestamp);
  writeU32(buf, offset + 8, fields.ssrc);
  let bytes = RTP_FIXED_HEADER_BYTES;
  if (fields.contributor !== undefined) {
    buf[offset] |= 1;
    writeU32(buf, offset + bytes, fields.contributor);
    bytes += 4;
  }
  return extended ? bytes + extensions.write(buf, offset + bytes) : bytes;
}

/**
 * RFC 5761 §4: whether a datagram of RTP's first-byte range is RTCP: the second byte, marker included, is 192 to 223.
 */
export function isRtcp(buf: Uint8Array, offset: number, length: number): boolean {
  return length >= 2 && buf[offset + 1] >= 192 && buf[offset + 1] <= 223;
}
