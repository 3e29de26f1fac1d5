import type { RandomSource } from "../../protocol/primitives/random.js";
import { writeExtendedReport } from "../../protocol/rtcp/extended_report.js";
import type { ExtendedReport, ExtendedReportBlock, RtcpPacket } from "../../protocol/rtcp/packets.js";
import { parseCompound } from "../../protocol/rtcp/parser.js";
import { RoundTripEstimator } from "../../protocol/rtcp/round_trip.js";
import { RtcpScheduler } from "../../protocol/rtcp/scheduler.js";
import { MAX_REPORT_BLOCKS, RtcpWriter } from "../../protocol/rtcp/writer.js";
import { WallClock } from "../../protocol/rtp/ntp.js";
import type { ReceptionReport } from "../../protocol/rtp/receive_statistics.js";
import { ArrivalRecorder } from "../../protocol/twcc/arrival_recorder.js";
import {
  nameOf,
  type ReceiveStreamOptions,
  type SendStreamOptions,
  type StreamName,
} from "../transport_api.js";
import type { Arrival } from "./arrival_log.js";
import { RateLimits } from "./rate_limits.js";
import { ReceiveFeedback } from "./receive_feedback.js";
import { ReceiverReferences } from "./receiver_references.js";
import { SendReports } from "./send_reports.js";

/** Leaves room for SRTCP's index and tag (at most 20 bytes) in a datagram of 1200. */
const COMPOUND_BYTES = 1160;

/** What an RTCP session brings about. */
export interface RtcpSinks {
  /** Send this compound; the bytes are reused after the call. */
  compound(bytes: Uint8Array, length: number): void;
  /** Send these packets of the stream again. */
  resend(ssrc: number, sequenceNumbers: readonly number[]): void;
  /** Content of a transport-wide feedback message of the peer's; good during the call. */
  transportFeedback(content: Uint8Array): void;
  /** The peer asks for no more than this, bits a second; Infinity: it does not any more. */
  rateLimit(bps: number): void;
  /** The encoder, or the application where it makes the encoding itself, owes a keyframe of it. */
  keyframe(encoding: number, isPushed: boolean): void;
  /** The peer sends under an SSRC of ours (RFC 3550 §8.2). What loops back to us is not meant: it has our keys, not the peer's. */
  collision(ssrc: number): void;
  /** The peer has ended a stream. */
  bye(stream: StreamName, ssrc: number): void;
}

export interface RtcpSessionOptions {
  readonly random: RandomSource;
  /** Wall clock (µs since 1970) minus monotonic clock. */
  readonly wallOffsetUs: number;
  readonly sinks: RtcpSinks;
  /** Least time between regular reports while media flows; 1 s by default. */
  readonly minIntervalUs?: number;
}

const MIN_INTERVAL_US = 1_000_000;
/** RFC 3550 §6.2: the fixed minimum, for a session in which nothing is sent and nothing has arrived. */
const IDLE_MIN_INTERVAL_US = 5_000_000;
/** Reports of idle sessions wait for the next multiple of this, so that those of many connections share a wake-up. */
const IDLE_GRID_US = 500_000;

/**
 * The control protocol with one peer (RFC 3550 §6, RFC 4585, RFC 5104, RFC 5506): regular reports, feedback the moment
 * it is needed, and what the peer's reports and feedback mean for us. Sans-IO.
 */
export class RtcpSession {
  readonly #sinks: RtcpSinks;
  readonly #clock: WallClock;
  readonly #scheduler: RtcpScheduler;
  readonly #roundTrip: RoundTripEstimator;
  readonly #send = new Map<number, SendReports>();
  readonly #receive = new Map<number, ReceiveFeedback>();
  readonly #references = new ReceiverReferences();
  readonly #writer = new RtcpWriter(new Uint8Array(COMPOUND_BYTES));
  readonly #minIntervalUs: number;
  #started = false;
  /** What is sent may begin at any time, so a send stream is enough; a receive stream counts once a packet came. */
  #idle = true;
  #received = false;
  readonly #arrivals = new ArrivalRecorder();
  readonly #limits = new RateLimits();
  #toldBps = Number.POSITIVE_INFINITY;
  /** The stream of the last transport-wide number. */
  #arrivalsOf: ReceiveFeedback | undefined;

