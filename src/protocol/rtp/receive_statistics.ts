/** What a report block carries about one source (RFC 3550 §6.4.1), all as they go on the wire. */
export interface ReceptionReport {
  ssrc: number;
  /** 0 to 255: the fraction lost since the last report, in 256ths. */
  fractionLost: number;
  /** -2^23 to 2^23 - 1. */
  cumulativeLost: number;
  /** 32 bits: cycles in the upper half. */
  extendedHighestSequence: number;
  /** In timestamp units. */
  jitter: number;
  /** 16.16 s NTP; 0: no SR seen yet. */
  lastSr: number;
  /** 16.16 s. */
  delaySinceLastSr: number;
}

export interface ReceiveStatisticsOptions {
  readonly clockRate: number;
  /**
   * Packets in sequence before a source counts (RFC 3550 A.1, MIN_SEQUENTIAL). 1 by default: whoever came through SRTP
   * has proven itself.
   */
  readonly probation?: number;
}

const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;

/**
 * Counts one received source as RFC 3550 appendices A.1 (sequence), A.3 (loss) and A.8 (jitter) say. Call `update` for
 * each packet in order of arrival, `fillReport` once per report.
 */
export class ReceiveStatistics {
  /** Packets counted, duplicates and late ones included, as A.3 has it. */
  received = 0;
  bytes = 0;
  /** Fraction lost of the last report interval, 0 to 1. */
  lastFractionLost = 0;
  private readonly unitsPerUs: number;
  private readonly minSequential: number;
  private started = false;
  private probation = 0;
  private baseSeq = 0;
  private maxSeq = 0;
  private cycles = 0;
  /** A jump is believed when the next packet continues it; -1: none pending. */
  private badSeq = -1;
  private expectedPrior = 0;
  private receivedPrior = 0;
  private jitterUnits = 0;
  private lastArrivalUnits = 0;
  private lastTimestamp = 0;
  private hasTransit = false;

  constructor(options: ReceiveStatisticsOptions) {
    this.unitsPerUs = options.clockRate / 1e6;
    this.minSequential = options.probation ?? 1;
  }

  /**
   * Counts a packet. False: not counted, for it is under probation or stands off by a jump that nothing confirmed yet.
   * `forJitter` false leaves the jitter alone, for retransmissions, whose timing is not the path's.
   */
  update(
    sequenceNumber: number,
    timestamp: number,
    arrivalUs: number,
    packetBytes = 0,
    forJitter = true,
  ): boolean {
    if (!this.updateSequence(sequenceNumber)) return false;
    this.received++;
    this.bytes += packetBytes;
    if (forJitter) this.updateJitter(timestamp, arrivalUs);
    return true;
  }

  /** RFC 3550 A.1. */
  private updateSequence(seq: number): boolean {
    if (!this.started) {
      this.started = true;
      this.restart(seq);
      this.probation = this.minSequential - 1;
      return this.probation === 0;
    }
    const delta = (seq - this.maxSeq) & 0xffff;
    if (this.probation > 0) return this.updateProbation(seq);
    if (delta < MAX_DROPOUT) {
      if (seq < this.maxSeq) this.cycles += 65536;
      this.maxSeq = seq;
    } else if (delta <= 65536 - MAX_MISORDER) {
      if (seq !== this.badSeq) {
        this.badSeq = (seq + 1) & 0xffff;
        return false;
      }
      // Two in a row: the other side restarted without telling.
      this.restart(seq);
    }
    return true;
  }

  private updateProbation(seq: number): boolean {
    const inOrder = seq === ((this.maxSeq + 1) & 0xffff);
    this.probation = inOrder ? this.probation - 1 : this.minSequential - 1;
    this.maxSeq = seq;
    if (this.probation > 0) return false;
    this.restart(seq);
    return true;
  }

  private restart(seq: number): void {
    this.baseSeq = seq;
    this.maxSeq = seq;
    this.badSeq = -1;
    this.cycles = 0;
    this.received = 0;
    this.receivedPrior = 0;
    this.expectedPrior = 0;
    this.hasTransit = false;
  }

  /** RFC 3550 §6.4.1 and A.8: J += (|D| - J) / 16, here without rounding on the way. */
  private updateJitter(timestamp: number, arrivalUs: number): void {
    const arrivalUnits = arrivalUs * this.unitsPerUs;
    if (this.hasTransit) {
      const difference = arrivalUnits - this.lastArrivalUnits - ((timestamp - this.lastTimestamp) | 0);
      this.jitterUnits += (Math.abs(difference) - this.jitterUnits) / 16;
    }
    this.hasTransit = true;
    this.lastArrivalUnits = arrivalUnits;
    this.lastTimestamp = timestamp;
  }

  /** Whether anything was counted. */
  get active(): boolean {
    return this.received > 0;
  }

  /** Extended highest sequence number received, 32 bits. */
  get extendedHighestSequence(): number {
    return (this.cycles + this.maxSeq) % 4294967296;
  }

  get expected(): number {
    return this.started ? this.cycles + this.maxSeq - this.baseSeq + 1 : 0;
  }

  /** Packets lost since the start; negative when duplicates outnumber losses (RFC 3550 A.3). */
  get cumulativeLost(): number {
    return this.expected - this.received;
  }

  get jitterUs(): number {
    return this.jitterUnits / this.unitsPerUs;
  }

  /**
   * Fills the counting fields of a report block and begins the next report interval. `ssrc`, `lastSr` and
   * `delaySinceLastSr` are the caller's (`SenderReportTracker`).
   */
  fillReport(into: ReceptionReport): void {
    const expected = this.expected;
    const expectedInterval = expected - this.expectedPrior;
    const lostInterval = expectedInterval - (this.received - this.receivedPrior);
    this.expectedPrior = expected;
    this.receivedPrior = this.received;
    const lossy = expectedInterval > 0 && lostInterval > 0;
    this.lastFractionLost = lossy ? lostInterval / expectedInterval : 0;
    into.fractionLost = lossy ? Math.floor((lostInterval * 256) / expectedInterval) & 0xff : 0;
    // All lost would be 256 of 256, one more than the field holds.
    if (lossy && lostInterval >= expectedInterval) into.fractionLost = 255;
    into.cumulativeLost = Math.max(-0x800000, Math.min(0x7fffff, this.cumulativeLost));
    into.extendedHighestSequence = this.extendedHighestSequence;
    into.jitter = Math.min(Math.floor(this.jitterUnits), 0xffffffff);
  }
}
