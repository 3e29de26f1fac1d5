import { copyBytes, readU16, writeU16, writeU24, writeU32 } from "../primitives/bytes.js";
import { ONE_BYTE_PROFILE, RTP_FIXED_HEADER_BYTES, TWO_BYTE_PROFILE } from "./rtp_header.js";

const MAX_ELEMENTS = 16;
const ARENA_BYTES = 1024;

/**
 * The header extension elements of the packet to write (RFC 8285). Make one; per packet `clear()`, `add…()` what goes
 * along, hand it to `writeRtpHeader`. It takes the one-byte form when every id and length fits it, the two-byte form
 * otherwise (which the peer must have allowed, `extmap-allow-mixed`). An id of 0 means "not negotiated" and adds nothing,
 * so callers need no conditions.
 */
export class HeaderExtensionWriter {
  /** Elements added since `clear()`. */
  count = 0;
  private readonly ids = new Uint8Array(MAX_ELEMENTS);
  private readonly lengths = new Uint8Array(MAX_ELEMENTS);
  private readonly arena = new Uint8Array(ARENA_BYTES);
  private used = 0;
  private twoByte = false;

  clear(): void {
    this.count = 0;
    this.used = 0;
    this.twoByte = false;
  }

  /** Bytes the whole block takes in the header, its 4-byte head and the padding to a word included; 0 when empty. */
  get blockBytes(): number {
    if (this.count === 0) return 0;
    const body = this.used + this.count * (this.twoByte ? 2 : 1);
    return 4 + ((body + 3) & ~3);
  }

  /** Adds an element with the given bytes (0 to 255 of them). */
  addBytes(id: number, source: Uint8Array, offset = 0, length = source.length - offset): void {
    const at = this.reserve(id, length);
    if (at >= 0) copyBytes(source, offset, this.arena, at, length);
  }

  addU8(id: number, value: number): void {
    const at = this.reserve(id, 1);
    if (at >= 0) this.arena[at] = value;
  }

  addU16(id: number, value: number): void {
    const at = this.reserve(id, 2);
    if (at >= 0) writeU16(this.arena, at, value);
  }

  addU24(id: number, value: number): void {
    const at = this.reserve(id, 3);
    if (at >= 0) writeU24(this.arena, at, value);
  }

  /** Two 32-bit words, as an NTP timestamp has them. */
  addU64(id: number, high: number, low: number): void {
    const at = this.reserve(id, 8);
    if (at < 0) return;
    writeU32(this.arena, at, high);
    writeU32(this.arena, at + 4, low);
  }

  /** Writes the block at `offset`; returns `blockBytes`. */
  write(buf: Uint8Array, offset: number): number {
    const total = this.blockBytes;
    writeU16(buf, offset, this.twoByte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE);
    writeU16(buf, offset + 2, (total - 4) >> 2);
    let at = offset + 4;
    let from = 0;
    for (let i = 0; i < this.count; i++) {
      const length = this.lengths[i];
      if (this.twoByte) {
        buf[at++] = this.ids[i];
        buf[at++] = length;
      } else {
        buf[at++] = (this.ids[i] << 4) | (length - 1);
      }
      copyBytes(this.arena, from, buf, at, length);
      from += length;
      at += length;
    }
    while (at < offset + total) buf[at++] = 0;
    return total;
  }

  private reserve(id: number, length: number): number {
    if (id === 0) return -1;
    if (id < 0 || id > 255 || length > 255)
      throw new RangeError(`Header extension id ${id}, ${length} bytes`);
    if (this.count === MAX_ELEMENTS || this.used + length > ARENA_BYTES)
      throw new RangeError("Too many header extensions for one packet");
    // RFC 8285 §4.2: the one-byte form carries ids 1 to 14 and 1 to 16 bytes.
    if (id > 14 || length === 0 || length > 16) this.twoByte = true;
    this.ids[this.count] = id;
    this.lengths[this.count++] = length;
    const at = this.used;
    this.used += length;
    return at;
  }
}

/**
 * Gives an element of a written packet's extension block another id, in place; where that does not fit the block's form, or is 0, the
 * element becomes padding (RFC 8285 §4.1.2). `dataAt` is where the element's data lies in the packet.
 */
export function relabelExtension(packet: Uint8Array, packetOffset: number, dataAt: number, id: number): void {
  const profileAt = packetOffset + RTP_FIXED_HEADER_BYTES + 4 * (packet[packetOffset] & 15);
  const at = packetOffset + dataAt;
  if (readU16(packet, profileAt) !== ONE_BYTE_PROFILE) {
    if (id > 0) packet[at - 2] = id;
    else packet.fill(0, at - 2, at + packet[at - 1]);
    return;
  }
  const length = (packet[at - 1] & 15) + 1;
  if (id > 0 && id < 15) packet[at - 1] = (id << 4) | (length - 1);
  else packet.fill(0, at - 1, at + length);
}
