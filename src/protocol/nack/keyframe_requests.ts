export interface KeyframeRequesterOptions {
  /** Least time between two requests; 250 ms by default. The round-trip time and a half counts too. */
  readonly minIntervalUs?: number;
}

/**
 * Paces the requests for a keyframe of one received stream. Call `poll(wanted, nowUs)` after every poll of the jitter buffer and
 * at `nextDeadlineUs()`; true: send a PLI (or FIR) now.
 */
export class KeyframeRequester {
  rttUs = 0;
  sent = 0;
  private readonly minIntervalUs: number;
  private lastUs = Number.NEGATIVE_INFINITY;
  private wanted = false;

  constructor(options: KeyframeRequesterOptions = {}) {
    this.minIntervalUs = options.minIntervalUs ?? 250_000;
  }

  poll(wanted: boolean, nowUs: number): boolean {
    this.wanted = wanted;
    if (!wanted || nowUs < this.readyUs()) return false;
    this.lastUs = nowUs;
    this.sent++;
    return true;
  }

  /** When a keyframe still wanted may be asked for again; Infinity: none is wanted. */
  nextDeadlineUs(): number {
    return this.wanted ? this.readyUs() : Number.POSITIVE_INFINITY;
  }

  private readyUs(): number {
    return this.lastUs + Math.max(this.minIntervalUs, 1.5 * this.rttUs);
  }
}

export interface KeyframeRequestFilterOptions {
  /** Least time between two keyframes made on request; 300 ms by default. */
  readonly minIntervalUs?: number;
}

/**
 * Turns the requests that peers make of one of our sources into keyframes, without letting them flood the encoder:
 * requests within the interval after a keyframe are answered by one more at its end. Feed it `handlePli` and `handleFir`;
 * at `nextDeadlineUs()`, or at once, `poll()` says whether to make a keyframe now.
 */
export class KeyframeRequestFilter {
  private readonly minIntervalUs: number;
  private readonly firSequences = new Map<number, number>();
  private lastUs = Number.NEGATIVE_INFINITY;
  private pending = false;

  constructor(options: KeyframeRequestFilterOptions = {}) {
    this.minIntervalUs = options.minIntervalUs ?? 300_000;
  }

  handlePli(): void {
    this.pending = true;
  }

  /** RFC 5104 §4.3.1.2: a repeated sequence number is the same request again. False: it was one. */
  handleFir(senderSsrc: number, sequenceNumber: number): boolean {
    if (this.firSequences.get(senderSsrc) === sequenceNumber) return false;
    // One peer has one SSRC; a stranger that makes up thousands shall not fill the memory.
    if (this.firSequences.size >= 256) this.firSequences.clear();
    this.firSequences.set(senderSsrc, sequenceNumber);
    this.pending = true;
    return true;
  }

  /** True: make a keyframe now. */
  poll(nowUs: number): boolean {
    if (!this.pending || nowUs < this.lastUs + this.minIntervalUs) return false;
    this.pending = false;
    this.lastUs = nowUs;
    return true;
  }

  nextDeadlineUs(): number {
    return this.pending ? this.lastUs + this.minIntervalUs : Number.POSITIVE_INFINITY;
  }
}
