import type { TransportFeedbackReader } from "../twcc/feedback_reader.js";
import { DelayTrend } from "./delay_trend.js";
import type { SendLog } from "./send_log.js";
import { TrainRate } from "./train_rate.js";

/** draft-ietf-rmcat-gcc-02 §5.5: what remains of the rate that came through, when a queue grows. */
const BACK_OFF = 0.85;
/** Of the estimate, below which what is sent is the application's choice. */
const IDLE = 0.65;
/** §5.5: growth a second far from the last limit. */
const GROWTH = 1.08;
/** A second, where trains of packets say that the path has room. */
const GROWTH_INTO_ROOM = 2;
/** Trains must have come through so many times as fast as the estimate; it grows no further than so far below them. */
const ROOM = 1.25;
const BELOW_TRAIN = 0.85;
/** So long after a train it says nothing any more, and so long after a back-off the queue may still hide the path's rate. */
const TRAIN_AGE_US = 2_000_000;
const CALM_US = 1_000_000;
/** How often a train is asked for, where pictures alone are none, and how long after a back-off at the earliest. */
const TRAIN_INTERVAL_US = 2_000_000;
const TRAIN_CALM_US = 3_000_000;
/** Near the last limit the rate grows by this much a second, about a packet a round trip. */
const NEAR_BPS = 60_000;
/** The last limit counts as near within this share of it. */
const NEAR = 0.15;
/** §5.5: no more than this share above what came through: beyond it nothing was tried. */
const MAX_ABOVE = 1.5;
const ABOVE_BPS = 10_000;
/** §6: shares of loss that say the rate is too high, and low enough. */
const MUCH_LOSS = 0.1;
const LITTLE_LOSS = 0.02;
const LOSS_INTERVAL_US = 500_000;
const LOSS_PACKETS = 20;
/** The rate that came through is measured over at least this long. */
const RATE_INTERVAL_US = 300_000;
/** A queue needs this long at least to show that it drains; until then one back-off is enough. */
const BACK_OFF_INTERVAL_US = 300_000;

export interface BandwidthEstimatorOptions {
  /** Never less; 100 kbit/s by default. */
  readonly minBps?: number;
}

/**
 * What the path to a peer carries (Google's congestion control, draft-ietf-rmcat-gcc-02): lowered when the delay grows or much is
 * lost, then raised again: carefully, or fast where trains of packets ({@link TrainRate}) came through much faster. Until something was too much
 * there is no limit (Infinity). Feed it each transport-wide feedback with the log of what was sent.
 */
export class BandwidthEstimator {
  /** Bits a second; Infinity: nothing says that there is a limit. */
  estimateBps = Number.POSITIVE_INFINITY;
  /** What came through lately, bits a second; 0: not known yet. */
  receivedBps = 0;
  /** 0 to 1, over the last half second. */
  lossFraction = 0;
  /** Of the newest packet reported, µs; 0: not known yet. */
  roundTripUs = 0;
  readonly #trend = new DelayTrend();
  readonly #train = new TrainRate();
  #askedUs = Number.NEGATIVE_INFINITY;
  readonly #minBps: number;
  #delayBps = Number.POSITIVE_INFINITY;
  #lossBps = Number.POSITIVE_INFINITY;
  /** Where the path was full last; NaN: not known, or long passed. */
  #limitBps = Number.NaN;
  #increasedUs = Number.NaN;
  #backedOffUs = Number.NEGATIVE_INFINITY;
  #rateStartUs = Number.NaN;
  #rateEndUs = Number.NaN;
  #rateBytes = 0;
  #lossStartUs = Number.NaN;
  #lost = 0;
  #reported = 0;

  constructor(options: BandwidthEstimatorOptions = {}) {
    this.#minBps = options.minBps ?? 100_000;
  }

