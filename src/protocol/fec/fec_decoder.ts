import { copyBytes, readU16, writeU16, writeU32 } from "../primitives/bytes.js";
import { RTP_FIXED_HEADER_BYTES } from "../rtp/rtp_header.js";
import { sequenceDifference } from "../rtp/unwrap.js";
import { type FecFormat, FecHead, MAX_FEC_HEAD_BYTES, readFec } from "./fec_format.js";
import { XorSum } from "./xor_sum.js";

export interface FecDecoderOptions {
  readonly format: FecFormat;
  /** Of the protected source: what is repaired carries it. */
  readonly ssrc: number;
  /** 1500 by default; longer packets are not kept and not repaired. */
  readonly maxPacketBytes?: number;
  /** Packets kept, a power of two; 256 by default. */
  readonly capacity?: number;
  /** Parity packets that wait for what they protect; 16 by default. The oldest makes room. */
  readonly maxParity?: number;
}

/** Counters since the start. */
export interface FecStats {
  parityReceived: number;
  /** Malformed, or of a kind that is not read. */
  parityRefused: number;
  /** Of no use: nothing of what they protect was lost, or more than one packet for good. */
  parityDiscarded: number;
  recovered: number;
}

/**
 * Repairs lost packets of one source from parity packets (RFC 5109, RFC 8627). Give it every packet of the source as it is received
 * and every parity packet's payload; after each call `poll()` until it returns 0. A packet that was repaired may complete another
 * parity packet, so it counts as received. Memory and the work for one packet are bounded whatever a parity packet claims to
 * protect; nothing is allocated after construction.
 */
export class FecDecoder {
  readonly stats: FecStats = { parityReceived: 0, parityRefused: 0, parityDiscarded: 0, recovered: 0 };
  readonly #format: FecFormat;
  readonly #ssrc: number;
  readonly #maxPacketBytes: number;
  readonly #mask: number;
  readonly #packets: Uint8Array;
  readonly #lengths: Int32Array;
  readonly #sequences: Int32Array;
  readonly #parity: Uint8Array;
  readonly #parityLengths: Int32Array;
  readonly #head = new FecHead();
  readonly #sum: XorSum;
  #nextParity = 0;
  #newest = -1;
  #dirty = false;

  constructor(options: FecDecoderOptions) {
    const { format, ssrc, maxPacketBytes = 1500, capacity = 256, maxParity = 16 } = options;
    if ((capacity & (capacity - 1)) !== 0)
      throw new RangeError(`FecDecoder capacity ${capacity}: must be a power of two`);
    this.#format = format;
    this.#ssrc = ssrc;
    this.#maxPacketBytes = maxPacketBytes;
    this.#mask = capacity - 1;
    this.#packets = new Uint8Array(capacity * maxPacketBytes);
    this.#lengths = new Int32Array(capacity);
    this.#sequences = new Int32Array(capacity).fill(-1);
    this.#parity = new Uint8Array(maxParity * (maxPacketBytes + MAX_FEC_HEAD_BYTES));
    this.#parityLengths = new Int32Array(maxParity);
    this.#sum = new XorSum(maxPacketBytes);
  }

  /** A whole RTP packet of the protected source. */
  handlePacket(buf: Uint8Array, offset: number, length: number): void {
    if (length < RTP_FIXED_HEADER_BYTES || length > this.#maxPacketBytes) return;
    const sequence = readU16(buf, offset + 2);
    const slot = sequence & this.#mask;
    if (this.#sequences[slot] === sequence) return;
    if (this.#newest < 0 || sequenceDifference(sequence, this.#newest) > 0) this.#newest = sequence;
    this.#sequences[slot] = sequence;
    this.#lengths[slot] = length;
    copyBytes(buf, offset, this.#packets, slot * this.#maxPacketBytes, length);
    this.#dirty = true;
  }

  /** The RTP payload of a parity packet. */
  handleParity(buf: Uint8Array, offset: number, length: number): void {
    this.stats.parityReceived++;
    const slotBytes = this.#maxPacketBytes + MAX_FEC_HEAD_BYTES;
    if (length > slotBytes || !readFec(this.#format, buf, offset, length, this.#head)) {
      this.stats.parityRefused++;
      return;
    }
    const slot = this.#nextParity;
    this.#nextParity = (slot + 1) % this.#parityLengths.length;
    if (this.#parityLengths[slot] > 0) this.stats.parityDiscarded++;
    copyBytes(buf, offset, this.#parity, slot * slotBytes, length);
    this.#parityLengths[slot] = length;
    this.#dirty = true;
  }

  /** Writes the next repaired packet at the beginning of `target`; its bytes, 0: there is none. */
  poll(target: Uint8Array): number {
    if (!this.#dirty) return 0;
    for (let slot = 0; slot < this.#parityLengths.length; slot++) {
      if (this.#parityLengths[slot] === 0) continue;
      const length = this.#repair(slot, target);
      if (length > 0) return length;
    }
    this.#dirty = false;
    return 0;
  }

  /** Tries one parity packet; it goes once nothing is left for it to do. */
  #repair(slot: number, target: Uint8Array): number {
    const head = this.#head;
    const at = slot * (this.#maxPacketBytes + MAX_FEC_HEAD_BYTES);
    readFec(this.#format, this.#parity, at, this.#parityLengths[slot], head);
    const missing = this.#missing(head);
    if (missing === MANY && !this.#isPast(head)) return 0;
    this.#parityLengths[slot] = 0;
    const length = missing < 0 ? 0 : this.#restore(head, missing, target);
    if (length === 0) {
      this.stats.parityDiscarded++;
      return 0;
    }
    this.stats.recovered++;
    this.handlePacket(target, 0, length);
    return length;
  }

  /** Whether what is protected has left the window, so that numbers of another round cannot be taken for it. */
  #isPast({ sequences }: FecHead): boolean {
    return this.#newest >= 0 && sequenceDifference(this.#newest, sequences[0]) > this.#mask;
  }

  /** The one protected packet that is not here; NONE, or MANY. */
  #missing({ sequences, count }: FecHead): number {
    let missing = NONE;
    for (let i = 0; i < count; i++) {
      const sequence = sequences[i];
      if (this.#sequences[sequence & this.#mask] === sequence || sequence === missing) continue;
      if (missing !== NONE) return MANY;
      missing = sequence;
    }
    return missing;
  }

  #restore(head: FecHead, missing: number, target: Uint8Array): number {
    const sum = this.#sum;
    sum.clear();
    // What the parity carries beyond our longest packet cannot be of a packet that we would take.
    sum.add(
      head.flags,
      head.timestamp,
      head.length,
      this.#parity,
      head.offset,
      Math.min(head.bytes, sum.bytes.length),
    );
    for (let i = 0; i < head.count; i++) {
      const sequence = head.sequences[i];
      const slot = sequence & this.#mask;
      if (sequence === missing) continue;
      sum.addPacket(this.#packets, slot * this.#maxPacketBytes, this.#lengths[slot]);
    }
    const length = RTP_FIXED_HEADER_BYTES + sum.length;
    // RFC 5109 §9.2: what lies beyond the protected length is not known.
    if (sum.length > head.bytes || length > Math.min(target.length, this.#maxPacketBytes)) return 0;
    writeU16(target, 0, 0x8000 | (sum.flags & 0x3fff));
    writeU16(target, 2, missing);
    writeU32(target, 4, sum.timestamp);
    writeU32(target, 8, this.#ssrc);
    copyBytes(sum.bytes, 0, target, RTP_FIXED_HEADER_BYTES, sum.length);
    return length;
  }
}

const NONE = -1;
const MANY = -2;
