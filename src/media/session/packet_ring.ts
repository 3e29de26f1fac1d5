import { DatagramTable } from "../../../native/addon.js";
import type { TransportAddress } from "../../protocol/primitives/address.js";
import { parseIp } from "../../protocol/primitives/address.js";
import { writeU16 } from "../../protocol/primitives/bytes.js";

/** The addon passes over entries of negative length. */
const NOT_SENT = -1;

/**
 * The last packets of one send stream, as they lie in the slab they were written to, protected in and sent from: slot =
 * sequence number modulo the capacity. So the retransmission history (RFC 4585 §6.2.1) costs no copy, and what is sent
 * again is bit for bit what was sent before, as SRTP demands of a repeated index (RFC 3711 §9.1).
 */
export class PacketRing {
  /** Free bytes before each packet: a TURN server's ChannelData header (RFC 8656 §12.4). */
  static readonly headroom = 4;
  readonly slab: Uint8Array;
  /** Entry = slot, in the layout of {@link DatagramTable}. */
  readonly table: Int32Array;
  readonly capacity: number;
  /** Packets put here that wait to leave, as whoever lets them keeps count: they must not be written over. */
  waiting = 0;
  readonly #slotBytes: number;
  readonly #mask: number;
  readonly #sequenceNumbers: Int32Array;
  readonly #repeatedUs: Float64Array;

  /**
   * @param capacity packets kept; a power of two up to 65536
   * @param packetBytes largest datagram
   */
  constructor(capacity: number, packetBytes: number) {
    this.capacity = capacity;
    this.#mask = capacity - 1;
    this.#slotBytes = (PacketRing.headroom + packetBytes + 63) & ~63;
    this.slab = new Uint8Array(capacity * this.#slotBytes);
    this.table = new Int32Array(capacity * DatagramTable.words);
    this.#sequenceNumbers = new Int32Array(capacity).fill(-1);
    this.#repeatedUs = new Float64Array(capacity);
    for (let slot = 0; slot < capacity; slot++) {
      this.table[slot * DatagramTable.words + DatagramTable.offset] = this.offsetOf(slot);
    }
  }

  /** Where the packets go from now on, repeated ones too. */
  setDestination(to: TransportAddress): void {
    const address = parseIp(to.address);
    if (address === undefined) throw new TypeError(`"${to.address}" is no numeric address`);
    const words = new Int32Array(4);
    new Uint8Array(words.buffer).set(address);
    for (let slot = 0; slot < this.capacity; slot++) {
      const at = slot * DatagramTable.words;
      this.table[at + DatagramTable.family] = to.family;
      this.table[at + DatagramTable.port] = to.port;
      this.table.set(words, at + DatagramTable.address);
    }
  }

  slotOf(sequenceNumber: number): number {
    return sequenceNumber & this.#mask;
  }

  /** How many of `count` packets from sequence number `first` on lie before the ring's end; the others go on at slot 0. */
  countToEnd(first: number, count: number): number {
    return Math.min(count, this.capacity - this.slotOf(first));
  }

  offsetOf(slot: number): number {
    return slot * this.#slotBytes + PacketRing.headroom;
  }

  /** Notes that the slot of `sequenceNumber` holds that packet, `length` bytes of it, which has yet to leave. */
  put(sequenceNumber: number, length: number): void {
    const slot = sequenceNumber & this.#mask;
    this.table[slot * DatagramTable.words + DatagramTable.length] = length;
    this.#sequenceNumbers[slot] = sequenceNumber;
    this.#repeatedUs[slot] = Number.POSITIVE_INFINITY;
  }

  /** Makes ChannelData of `count` packets from `slot` on, for one sending; {@link unwrap} undoes it. */
  wrap(slot: number, count: number, channel: number): void {
    for (let i = slot; i < slot + count; i++) {
      const at = i * DatagramTable.words;
      if (this.table[at + DatagramTable.length] < 0) continue;
      const offset = this.table[at + DatagramTable.offset] - PacketRing.headroom;
      writeU16(this.slab, offset, channel);
      writeU16(this.slab, offset + 2, this.table[at + DatagramTable.length]);
      this.table[at + DatagramTable.offset] = offset;
      this.table[at + DatagramTable.length] += PacketRing.headroom;
    }
  }

  unwrap(slot: number, count: number): void {
    for (let i = slot; i < slot + count; i++) {
      const at = i * DatagramTable.words;
      if (this.table[at + DatagramTable.length] < 0) continue;
      this.table[at + DatagramTable.offset] += PacketRing.headroom;
      this.table[at + DatagramTable.length] -= PacketRing.headroom;
    }
  }

  /** The packet in the slot was changed. */
  setLength(slot: number, length: number): void {
    this.table[slot * DatagramTable.words + DatagramTable.length] = length;
  }

  /** The packet in the slot is neither to be sent nor here to be sent again. */
  drop(slot: number): void {
    this.setLength(slot, NOT_SENT);
    this.#sequenceNumbers[slot] = -1;
  }

  lengthOf(slot: number): number {
    return this.table[slot * DatagramTable.words + DatagramTable.length];
  }

  /** Whether the packet is still here. */
  has(sequenceNumber: number): boolean {
    return this.#sequenceNumbers[sequenceNumber & this.#mask] === sequenceNumber;
  }

  /** The packets of `count` slots from `slot` on leave, for the first time. */
  markLeft(slot: number, count: number): void {
    this.#repeatedUs.fill(Number.NEGATIVE_INFINITY, slot, slot + count);
  }

  /** When the packet was last sent again; -Infinity: never; Infinity: it has yet to leave. */
  repeatedUs(sequenceNumber: number): number {
    return this.#repeatedUs[sequenceNumber & this.#mask];
  }

  markRepeated(sequenceNumber: number, nowUs: number): void {
    this.#repeatedUs[sequenceNumber & this.#mask] = nowUs;
  }
}
