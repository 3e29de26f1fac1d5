import { KeyframeRequester } from "../../protocol/nack/keyframe_requests.js";
import { NackGenerator } from "../../protocol/nack/nack_generator.js";
import type { SenderReport } from "../../protocol/rtcp/packets.js";
import { SenderReportTracker } from "../../protocol/rtcp/round_trip.js";
import type { RtcpWriter } from "../../protocol/rtcp/writer.js";
import { ntpToUnixUs } from "../../protocol/rtp/ntp.js";
import { ReceiveStatistics, type ReceptionReport } from "../../protocol/rtp/receive_statistics.js";
import type { ReceiveStreamOptions } from "../transport_api.js";
import { type Arrival, ArrivalFlag } from "./arrival_log.js";
import { ReceiveCounters } from "./stream_counters.js";

/** Sequence numbers asked for in one message. */
const NACK_BATCH = 256;
/** Records that are no packets. */
const JITTER_STATE = ArrivalFlag.keyframeNeeded | ArrivalFlag.keyframeCame | ArrivalFlag.passed;

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
  readonly #nack: NackGenerator | undefined;
  readonly #asked = new Uint16Array(NACK_BATCH);
  readonly #keyframes = new KeyframeRequester();
  #keyframeWanted = false;
  /** When one was last asked for. */
  #keyframeWantedUs = 0;
  #keyframeDueUs = Number.POSITIVE_INFINITY;

  /** @param counters a {@link ReceiveCounters} block */
  constructor(options: ReceiveStreamOptions, counters: Float64Array) {
    this.options = options;
    this.#counters = counters;
    this.#clockRate = options.payloadTypes[0]?.clockRate ?? 90_000;
    this.#statistics = new ReceiveStatistics({ clockRate: this.#clockRate });
    this.#nack =
      options.nack && options.kind === "video" ? new NackGenerator(nackOptions(options)) : undefined;
  }

  /** Whether there is anything to report. */
  get active(): boolean {
    return this.#statistics.active;
  }

  handleArrival(arrival: Arrival): void {
    if ((arrival.flags & JITTER_STATE) !== 0) {
      this.#handleJitterState(arrival);
      return;
    }
    if ((arrival.flags & ArrivalFlag.pathOnly) !== 0) return;
    if ((arrival.flags & ArrivalFlag.repeated) !== 0) {
      // RFC 4588 §7.1: the report is about the path, which did lose the original.
      if (arrival.ssrc === this.ssrc) this.#nack?.handlePacket(arrival.sequenceNumber, arrival.arrivalUs);
      return;
    }
    if (arrival.ssrc !== this.ssrc) this.#switchTo(arrival.ssrc);
    const { sequenceNumber, rtpTimestamp, arrivalUs, bytes } = arrival;
    const repeated = this.#nack?.handlePacket(sequenceNumber, arrivalUs) ?? false;
    this.#statistics.update(sequenceNumber, rtpTimestamp, arrivalUs, bytes, !repeated);
    const counters = this.#counters;
    counters[ReceiveCounters.jitterUs] = this.#statistics.jitterUs;
    counters[ReceiveCounters.packetsLost] = Math.max(0, this.#statistics.cumulativeLost);
    counters[ReceiveCounters.extendedHighestSequenceNumber] = this.#statistics.extendedHighestSequence;
  }

  handleSenderReport(report: SenderReport, nowUs: number): void {
    const { ntpSeconds, ntpFraction, packetCount, octetCount } = report;
    this.#tracker.handleSenderReport(ntpSeconds, ntpFraction, nowUs);
    const counters = this.#counters;
    counters[ReceiveCounters.remotePacketsSent] = packetCount;
    counters[ReceiveCounters.remoteBytesSent] = octetCount;
    counters[ReceiveCounters.remoteWallUs] = ntpToUnixUs(ntpSeconds, ntpFraction);
    counters[ReceiveCounters.remoteReportUs] = nowUs;
    counters[ReceiveCounters.remoteReports]++;
  }

  /** A keyframe is wanted until one comes; asked for at once, unless it just was. */
  requestKeyframe(nowUs: number): void {
    if (this.options.kind !== "video") return;
    this.#keyframeWanted = true;
    this.#keyframeWantedUs = nowUs;
    this.#keyframeDueUs = Math.min(this.#keyframeDueUs, nowUs);
  }

  nextDeadlineUs(): number {
    // Nobody can be asked before the first packet; what is wanted by then stays due.
    if (this.ssrc === 0) return Number.POSITIVE_INFINITY;
    return Math.min(this.#keyframeDueUs, this.#nack?.nextDeadlineUs() ?? Number.POSITIVE_INFINITY);
  }

  /** Writes the feedback that is due (RFC 4585 §6); false when there is none. */
  writeFeedback(writer: RtcpWriter, nowUs: number): boolean {
    if (this.ssrc === 0) return false;
    const nacked = this.#writeNack(writer, nowUs);
    if (this.#nack?.takeGaveUp()) this.requestKeyframe(nowUs);
    return this.#writeKeyframeRequest(writer, nowUs) || nacked;
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

  /** The peer answered our reference time: the way there and back. */
  noteMeasurement(rttUs: number): void {
    const counters = this.#counters;
    counters[ReceiveCounters.remoteRttUs] = rttUs;
    counters[ReceiveCounters.remoteRttMeasurements]++;
    counters[ReceiveCounters.remoteRttTotalUs] += rttUs;
  }

  noteRoundTrip(rttUs: number): void {
    this.#counters[ReceiveCounters.rttUs] = rttUs;
    if (rttUs === 0) return;
    this.#keyframes.rttUs = rttUs;
    if (this.#nack !== undefined) this.#nack.rttUs = rttUs;
  }

  /** What the jitter buffer says: it is stuck, or a keyframe has been completed and what lies before is of no use, or that alone. */
  #handleJitterState(arrival: Arrival): void {
    if ((arrival.flags & ArrivalFlag.passed) !== 0) this.#nack?.discardBefore(arrival.sequenceNumber);
    if ((arrival.flags & ArrivalFlag.keyframeNeeded) !== 0) this.requestKeyframe(arrival.arrivalUs);
    if ((arrival.flags & ArrivalFlag.keyframeCame) === 0) return;
    this.#nack?.discardBefore(arrival.sequenceNumber);
    // What came before the wish was told of late: it is no answer.
    if (arrival.arrivalUs < this.#keyframeWantedUs) return;
    this.#keyframeWanted = false;
    this.#keyframes.poll(false, arrival.arrivalUs);
    this.#keyframeDueUs = Number.POSITIVE_INFINITY;
  }

  #writeNack(writer: RtcpWriter, nowUs: number): boolean {
    const count = this.#nack?.poll(nowUs, this.#asked) ?? 0;
    if (count === 0) return false;
    writer.nack(this.options.localSsrc, this.ssrc, this.#asked, count);
    this.#counters[ReceiveCounters.nackCount]++;
    return true;
  }

  #writeKeyframeRequest(writer: RtcpWriter, nowUs: number): boolean {
    const due = this.#keyframes.poll(this.#keyframeWanted, nowUs);
    this.#keyframeDueUs = this.#keyframes.nextDeadlineUs();
    if (!due || !writer.pictureLoss(this.options.localSsrc, this.ssrc)) return false;
    this.#counters[ReceiveCounters.pliCount]++;
    return true;
  }

  #switchTo(ssrc: number): void {
    this.ssrc = ssrc;
    this.#statistics = new ReceiveStatistics({ clockRate: this.#clockRate });
    this.#tracker = new SenderReportTracker();
  }
}

function nackOptions({ nackRetries }: ReceiveStreamOptions): { readonly maxRetries?: number } {
  return nackRetries === undefined ? {} : { maxRetries: nackRetries };
}
