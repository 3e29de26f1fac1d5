import { copyBytes, readU16, readU32 } from "../primitives/bytes.js";
import { RTP_FIXED_HEADER_BYTES } from "../rtp/rtp_header.js";

/**
 * The parity of RTP packets, as ULPFEC and FlexFEC define it alike (RFC 5109 §7.3 and §8, RFC 8627 §6.2): the first two bytes, the timestamp, the
 * length behind the fixed header and all the bytes there, each by exclusive or. Allocates nothing after construction.
 */
export class XorSum {
  /** P, X, CC, M and PT: the first 16 bits; the version's two mean nothing. */
  flags = 0;
  timestamp = 0;
  /** Of what follows the fixed header. */
  length = 0;
  /** Bytes behind the fixed header of the longest packet. */
  longest = 0;
  /** What follows the fixed header. */
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #packet: Uint8Array;
  readonly #packetWords: Int32Array;

  constructor(maxPacketBytes: number) {
    const words = (maxPacketBytes + 3) >> 2;
    this.#words = new Int32Array(words);
    this.bytes = new Uint8Array(this.#words.buffer);
    this.#packetWords = new Int32Array(words);
    this.#packet = new Uint8Array(this.#packetWords.buffer);
  }

  clear(): void {
    this.flags = this.timestamp = this.length = 0;
    this.#words.fill(0, 0, (this.longest + 3) >> 2);
    this.longest = 0;
  }

  /** Whether a packet of so many bytes can be added. */
  takes(length: number): boolean {
    return length >= RTP_FIXED_HEADER_BYTES && length - RTP_FIXED_HEADER_BYTES <= this.bytes.length;
  }

  /** Adds a whole RTP packet, unprotected. */
  addPacket(buf: Uint8Array, offset: number, length: number): void {
    const bodyBytes = length - RTP_FIXED_HEADER_BYTES;
    this.add(
      readU16(buf, offset),
      readU32(buf, offset + 4),
      bodyBytes,
      buf,
      offset + RTP_FIXED_HEADER_BYTES,
      bodyBytes,
    );
  }

  /** Adds a sum that a FEC packet carries, or a packet in its parts. */
  add(
    flags: number,
    timestamp: number,
    length: number,
    buf: Uint8Array,
    offset: number,
    bytes: number,
  ): void {
    this.flags ^= flags;
    this.timestamp = (this.timestamp ^ timestamp) >>> 0;
    this.length ^= length;
    this.longest = Math.max(this.longest, bytes);
    const words = (bytes + 3) >> 2;
    if (words > 0) this.#packetWords[words - 1] = 0;
    copyBytes(buf, offset, this.#packet, 0, bytes);
    const sum = this.#words;
    const packet = this.#packetWords;
    for (let i = 0; i < words; i++) sum[i] ^= packet[i];
  }
}
