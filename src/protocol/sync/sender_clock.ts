import { ntpToUnixUs } from "../rtp/ntp.js";
import { timestampDifference } from "../rtp/unwrap.js";

/** Sender reports that disagree by more than this with the line so far begin a new one. */
const MAX_STEP_US = 1_000_000;
/** Share of a new report's offset in the line; stamps differ by the sender's scheduling. */
const SMOOTHING = 1 / 4;

/**
 * One remote stream's timestamps on its sender's wall clock, by the NTP and RTP pairs of its sender reports (RFC 3550 §6.4.1).
 * All streams of one CNAME share that clock, so equal results were captured together: that is lip-sync's ground. Feed it every
 * sender report; then `captureUnixUs` places any timestamp near them.
 */
export class SenderClock {
  private reference = 0;
  private referenceUnixUs = Number.NaN;
  private readonly usPerUnit: number;

  constructor(clockRate: number) {
    this.usPerUnit = 1e6 / clockRate;
  }

  /** Whether a sender report has come. */
  get known(): boolean {
    return !Number.isNaN(this.referenceUnixUs);
  }

  handleSenderReport(ntpSeconds: number, ntpFraction: number, rtpTimestamp: number): void {
    // RFC 3550 §6.4.1: a sender without a clock says 0.
    if (ntpSeconds === 0 && ntpFraction === 0) return;
    const unixUs = ntpToUnixUs(ntpSeconds, ntpFraction);
    const offUs = this.known ? unixUs - this.captureUnixUs(rtpTimestamp) : Number.POSITIVE_INFINITY;
    this.reference = rtpTimestamp;
    this.referenceUnixUs = Math.abs(offUs) > MAX_STEP_US ? unixUs : unixUs - offUs * (1 - SMOOTHING);
  }

  /** Unix µs on the sender's clock when what `rtpTimestamp` stands for was captured; NaN before a report. */
  captureUnixUs(rtpTimestamp: number): number {
    return this.referenceUnixUs + timestampDifference(rtpTimestamp, this.reference) * this.usPerUnit;
  }
}
