import { copyBytes } from "../primitives/bytes.js";

export interface RetransmissionBufferOptions {
  /** Packets kept, a power of two; 1024 by default. */
  readonly capacityPackets?: number;
  /** Longest packet kept; 1500 by default. */
  readonly maxPacketBytes?: number;
  /** Packets older than this are not sent again; 2 s by default. */
  readonly maxAgeUs?: number;
  /** Most bits a second to spend on sending again, 0: no limit (the default); a quarter second's worth may go at once. */
  readonly maxBitrateBps?: number;
}

/** Why a request was not granted; counters since the start. */
export interface RetransmissionStats {
  resent: number;
  resentBytes: number;
  /** Asked for but no longer (or never) here. */
  unknown: number;
  /** Asked for again before an answer could have arrived. */
  tooSoon: number;
  overBudget: number;
}

const VACANT = -1;
/** Between two peers on one machine the round trip tends to nothing; answers to one loss still come in twos. */
const MIN_RESEND_US = 5_000;
const BURST_SECONDS = 0.25;

/**
 * The last packets of a stream we send, for NACKs. `store()` each packet as it goes out (protected: sent again it must be the
 * same bytes, for SRTP forbids another packet under the same index); `find()` for each number in a NACK: true leaves the
 * packet in `offset` and `length` of `arena`, to be sent now. Allocates nothing after construction.
 */
export class RetransmissionBuffer {
  /** Current round-trip time; a packet is not sent twice within it. */
  rttUs = 0;
  maxBitrateBps: number;
  offset = 0;
  length = 0;
  readonly arena: Uint8Array;
  readonly stats: RetransmissionStats = { resent: 0, resentBytes: 0, unknown: 0, tooSoon: 0, overBudget: 0 };
  private readonly mask: number;
  private readonly slotBytes: number;
  private readonly maxAgeUs: number;
  private readonly seqs: Int32Array;
  private readonly lengths: Int32Array;
  private readonly sentUs: Float64Array;
  private readonly resentUs: Float64Array;
  private budgetBytes = 0;
  private budgetUs = Number.NEGATIVE_INFINITY;

  constructor(options: RetransmissionBufferOptions = {}) {
    const capacity = options.capacityPackets ?? 1024;
    if ((capacity & (capacity - 1)) !== 0 || capacity > 32768)
      throw new RangeError(`RetransmissionBuffer capacity ${capacity}: must be a power of two up to 32768`);
    this.mask = capacity - 1;
    this.slotBytes = options.maxPacketBytes ?? 1500;
    this.maxAgeUs = options.maxAgeUs ?? 2_000_000;
    this.maxBitrateBps = options.maxBitrateBps ?? 0;
    this.arena = new Uint8Array(capacity * this.slotBytes);
    this.seqs = new Int32Array(capacity).fill(VACANT);
    this.lengths = new Int32Array(capacity);
    this.sentUs = new Float64Array(capacity);
    this.resentUs = new Float64Array(capacity);
  }

  /** Keeps a copy; packets longer than a slot are not kept. */
  store(sequenceNumber: number, buf: Uint8Array, offset: number, length: number, nowUs: number): void {
    const i = sequenceNumber & this.mask;
    if (length > this.slotBytes) {
      this.seqs[i] = VACANT;
      return;
    }
    this.seqs[i] = sequenceNumber;
    this.lengths[i] = length;
    this.sentUs[i] = nowUs;
    this.resentUs[i] = Number.NEGATIVE_INFINITY;
    copyBytes(buf, offset, this.arena, i * this.slotBytes, length);
  }

  /** Whether to send the packet again now; it is then counted as sent. */
  find(sequenceNumber: number, nowUs: number): boolean {
    const i = sequenceNumber & this.mask;
    if (this.seqs[i] !== sequenceNumber || nowUs - this.sentUs[i] > this.maxAgeUs) {
      this.stats.unknown++;
      return false;
    }
    if (nowUs - this.resentUs[i] < Math.max(this.rttUs, MIN_RESEND_US)) {
      this.stats.tooSoon++;
      return false;
    }
    this.length = this.lengths[i];
    if (!this.spend(this.length, nowUs)) {
      this.stats.overBudget++;
      return false;
    }
    this.offset = i * this.slotBytes;
    this.resentUs[i] = nowUs;
    this.stats.resent++;
    this.stats.resentBytes += this.length;
    return true;
  }

  private spend(bytes: number, nowUs: number): boolean {
    if (this.maxBitrateBps === 0) return true;
    const bytesPerUs = this.maxBitrateBps / 8e6;
    const most = bytesPerUs * 1e6 * BURST_SECONDS;
    this.budgetBytes = Math.min(most, this.budgetBytes + (nowUs - this.budgetUs) * bytesPerUs);
    this.budgetUs = nowUs;
    if (this.budgetBytes < bytes) return false;
    this.budgetBytes -= bytes;
    return true;
  }
}
