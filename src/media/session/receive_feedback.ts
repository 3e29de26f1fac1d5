import { SenderReportTracker } from "../../protocol/rtcp/round_trip.js";
import type { RtcpWriter } from "../../protocol/rtcp/writer.js";
import { ReceiveStatistics, type ReceptionReport } from "../../protocol/rtp/receive_statistics.js";
import type { ReceiveStreamOptions } from "../transport_api.js";
import { type Arrival, ArrivalFlag } from "./arrival_log.js";
import { ReceiveCounters } from "./stream_counters.js";

/** A keyframe asked for and not come is asked for again after this long, or two round trips if that is longer. */
const KEYFRAME_RETRY_US = 200_000;

/** What the rtcp thread knows of one receive stream: its statistics, what is missing, whether it needs a keyframe. */
export class ReceiveFeedback {
  readonly options: ReceiveStreamOptions;
  /** The stream's current source; 0 before the first packet. */
  ssrc = 0;
  readonly #counters: Float64Array;
  #statistics: ReceiveStatistics;
  #tracker = new SenderReportTracker();
  readonly #clockRate: number;
  readonly #block: ReceptionReport = {
    ssrc: 0,
    fractionLost: 0,
    cumulativeLost: 0,
    extendedHighestSequence: 0,
    jitter: 0,
    lastSr: 0,
    delaySinceLastSr: 0,
  };
  #keyframeWanted = false;
  #keyframeDueUs = Number.POSITIVE_INFINITY;
  #keyframeAskedUs = Number.NEGATIVE_INFINITY;

  /** @param counters a {@link ReceiveCounters} block */
  constructor(options: ReceiveStreamOptions, counters: Float64Array) {
    this.options = options;
    this.#counters = counters;
    this.#clockRate = options.payloadTypes[0]?.clockRate ?? 90_000;
    this.#statistics = new ReceiveStatistics({ clockRate: this.#clockRate });
  }

  /** Whether there is anything to report. */
  get active(): boolean {
    return this.#statistics.active;
  }

  handleArrival(arrival: Arrival): void {
    if ((arrival.flags & ArrivalFlag.keyframeNeeded) !== 0) {
      this.requestKeyframe(arrival.arrivalUs);
      return;
    }
    if ((arrival.flags & ArrivalFlag.keyframeCame) !== 0) {
      this.#keyframeWanted = false;
      this.#keyframeDueUs = Number.POSITIVE_INFINITY;
      return;
    }
    if (arrival.ssrc !== this.ssrc) this.#switchTo(arrival.ssrc);
    this.#statistics.update(arrival.sequenceNumber, arrival.rtpTimestamp, arrival.arrivalUs, arrival.bytes);
    this.#counters[ReceiveCounters.jitterUs] = this.#statistics.jitterUs;
    this.#counters[ReceiveCounters.packetsLost] = Math.max(0, this.#statistics.cumulativeLost);
    this.#counters[ReceiveCounters.extendedHighestSequenceNumber] = this.#statistics.extendedHighestSequence;
  }

  handleSenderReport(ntpSeconds: number, ntpFraction: number, nowUs: number): void {
    this.#tracker.handleSenderReport(ntpSeconds, ntpFraction, nowUs);
  }

  /** A keyframe is wanted until one comes; asked for at once, unless it just was. */
  requestKeyframe(nowUs: number): void {
    if (this.options.kind !== "video") return;
    this.#keyframeWanted = true;
    this.#keyframeDueUs = Math.max(nowUs, this.#keyframeAskedUs + KEYFRAME_RETRY_US);
  }

  nextDeadlineUs(): number {
    return this.#keyframeDueUs;
  }

  /** Writes the feedback that is due (RFC 4585 §6); false when there is none. */
  writeFeedback(writer: RtcpWriter, nowUs: number, rttUs: number): boolean {
    if (!this.#keyframeWanted || nowUs < this.#keyframeDueUs || this.ssrc === 0) return false;
    if (!writer.pictureLoss(this.options.localSsrc, this.ssrc)) return false;
    this.#counters[ReceiveCounters.pliCount]++;
    this.#keyframeAskedUs = nowUs;
    this.#keyframeDueUs = nowUs + Math.max(KEYFRAME_RETRY_US, 2 * rttUs);
    return true;
  }

  /** The report block for a regular compound; begins the next report interval. */
  report(nowUs: number): ReceptionReport {
    const block = this.#block;
    block.ssrc = this.ssrc;
    this.#statistics.fillReport(block);
    this.#tracker.fillReport(block, nowUs);
    this.#counters[ReceiveCounters.fractionLost] = this.#statistics.lastFractionLost;
    return block;
  }

  noteRoundTrip(rttUs: number): void {
    this.#counters[ReceiveCounters.rttUs] = rttUs;
  }

  #switchTo(ssrc: number): void {
    this.ssrc = ssrc;
    this.#statistics = new ReceiveStatistics({ clockRate: this.#clockRate });
    this.#tracker = new SenderReportTracker();
  }
}
