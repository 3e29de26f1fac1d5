import { KeyframeRequestFilter } from "../../protocol/nack/keyframe_requests.js";
import type { RtcpWriter } from "../../protocol/rtcp/writer.js";
import type { NtpTime, WallClock } from "../../protocol/rtp/ntp.js";
import type { ReceptionReport } from "../../protocol/rtp/receive_statistics.js";
import type { SendStreamOptions } from "../transport_api.js";
import { SendCounters } from "./stream_counters.js";

/** What the rtcp thread knows of one send stream; the sender's part it reads from shared counters. */
export class SendReports {
  readonly options: SendStreamOptions;
  /** What the peer asks of this stream. */
  readonly keyframes = new KeyframeRequestFilter();
  readonly #counters: Float64Array;
  readonly #clock: WallClock;
  readonly #ntp: NtpTime = { seconds: 0, fraction: 0 };

  /** @param counters a {@link SendCounters} block */
  constructor(options: SendStreamOptions, counters: Float64Array, clock: WallClock) {
    this.options = options;
    this.#counters = counters;
    this.#clock = clock;
  }

  /** Whose keyframes the peer asks for. */
  get encoding(): number {
    return this.#counters[SendCounters.encoding];
  }

  /** Only who has sent reports as a sender (RFC 3550 §6.4). */
  get active(): boolean {
    return this.#counters[SendCounters.packetsSent] > 0;
  }

  /** RFC 3550 §6.4.1: the RTP timestamp is that of the report's own moment, not of the last packet. */
  writeReport(writer: RtcpWriter, reports: readonly ReceptionReport[], nowUs: number): boolean {
    const counters = this.#counters;
    const { ssrc, clockRate } = this.options;
    this.#clock.ntp(nowUs, this.#ntp);
    const timestamp = counters[SendCounters.rtpOffset] + (nowUs * clockRate) / 1e6;
    return writer.senderReport(
      {
        ssrc,
        ntpSeconds: this.#ntp.seconds,
        ntpFraction: this.#ntp.fraction,
        rtpTimestamp: Math.floor(timestamp) % 2 ** 32,
        packetCount: counters[SendCounters.packetsSent] % 2 ** 32,
        octetCount: counters[SendCounters.payloadBytesSent] % 2 ** 32,
      },
      reports,
    );
  }

  /** What the peer says of this stream. */
  handleReport(report: Readonly<ReceptionReport>, nowUs: number): void {
    const counters = this.#counters;
    // RFC 3550 §A.3: what was expected, less what is missing.
    const first = counters[SendCounters.firstSequenceNumber];
    const received = report.extendedHighestSequence - first + 1 - report.cumulativeLost;
    counters[SendCounters.remotePacketsReceived] = received > 0 ? received : 0;
    counters[SendCounters.remoteReportUs] = nowUs;
    counters[SendCounters.remoteLost] = report.cumulativeLost;
    counters[SendCounters.remoteFractionLost] = report.fractionLost / 256;
    counters[SendCounters.remoteJitterUs] = (report.jitter * 1e6) / this.options.clockRate;
  }

  /** A report about this stream measured the way there and back. */
  noteMeasurement(rttUs: number): void {
    this.#counters[SendCounters.rttMeasurements]++;
    this.#counters[SendCounters.rttTotalUs] += rttUs;
  }

  noteRoundTrip(rttUs: number): void {
    this.#counters[SendCounters.rttUs] = rttUs;
  }

  handleNack(): void {
    this.#counters[SendCounters.nackCount]++;
  }

  handlePictureLoss(): void {
    this.#counters[SendCounters.pliCount]++;
    this.keyframes.handlePli();
  }

  handleFullIntra(senderSsrc: number, sequenceNumber: number): void {
    if (this.keyframes.handleFir(senderSsrc, sequenceNumber)) this.#counters[SendCounters.firCount]++;
  }
}
