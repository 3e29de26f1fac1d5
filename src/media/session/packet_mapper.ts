import { parseRtp, RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { sequenceDifference, timestampDifference } from "../../protocol/rtp/unwrap.js";

/** RFC 3550 §A.1: a jump further than this is a sender that started over, not loss or reordering. */
const MAX_DROPOUT = 3000;
/** As many as may come late: half of what the history holds. */
const MAX_MISORDER = 512;
/** A stream that goes on without having moved on in time is put this long after what was before. */
const LEAST_STEP_S = 1 / 100;
/** Of the difference between a packet's time and its coming, the part that the estimate of its capture takes up. */
const DRIFT_GAIN = 1 / 2048;

export interface PacketMapperOptions {
  readonly clockRate: number;
  /** The RTP time of a moment in the outgoing stream. */
  timestampAt(nowUs: number): number;
}

/**
 * Puts the packets of one RTP stream after another into one outgoing stream: its sequence numbers and timestamps go on over every
 * change of the source. Holes and reordering stay as they came, so that the receiver sees what was lost.
 */
export class PacketMapper {
  /** Of the packet just mapped. */
  readonly header = new RtpHeader();
  sequenceNumber = 0;
  timestamp = 0;
  /** When it was captured, as far as that can be told from when packets came; monotonic. */
  captureTimeUs = 0;
  readonly #options: PacketMapperOptions;
  #started = false;
  #ssrc = 0;
  /** The newest of the source, and what is added to its numbers. */
  #newest = 0;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  /** The newest that went out. */
  #lastOut = -1;
  #lastTimestamp = 0;
  /** A moment of the source's clock and the local time that it is taken for. */
  #anchorTimestamp = 0;
  #anchorUs = 0;

  constructor(options: PacketMapperOptions) {
    this.#options = options;
  }

  /** Reads the packet; false: it is none, or carries nothing. */
  read(bytes: Uint8Array, length: number): boolean {
    const { header } = this;
    if (!parseRtp(bytes, 0, length, header)) return false;
    if (header.payloadLength > 0) return true;
    this.#closeUp();
    return false;
  }

  /** Whether the packet read begins a stream: another source, or one that started over. */
  get isNewSource(): boolean {
    if (!this.#started || this.header.ssrc !== this.#ssrc) return true;
    const ahead = sequenceDifference(this.header.sequenceNumber, this.#newest);
    return ahead > MAX_DROPOUT || ahead < -MAX_MISORDER;
  }

  /** Another source comes, whatever its numbers. */
  restart(): void {
    this.#started = false;
  }

  /** Gives the packet read its place; `next`: the outgoing stream's next number where none of these was sent before. */
  map(next: number, nowUs: number): void {
    const { header } = this;
    if (this.isNewSource) this.#join(next, nowUs);
    const ahead = sequenceDifference(header.sequenceNumber, this.#newest);
    this.sequenceNumber = (header.sequenceNumber + this.#sequenceOffset) & 0xffff;
    this.timestamp = (header.timestamp + this.#timestampOffset) >>> 0;
    this.#followClock(nowUs);
    if (ahead < 0) return;
    this.#newest = header.sequenceNumber;
    this.#lastOut = this.sequenceNumber;
    this.#lastTimestamp = this.timestamp;
  }

  #join(next: number, nowUs: number): void {
    const { header } = this;
    const { clockRate, timestampAt } = this.#options;
    let timestamp = Math.round(timestampAt(nowUs)) % 2 ** 32;
    const least = this.#lastTimestamp + Math.round(clockRate * LEAST_STEP_S);
    if (this.#lastOut >= 0 && timestampDifference(timestamp, least) < 0) timestamp = least;
    this.#started = true;
    this.#ssrc = header.ssrc;
    this.#newest = header.sequenceNumber;
    this.#sequenceOffset = next - header.sequenceNumber;
    this.#timestampOffset = timestamp - header.timestamp;
    this.#anchorTimestamp = header.timestamp;
    this.#anchorUs = nowUs;
  }

  /** A packet of padding alone is not passed on: what follows it closes up. */
  #closeUp(): void {
    if (this.isNewSource || sequenceDifference(this.header.sequenceNumber, this.#newest) !== 1) return;
    this.#newest = this.header.sequenceNumber;
    this.#sequenceOffset--;
  }

  /** No packet comes before it was captured; beyond that the clocks are held together slowly. */
  #followClock(nowUs: number): void {
    const passedUs =
      (timestampDifference(this.header.timestamp, this.#anchorTimestamp) * 1e6) / this.#options.clockRate;
    const lateUs = nowUs - (this.#anchorUs + passedUs);
    this.#anchorUs += passedUs + (lateUs < 0 ? lateUs : lateUs * DRIFT_GAIN);
    this.#anchorTimestamp = this.header.timestamp;
    this.captureTimeUs = this.#anchorUs;
  }
}