  constructor(options: RtcpSessionOptions) {
    this.#sinks = options.sinks;
    this.#clock = new WallClock(options.wallOffsetUs);
    this.#roundTrip = new RoundTripEstimator(this.#clock);
    const { random, minIntervalUs = MIN_INTERVAL_US } = options;
    this.#minIntervalUs = minIntervalUs;
    this.#scheduler = new RtcpScheduler({
      random,
      minIntervalUs: Math.max(minIntervalUs, IDLE_MIN_INTERVAL_US),
    });
  }

  /** Keys are in place: reports may flow. */
  start(nowUs: number): void {
    if (this.#started) return;
    this.#started = true;
    this.#scheduler.start(nowUs);
  }

  addSendStream(streamId: number, options: SendStreamOptions, counters: Float64Array): void {
    this.#send.set(streamId, new SendReports(options, counters, this.#clock));
    if (this.#receiveOf(options.ssrc) !== undefined) this.#sinks.collision(options.ssrc);
  }

  /** Says BYE for the stream's source (RFC 3550 §6.6). */
  removeSendStream(streamId: number, nowUs: number): void {
    const stream = this.#send.get(streamId);
    if (stream === undefined) return;
    if (this.#started && stream.active) this.#sendRegular(nowUs, [stream.options.ssrc]);
    this.#send.delete(streamId);
    this.#limits.forgetStream(stream.options.ssrc);
    this.#tellLimit();
  }

  addReceiveStream(streamId: number, options: ReceiveStreamOptions, counters: Float64Array): void {
    this.#receive.set(streamId, new ReceiveFeedback(options, counters));
  }

  removeReceiveStream(streamId: number): void {
    this.#receive.delete(streamId);
    if (this.#receive.size === 0) this.#received = false;
  }

  requestKeyframe(streamId: number, nowUs: number): void {
    this.#receive.get(streamId)?.requestKeyframe(nowUs);
  }

  handleArrival(arrival: Arrival): void {
    this.#received = true;
    const stream = this.#receive.get(arrival.streamId);
    if (stream === undefined) return;
    const before = stream.ssrc;
    stream.handleArrival(arrival);
    if (stream.ssrc !== before) this.#noteSource(stream.ssrc);
    if (arrival.transportSequence < 0) return;
    this.#arrivals.handlePacket(arrival.transportSequence, arrival.arrivalUs);
    this.#arrivalsOf = stream;
  }

  /** One unprotected compound of the peer's; a malformed one is ignored. */
  handleCompound(bytes: Uint8Array, offset: number, length: number, nowUs: number): void {
    const packets = parseCompound(bytes, offset, length);
    if (packets.length === 0) return;
    this.#scheduler.handleReceived(length);
    for (const packet of packets) this.#handlePacket(packet, nowUs);
    this.#tellLimit();
    this.#passOnKeyframeRequests(nowUs);
  }

  handleTimeout(nowUs: number): void {
    this.#passOnKeyframeRequests(nowUs);
    if (!this.#hasSource) return;
    this.#adaptInterval(nowUs);
    if (this.#scheduler.handleTimeout(nowUs)) this.#sendRegular(nowUs, []);
    this.#sendFeedback(nowUs);
    this.#sendNotifications(nowUs);
    this.#sendTransportFeedback(nowUs);
  }

  nextDeadlineUs(): number {
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (const { keyframes } of this.#send.values())
      deadlineUs = Math.min(deadlineUs, keyframes.nextDeadlineUs());
    if (!this.#hasSource) return deadlineUs;
    if (this.#limits.owesNotification) return Number.NEGATIVE_INFINITY;
    const reportUs = this.#scheduler.nextDeadlineUs();
    deadlineUs = Math.min(
      deadlineUs,
      this.#arrivals.nextDeadlineUs(),
      this.#idle ? Math.ceil(reportUs / IDLE_GRID_US) * IDLE_GRID_US : reportUs,
    );
    for (const stream of this.#receive.values()) deadlineUs = Math.min(deadlineUs, stream.nextDeadlineUs());
    return deadlineUs;
  }

  /** Without a stream there is no source of ours that could report. */
  get #hasSource(): boolean {
    return this.#started && this.#send.size + this.#receive.size > 0;
  }

  #adaptInterval(nowUs: number): void {
    const idle = this.#send.size === 0 && !this.#received;
    if (idle === this.#idle) return;
    this.#idle = idle;
    const minIntervalUs = this.#minIntervalUs;
    this.#scheduler.setMinInterval(
      idle ? Math.max(minIntervalUs, IDLE_MIN_INTERVAL_US) : minIntervalUs,
      nowUs,
    );
  }

  /** Smoothed round-trip time; 0: not known yet. */
  get rttUs(): number {
    return this.#roundTrip.smoothedUs;
  }

  /** Says BYE for everything we sent. */
  close(nowUs: number): void {
    if (!this.#started) return;
    const ssrcs = [...this.#send.values()].filter(({ active }) => active).map(({ options }) => options.ssrc);
    const first = this.#receive.values().next().value?.options.localSsrc;
    if (ssrcs.length === 0 && first !== undefined) ssrcs.push(first);
    if (ssrcs.length > 0) this.#sendRegular(nowUs, ssrcs);
    this.#started = false;
    this.#scheduler.stop();
  }

  #handlePacket(packet: RtcpPacket, nowUs: number): void {
    switch (packet.type) {
      case "sr":
        this.#noteSource(packet.ssrc);
        this.#receiveOf(packet.ssrc)?.handleSenderReport(packet, nowUs);
        this.#handleReports(packet.reports, nowUs);
        break;
      case "rr":
        this.#handleReports(packet.reports, nowUs);
        break;
      case "nack": {
        const stream = this.#sendOf(packet.mediaSsrc);
        if (stream === undefined) break;
        stream.handleNack();
        if (stream.options.nack) this.#sinks.resend(packet.mediaSsrc, packet.sequenceNumbers);
        break;
      }
      case "pli": {
        this.#sendOf(packet.mediaSsrc)?.handlePictureLoss();
        break;
      }
      case "fir":
        for (const { ssrc, sequenceNumber } of packet.entries) {
          this.#sendOf(ssrc)?.handleFullIntra(packet.senderSsrc, sequenceNumber);
        }
        break;
      case "remb":
        if (packet.ssrcs.length === 0 || packet.ssrcs.some((ssrc) => this.#sendOf(ssrc) !== undefined))
          this.#limits.handleRemb(packet.bitrateBps);
        break;
      case "tmmbr":
        for (const entry of packet.entries) {
          if (this.#sendOf(entry.ssrc) !== undefined) this.#limits.handleRequest(packet.senderSsrc, entry);
        }
        break;
      case "xr":
        this.#handleExtended(packet, nowUs);
        break;
      case "transport-cc":
        this.#sinks.transportFeedback(packet.content);
        break;
      case "bye":
        for (const ssrc of packet.ssrcs) {
          const stream = this.#receiveOf(ssrc);
          if (stream !== undefined) this.#sinks.bye(nameOf(stream.options), ssrc);
          this.#limits.forgetOwner(ssrc);
        }
        break;
    }
  }

  /** Only what sends counts: some peers put whatever comes to hand where the sender of feedback stands. */
  #noteSource(ssrc: number): void {
    if (this.#sendOf(ssrc) !== undefined) this.#sinks.collision(ssrc);
  }

  #passOnKeyframeRequests(nowUs: number): void {
    for (const stream of this.#send.values()) {
      if (stream.keyframes.poll(nowUs))
        this.#sinks.keyframe(stream.encoding, stream.options.encoded ?? false);
    }
  }

  #handleReports(reports: readonly Readonly<ReceptionReport>[], nowUs: number): void {
    for (const report of reports) {
      const stream = this.#sendOf(report.ssrc);
      if (stream === undefined) continue;
      stream.handleReport(report, nowUs);
      const { lastSr, delaySinceLastSr } = report;
      if (this.#roundTrip.handleReport(lastSr, delaySinceLastSr, nowUs)) {
        stream.noteMeasurement(this.#roundTrip.lastUs);
      }
      stream.noteRoundTrip(this.rttUs);
    }
    for (const stream of this.#receive.values()) stream.noteRoundTrip(this.rttUs);
  }

  #sendFeedback(nowUs: number): void {
    for (const stream of this.#receive.values()) {
      if (nowUs < stream.nextDeadlineUs()) continue;
      this.#writer.clear();
      // RFC 5506 §4.2: without its negotiation every compound begins with a report and a CNAME.
      if (!stream.options.reducedSizeRtcp) this.#writeHead(nowUs, false);
      if (stream.writeFeedback(this.#writer, nowUs)) this.#flush();
    }
  }

  #tellLimit(): void {
    const { bps } = this.#limits;
    if (bps === this.#toldBps) return;
    this.#toldBps = bps;
    this.#sinks.rateLimit(bps);
  }

  /** What we hold ourselves to, to who asked for it. */
  #sendNotifications(nowUs: number): void {
    if (!this.#limits.owesNotification) return;
    this.#writer.clear();
    const [stream] = this.#send.values();
    if (stream === undefined || !stream.options.reducedSizeRtcp) this.#writeHead(nowUs, false);
    const before = this.#writer.length;
    this.#limits.writeNotifications(this.#writer);
    if (this.#writer.length > before) this.#flush();
  }

  /** Which of the transport's packets came, and when, for the peer's congestion control. */
  #sendTransportFeedback(nowUs: number): void {
    const stream = this.#arrivalsOf;
    if (stream === undefined || nowUs < this.#arrivals.nextDeadlineUs()) return;
    for (let more = true; more; ) {
      this.#writer.clear();
      if (!stream.options.reducedSizeRtcp) this.#writeHead(nowUs, false);
      const before = this.#writer.length;
      more = this.#arrivals.write(this.#writer, stream.options.localSsrc, stream.ssrc, nowUs);
      if (this.#writer.length > before) this.#flush();
    }
  }

  #sendRegular(nowUs: number, byes: readonly number[]): void {
    this.#writer.clear();
    this.#writeHead(nowUs, true);
    this.#writeExtended(nowUs);
    if (byes.length > 0) this.#writer.bye(byes);
    if (this.#writer.length > 0) this.#flush();
  }

  /** RFC 3550 §6.1: reports first, then who we are. `full`: with every block, which begins new report intervals. */
  #writeHead(nowUs: number, full: boolean): void {
    const reports = full ? this.#reports(nowUs) : [];
    const senders = [...this.#send.values()].filter(({ active }) => active);
    senders.forEach((sender, i) => {
      sender.writeReport(this.#writer, i === 0 ? reports.slice(0, MAX_REPORT_BLOCKS) : [], nowUs);
    });
    const local = this.#localSource(senders);
    if (local === undefined) return;
    if (senders.length === 0) this.#writer.receiverReport(local.ssrc, reports.slice(0, MAX_REPORT_BLOCKS));
    if (senders.length === 0) this.#writer.sourceDescription(local.ssrc, local.cname);
    for (const { options } of senders) this.#writer.sourceDescription(options.ssrc, options.cname);
  }

  /** Asks the peer for the round trip where that is agreed, and answers what it asked (RFC 3611 §4.4, §4.5). */
  #writeExtended(nowUs: number): void {
    const senders = [...this.#send.values()].filter(({ active }) => active);
    const local = this.#localSource(senders);
    if (local === undefined) return;
    const blocks: ExtendedReportBlock[] = [];
    if (this.#asksRoundTrip(senders.length > 0)) blocks.push(this.#referenceTime(nowUs));
    const answer = this.#references.takeAnswer(nowUs);
    if (answer !== undefined) blocks.push(answer);
    if (blocks.length > 0) writeExtendedReport(this.#writer, local.ssrc, blocks);
  }

  #asksRoundTrip(sends: boolean): boolean {
    for (const { active, options } of this.#receive.values()) {
      if (active && (options.receiverRtt === "all" || (options.receiverRtt === "sender" && sends)))
        return true;
    }
    return false;
  }

  #referenceTime(nowUs: number): ExtendedReportBlock {
    const ntp = { seconds: 0, fraction: 0 };
    this.#clock.ntp(nowUs, ntp);
    return { type: "rrtr", ntpSeconds: ntp.seconds, ntpFraction: ntp.fraction };
  }

  #handleExtended({ ssrc, blocks }: ExtendedReport, nowUs: number): void {
    for (const block of blocks) {
      if (block.type === "rrtr") this.#references.note(ssrc, block.ntpSeconds, block.ntpFraction, nowUs);
      else if (block.type === "dlrr") this.#handleAnswers(block.entries, nowUs);
    }
  }

  /** What the peer answers to one of our sources says how long the way is; it is the same for all streams. */
  #handleAnswers(
    entries: readonly { readonly ssrc: number; readonly lastRr: number; readonly delaySinceLastRr: number }[],
    nowUs: number,
  ): void {
    for (const { ssrc, lastRr, delaySinceLastRr } of entries) {
      if (!this.#isOurs(ssrc) || !this.#roundTrip.handleReport(lastRr, delaySinceLastRr, nowUs)) continue;
      for (const stream of this.#receive.values()) {
        if (stream.active) stream.noteMeasurement(this.#roundTrip.lastUs);
        stream.noteRoundTrip(this.rttUs);
      }
      for (const stream of this.#send.values()) stream.noteRoundTrip(this.rttUs);
      return;
    }
  }

  #isOurs(ssrc: number): boolean {
    if (this.#sendOf(ssrc) !== undefined) return true;
    for (const { options } of this.#receive.values()) if (options.localSsrc === ssrc) return true;
    return false;
  }

  /** Who we are while we send nothing: the source that our receive streams name. */
  #localSource(senders: readonly SendReports[]): { ssrc: number; cname: string } | undefined {
    const sender = senders[0] ?? this.#send.values().next().value;
    const receiver = this.#receive.values().next().value;
    if (sender === undefined && receiver === undefined) return undefined;
    const ssrc = senders[0]?.options.ssrc ?? receiver?.options.localSsrc ?? sender?.options.ssrc ?? 0;
    return { ssrc, cname: sender?.options.cname ?? ssrc.toString(16).padStart(8, "0") };
  }

  #reports(nowUs: number): ReceptionReport[] {
    return [...this.#receive.values()]
      .filter((stream) => stream.active)
      .map((stream) => stream.report(nowUs));
  }

  #flush(): void {
    this.#scheduler.handleSent(this.#writer.length);
    this.#sinks.compound(this.#writer.buffer, this.#writer.length);
  }

  #sendOf(ssrc: number): SendReports | undefined {
    for (const stream of this.#send.values()) if (stream.options.ssrc === ssrc) return stream;
    return undefined;
  }

  #receiveOf(ssrc: number): ReceiveFeedback | undefined {
    for (const stream of this.#receive.values()) if (stream.ssrc === ssrc) return stream;
    return undefined;
  }
}
