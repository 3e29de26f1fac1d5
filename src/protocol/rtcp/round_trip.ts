import {
  compactNtp,
  compactToUs,
  type NtpTime,
  unixUsToNtp,
  usToCompact,
  type WallClock,
} from "../rtp/ntp.js";
import type { ReceptionReport } from "../rtp/receive_statistics.js";

/**
 * Remembers a remote sender's last report for the LSR and DLSR fields of our report blocks (RFC 3550 §6.4.1). One per
 * received source: `handleSenderReport` when an SR comes in, `fillReport` when a block goes out.
 */
export class SenderReportTracker {
  private lastSr = 0;
  private receivedUs = 0;

  handleSenderReport(ntpSeconds: number, ntpFraction: number, nowUs: number): void {
    this.lastSr = compactNtp(ntpSeconds, ntpFraction);
    this.receivedUs = nowUs;
  }

  fillReport(into: ReceptionReport, nowUs: number): void {
    into.lastSr = this.lastSr;
    into.delaySinceLastSr = this.lastSr === 0 ? 0 : usToCompact(nowUs - this.receivedUs);
  }
}

/**
 * The round-trip time of a source we send, from the report blocks about it (RFC 3550 §6.4.1): A - LSR - DLSR on our own
 * clock, the one the sender reports were stamped with.
 */
export class RoundTripEstimator {
  /** The last measurement, µs; 0: none yet. */
  lastUs = 0;
  /** Smoothed as RFC 6298 §2 smooths, µs; 0: none yet. */
  smoothedUs = 0;
  minUs = Number.POSITIVE_INFINITY;
  measurements = 0;
  private readonly ntp: NtpTime = { seconds: 0, fraction: 0 };

  constructor(private readonly clock: WallClock) {}

  /** Takes a report block about our source. False: it knows no SR of ours, or its numbers are impossible. */
  handleReport(lastSr: number, delaySinceLastSr: number, nowUs: number): boolean {
    if (lastSr === 0) return false;
    unixUsToNtp(this.clock.unixUs(nowUs), this.ntp);
    const compact = (compactNtp(this.ntp.seconds, this.ntp.fraction) - delaySinceLastSr - lastSr) | 0;
    // A little below zero is rounding; half of the range is a lie or an answer from before a restart.
    if (compact < -65) return false;
    this.add(Math.max(compactToUs(compact), 1));
    return true;
  }

  private add(us: number): void {
    this.lastUs = us;
    this.measurements++;
    this.minUs = Math.min(this.minUs, us);
    this.smoothedUs = this.smoothedUs === 0 ? us : this.smoothedUs + (us - this.smoothedUs) / 8;
  }
}
