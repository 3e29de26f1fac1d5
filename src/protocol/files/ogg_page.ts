/** Pages of the Ogg container (RFC 3533 §6). */
import { ByteQueue } from "./byte_queue.js";

const HEADER_BYTES = 27;
const MAX_PAGE_BYTES = HEADER_BYTES + 255 + 255 * 255;
const CRC_AT = 22;

export const OggFlag = { continued: 1, first: 2, last: 4 } as const;

/** Polynomial 0x04c11db7, not reflected, from 0 (RFC 3533 §6, field 7). */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc >>> 0;
});

/** Of a page; its check sum field counts as zero. */
export function oggCrc(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= CRC_AT && i < CRC_AT + 4 ? 0 : page[i];
    crc = ((crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]) >>> 0;
  }
  return crc;
}

/** One page; the reader owns the object and fills it anew each time. */
export interface OggPage {
  flags: number;
  /** -1: no packet ends on the page. */
  granule: number;
  serial: number;
  sequence: number;
  /** A view of the lacing values; packets end where one is below 255. */
  lacing: Uint8Array;
  /** A view, valid until the reader's next call. */
  body: Uint8Array;
}

/**
 * Finds pages in a stream of bytes. Whatever is no page with a true check sum is passed over byte by byte to the next "OggS", as RFC 3533
 * means it, and counted.
 */
export class OggPageReader {
  /** Bytes that belonged to no sound page. */
  bytesSkipped = 0;
  readonly queue = new ByteQueue();
  private taken = 0;
  private readonly page: OggPage = {
    flags: 0,
    granule: 0,
    serial: 0,
    sequence: 0,
    lacing: new Uint8Array(0),
    body: new Uint8Array(0),
  };

  next(): OggPage | undefined {
    this.queue.skip(this.taken);
    this.taken = 0;
    for (;;) {
      this.seek();
      const bytes = this.pageBytes();
      if (bytes === undefined || bytes > this.queue.length) {
        // At the end there may be another page behind a length that lies.
        if (!this.queue.ended || this.queue.length === 0) return undefined;
      } else if (this.read(bytes)) return this.page;
      this.pass(1);
    }
  }

  private pass(bytes: number): void {
    this.queue.skip(bytes);
    this.bytesSkipped += bytes;
  }

  /** To the next "OggS", or to where it may still begin. */
  private seek(): void {
    const { queue } = this;
    const bytes = queue.peek(0, queue.length);
    let at = 0;
    for (; at < bytes.length; at++) {
      if (bytes[at] !== 0x4f) continue;
      const rest = bytes.length - at;
      if (rest < 2 || bytes[at + 1] !== 0x67) {
        if (rest < 2) break;
        continue;
      }
      if (rest < 4 || (bytes[at + 2] === 0x67 && bytes[at + 3] === 0x53)) break;
    }
    if (at > 0) this.pass(at);
  }

  /** Undefined: its header is not all here, or is none. */
  private pageBytes(): number | undefined {
    const { queue } = this;
    if (queue.length < HEADER_BYTES) return undefined;
    const segments = queue.byte(26);
    if (queue.length < HEADER_BYTES + segments) return undefined;
    let bytes = HEADER_BYTES + segments;
    for (let i = 0; i < segments; i++) bytes += queue.byte(HEADER_BYTES + i);
    return bytes;
  }

  private read(bytes: number): boolean {
    const { queue, page } = this;
    const raw = queue.peek(0, bytes);
    if (bytes > MAX_PAGE_BYTES || raw[4] !== 0 || queue.u32le(CRC_AT) !== oggCrc(raw)) return false;
    const segments = raw[26];
    const low = queue.u32le(6);
    const high = queue.u32le(10);
    page.flags = raw[5];
    page.granule = high > 0x1f_ffff ? -1 : high * 2 ** 32 + low;
    page.serial = queue.u32le(14);
    page.sequence = queue.u32le(18);
    page.lacing = raw.subarray(HEADER_BYTES, HEADER_BYTES + segments);
    page.body = raw.subarray(HEADER_BYTES + segments);
    this.taken = bytes;
    return true;
  }
}

/** Gathers whole packets into pages of one logical stream. */
export class OggPageWriter {
  private sequence = 0;
  private segments = 0;
  private bytes = 0;
  private readonly lacing = new Uint8Array(255);
  private readonly body = new Uint8Array(255 * 255);

  constructor(private readonly serial: number) {}

  get isEmpty(): boolean {
    return this.segments === 0;
  }

  /** False: the packet does not fit beside what is there; finish the page first. At most 65024 bytes fit at all. */
  add(packet: Uint8Array): boolean {
    const segments = Math.floor(packet.length / 255) + 1;
    if (this.segments + segments > 255) return false;
    this.lacing.fill(255, this.segments, this.segments + segments - 1);
    this.lacing[this.segments + segments - 1] = packet.length % 255;
    this.body.set(packet, this.bytes);
    this.segments += segments;
    this.bytes += packet.length;
    return true;
  }

  /** The page's bytes. */
  finish(flags: number, granule: number): Uint8Array {
    const page = new Uint8Array(HEADER_BYTES + this.segments + this.bytes);
    const view = new DataView(page.buffer);
    page.set([0x4f, 0x67, 0x67, 0x53, 0, flags]);
    view.setBigUint64(6, BigInt(granule), true);
    view.setUint32(14, this.serial, true);
    view.setUint32(18, this.sequence++, true);
    page[26] = this.segments;
    page.set(this.lacing.subarray(0, this.segments), HEADER_BYTES);
    page.set(this.body.subarray(0, this.bytes), HEADER_BYTES + this.segments);
    view.setUint32(CRC_AT, oggCrc(page), true);
    this.segments = 0;
    this.bytes = 0;
    return page;
  }
}
