import { type RandomSource, randomFloat } from "../primitives/random.js";

export interface RtcpSchedulerOptions {
  readonly random: RandomSource;
  /** Bandwidth of all RTCP of the session, bits a second: 5 % of the media's, say (RFC 3550 §6.2). 50 000 by default. */
  readonly bandwidthBps?: number;
  /**
   * Least time between regular reports: T_rr_interval (RFC 4585 §3.4) in the point-to-point case. 1 s by default; 5 s is what
   * RFC 3550 §6.2 alone would give.
   */
  readonly minIntervalUs?: number;
}

/** RFC 3550 §6.3.1: e - 3/2, undoes the timer reconsideration's bias. */
const COMPENSATION = Math.E - 1.5;
/** RFC 3550 §6.3.3: UDP and IPv4 headers count. */
const LOWER_LAYER_BYTES = 28;
/** RFC 4585 §3.5.2: a source that everyone hears alone. */
const POINT_TO_POINT_MEMBERS = 2;

/**
 * When to send RTCP (RFC 3550 §6.3, with the early feedback of RFC 4585 §3.5). `start()` it, ask `nextDeadlineUs()`, and at
 * that time `handleTimeout()`: true means send a regular compound now and tell `handleSent`. Feedback that must not wait is
 * announced by `requestEarly`: true means send it at once; false, let it go with the next regular one.
 */
export class RtcpScheduler {
  /** Members of the session, ourselves included; 2 between two peers. */
  members = POINT_TO_POINT_MEMBERS;
  senders = 1;
  weSend = true;
  private readonly random: RandomSource;
  private readonly bandwidthBps: number;
  private minIntervalUs: number;
  private averageBytes = 128;
  private initial = true;
  private lastUs = 0;
  private nextUs = Number.POSITIVE_INFINITY;
  private intervalUs = 0;
  private earlySpent = false;

  constructor(options: RtcpSchedulerOptions) {
    this.random = options.random;
    this.bandwidthBps = options.bandwidthBps ?? 50_000;
    this.minIntervalUs = options.minIntervalUs ?? 1_000_000;
  }

  start(nowUs: number): void {
    this.lastUs = nowUs;
    this.initial = true;
    this.schedule(nowUs);
  }

  stop(): void {
    this.nextUs = Number.POSITIVE_INFINITY;
  }

  /** As {@link RtcpSchedulerOptions.minIntervalUs} from now on; a shorter one brings the next report forward. */
  setMinInterval(minIntervalUs: number, nowUs: number): void {
    const shorter = minIntervalUs < this.minIntervalUs;
    this.minIntervalUs = minIntervalUs;
    if (!shorter || this.nextUs === Number.POSITIVE_INFINITY) return;
    this.intervalUs = this.drawInterval();
    this.nextUs = Math.min(this.nextUs, nowUs + this.intervalUs);
  }

  nextDeadlineUs(): number {
    return this.nextUs;
  }

  /** RFC 3550 §6.3.6: true when a regular report is due. Membership that grew meanwhile puts it off instead. */
  handleTimeout(nowUs: number): boolean {
    if (nowUs < this.nextUs) return false;
    this.intervalUs = this.drawInterval();
    const reconsidered = this.lastUs + this.intervalUs;
    if (reconsidered > nowUs && this.members > POINT_TO_POINT_MEMBERS) {
      this.nextUs = reconsidered;
      return false;
    }
    this.lastUs = nowUs;
    this.initial = false;
    this.earlySpent = false;
    this.schedule(nowUs);
    return true;
  }

  /**
   * RFC 4585 §3.5.2: whether feedback may go out now. Between two peers it always may, T_dither_max being 0; in a group once
   * between two regular reports, and the next regular one then moves a whole interval on (§3.5.3).
   */
  requestEarly(nowUs: number): boolean {
    if (this.members <= POINT_TO_POINT_MEMBERS) return true;
    if (this.earlySpent) return false;
    this.earlySpent = true;
    this.nextUs = Math.max(this.lastUs + 2 * this.intervalUs, nowUs);
    return true;
  }

  /** RFC 3550 §6.3.3: every compound that went out, `bytes` without UDP and IP. */
  handleSent(bytes: number): void {
    this.average(bytes);
  }

  /** RFC 3550 §6.3.3: every compound that came in. */
  handleReceived(bytes: number): void {
    this.average(bytes);
  }

  /** The deterministic interval T_d, µs (RFC 3550 §6.3.1). */
  deterministicIntervalUs(): number {
    const senderShare = this.senders > 0 && this.senders <= this.members / 4;
    let bandwidth = this.bandwidthBps;
    let n = this.members;
    if (senderShare) {
      bandwidth *= this.weSend ? 0.25 : 0.75;
      n = this.weSend ? this.senders : this.members - this.senders;
    }
    const us = (n * this.averageBytes * 8 * 1e6) / bandwidth;
    return Math.max(us, this.initial ? this.minIntervalUs / 2 : this.minIntervalUs);
  }

  private schedule(nowUs: number): void {
    this.intervalUs = this.drawInterval();
    this.nextUs = nowUs + this.intervalUs;
  }

  private drawInterval(): number {
    return (this.deterministicIntervalUs() * (0.5 + randomFloat(this.random))) / COMPENSATION;
  }

  private average(bytes: number): void {
    this.averageBytes += (bytes + LOWER_LAYER_BYTES - this.averageBytes) / 16;
  }
}
