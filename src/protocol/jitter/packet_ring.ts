import { copyBytes } from "../primitives/bytes.js";

const VACANT = Number.NEGATIVE_INFINITY;

/**
 * The last packets of a stream by extended sequence number, payloads copied into one arena made at the start. A slot
 * belongs to one sequence number modulo the capacity, so the owner keeps its window no wider than that.
 */
export class PacketRing {
  readonly capacity: number;
  readonly slotBytes: number;
  readonly arena: Uint8Array;
  private readonly mask: number;
  private readonly seqs: Float64Array;
  private readonly timestamps: Float64Array;
  private readonly arrivals: Float64Array;
  private readonly captures: Float64Array;
  private readonly lengths: Int32Array;
  private readonly traits: Uint8Array;
  private readonly markers: Uint8Array;
  private readonly payloadTypes: Uint8Array;

  /** `capacity` packets, a power of two, of at most `slotBytes` of payload. */
  constructor(capacity: number, slotBytes: number) {
    if (capacity < 2 || (capacity & (capacity - 1)) !== 0)
      throw new RangeError(`Packet ring capacity ${capacity}: must be a power of two`);
    this.capacity = capacity;
    this.slotBytes = slotBytes;
    this.mask = capacity - 1;
    this.arena = new Uint8Array(capacity * slotBytes);
    this.seqs = new Float64Array(capacity).fill(VACANT);
    this.timestamps = new Float64Array(capacity);
    this.arrivals = new Float64Array(capacity);
    this.captures = new Float64Array(capacity);
    this.lengths = new Int32Array(capacity);
    this.traits = new Uint8Array(capacity);
    this.markers = new Uint8Array(capacity);
    this.payloadTypes = new Uint8Array(capacity);
  }

  has(seq: number): boolean {
    return this.seqs[seq & this.mask] === seq;
  }

  store(
    seq: number,
    extTimestamp: number,
    marker: boolean,
    payloadType: number,
    traits: number,
    arrivalUs: number,
    captureUnixUs: number,
    buf: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const i = seq & this.mask;
    this.seqs[i] = seq;
    this.timestamps[i] = extTimestamp;
    this.markers[i] = marker ? 1 : 0;
    this.payloadTypes[i] = payloadType;
    this.traits[i] = traits;
    this.arrivals[i] = arrivalUs;
    this.captures[i] = captureUnixUs;
    this.lengths[i] = length;
    copyBytes(buf, offset, this.arena, i * this.slotBytes, length);
  }

  free(seq: number): void {
    if (this.has(seq)) this.seqs[seq & this.mask] = VACANT;
  }

  clear(): void {
    this.seqs.fill(VACANT);
  }

  // The following hold for a sequence number that `has` confirmed.

  timestamp(seq: number): number {
    return this.timestamps[seq & this.mask];
  }

  arrivalUs(seq: number): number {
    return this.arrivals[seq & this.mask];
  }

  /** NaN: the packet carried none. */
  captureUnixUs(seq: number): number {
    return this.captures[seq & this.mask];
  }

  marker(seq: number): boolean {
    return this.markers[seq & this.mask] !== 0;
  }

  payloadType(seq: number): number {
    return this.payloadTypes[seq & this.mask];
  }

  trait(seq: number): number {
    return this.traits[seq & this.mask];
  }

  /** Payload bytes, from `offset(seq)` in the arena. */
  length(seq: number): number {
    return this.lengths[seq & this.mask];
  }

  offset(seq: number): number {
    return (seq & this.mask) * this.slotBytes;
  }
}