  /** A feedback message, as `feedback` read it last. */
  handleFeedback(feedback: TransportFeedbackReader, log: SendLog, nowUs: number): void {
    for (let i = 0; i < feedback.count; i++) {
      const sequence = (feedback.baseSequence + i) & 0xffff;
      const sentUs = log.sentUs(sequence);
      if (Number.isNaN(sentUs)) continue;
      const arrivedUs = feedback.arrivalUs[i];
      this.#reported++;
      if (Number.isNaN(arrivedUs)) {
        this.#lost++;
        this.#train.handleLoss(log.trainOf(sequence));
        continue;
      }
      this.roundTripUs = nowUs - sentUs;
      this.#addReceived(log.bytes(sequence), arrivedUs);
      this.#trend.handlePacket(sentUs, arrivedUs);
      this.#train.handlePacket(log.trainOf(sequence), sentUs, arrivedUs, log.bytes(sequence));
      log.forget(sequence);
    }
    this.#followLoss(nowUs);
    this.#followDelay(nowUs);
    this.estimateBps = Math.max(this.#minBps, Math.min(this.#delayBps, this.#lossBps));
  }

  /** Whether to send a train now, to see what the path has room for; it is asked for once, then again after a while. */
  takeTrainRequest(nowUs: number): boolean {
    const isAsked =
      this.estimateBps !== Number.POSITIVE_INFINITY &&
      this.#isCalm(nowUs, TRAIN_CALM_US) &&
      nowUs - Math.max(this.#askedUs, this.#train.atUs) > TRAIN_INTERVAL_US;
    if (isAsked) this.#askedUs = nowUs;
    return isAsked;
  }

  #isCalm(nowUs: number, forUs: number): boolean {
    const hasQueue = this.#trend.use !== "normal" || nowUs - this.#backedOffUs < forUs;
    return !hasQueue && this.lossFraction < LITTLE_LOSS;
  }

  /** What trains say that the path carries, where that is much more than the estimate; 0 where it is not. */
  #roomBps(nowUs: number): number {
    const { rateBps, atUs } = this.#train;
    if (nowUs - atUs > TRAIN_AGE_US || !this.#isCalm(nowUs, CALM_US)) return 0;
    return rateBps > ROOM * this.estimateBps ? BELOW_TRAIN * rateBps : 0;
  }

  #addReceived(bytes: number, arrivedUs: number): void {
    if (Number.isNaN(this.#rateStartUs)) this.#rateStartUs = arrivedUs;
    this.#rateEndUs = arrivedUs;
    this.#rateBytes += bytes;
    const elapsedUs = this.#rateEndUs - this.#rateStartUs;
    if (elapsedUs < RATE_INTERVAL_US) return;
    const rateBps = (8e6 * this.#rateBytes) / elapsedUs;
    this.receivedBps = this.receivedBps === 0 ? rateBps : (this.receivedBps + rateBps) / 2;
    this.#rateStartUs = arrivedUs;
    this.#rateBytes = 0;
  }

  /** §5.5 and §4: the rate control of the delay-based part. */
  #followDelay(nowUs: number): void {
    if (this.#trend.use === "over") {
      this.#backOff(nowUs);
      return;
    }
    // While the queue drains the rate is held.
    if (this.#trend.use === "normal" && this.#delayBps !== Number.POSITIVE_INFINITY) this.#increase(nowUs);
    this.#increasedUs = nowUs;
  }

  #backOff(nowUs: number): void {
    this.#increasedUs = nowUs;
    if (this.receivedBps === 0 || nowUs - this.#backedOffUs < BACK_OFF_INTERVAL_US + this.roundTripUs) return;
    this.#backedOffUs = nowUs;
    this.#limitBps = this.receivedBps;
    // Where far less is sent than the estimate allows, what came through is no measure of the path.
    const isIdle = this.receivedBps < IDLE * this.#delayBps && this.#delayBps !== Number.POSITIVE_INFINITY;
    const fromBps = isIdle ? this.#delayBps : Math.min(this.#delayBps, this.receivedBps);
    this.#delayBps = Math.max(this.#minBps, BACK_OFF * fromBps);
  }

  #increase(nowUs: number): void {
    const seconds = Math.min(1, (nowUs - this.#increasedUs) / 1e6);
    const roomBps = this.#roomBps(nowUs);
    // What a train showed was tried, however little pictures need at the moment.
    const most = Math.max(MAX_ABOVE * this.receivedBps + ABOVE_BPS, roomBps);
    const grown = roomBps > 0 ? this.#grownInto(roomBps, seconds) : this.#grown(seconds);
    if (grown <= most) this.#delayBps = grown;
    if (this.#delayBps > (1 + NEAR) * this.#limitBps) this.#limitBps = Number.NaN;
  }

  #grownInto(roomBps: number, seconds: number): number {
    const grown = Math.max(this.#delayBps, Math.min(roomBps, this.#delayBps * GROWTH_INTO_ROOM ** seconds));
    this.#lossBps = Math.max(this.#lossBps, grown);
    return grown;
  }

  #grown(seconds: number): number {
    const isNear = Math.abs(this.#delayBps - this.#limitBps) < NEAR * this.#limitBps;
    return isNear ? this.#delayBps + NEAR_BPS * seconds : this.#delayBps * GROWTH ** seconds;
  }

  /** §6. */
  #followLoss(nowUs: number): void {
    if (Number.isNaN(this.#lossStartUs)) this.#lossStartUs = nowUs;
    if (nowUs - this.#lossStartUs < LOSS_INTERVAL_US || this.#reported < LOSS_PACKETS) return;
    this.lossFraction = this.#lost / this.#reported;
    this.#lossStartUs = nowUs;
    this.#lost = 0;
    this.#reported = 0;
    if (this.lossFraction > MUCH_LOSS) {
      const from = Math.min(this.#lossBps, this.#delayBps, this.receivedBps / (1 - this.lossFraction));
      if (from > 0) this.#lossBps = Math.max(this.#minBps, from * (1 - 0.5 * this.lossFraction));
    } else if (this.lossFraction < LITTLE_LOSS && this.#lossBps !== Number.POSITIVE_INFINITY) {
      this.#lossBps *= 1.05;
      if (this.#lossBps > MAX_ABOVE * this.receivedBps + ABOVE_BPS) this.#lossBps = Number.POSITIVE_INFINITY;
    }
  }
}
