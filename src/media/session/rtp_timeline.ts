import type { EncodedFrame } from "./encoded_frame.js";
import { SendCounters } from "./stream_counters.js";

/** One stream's RTP time: of pictures by their capture, of sound by its samples, as encodings come and go. */
export class RtpTimeline {
  /** The RTP time of the monotonic clock's beginning. */
  readonly base: number;
  readonly #clockRate: number;
  readonly #counters: Float64Array;
  /** The timestamp that would follow without a silence. */
  #soundNext = -1;
  #soundCaptureUs = 0;
  /** Added to the encoding's own sample count: encodings count from different beginnings. */
  #soundShift = 0;

  /** @param counters a {@link SendCounters} block, for what relates RTP time to the clock */
  constructor(base: number, clockRate: number, counters: Float64Array) {
    this.base = base;
    this.#clockRate = clockRate;
    this.#counters = counters;
    counters[SendCounters.rtpOffset] = Number.NaN;
  }

  /** The RTP time of a moment, fractional and not yet reduced modulo 2³². */
  at(captureTimeUs: number): number {
    return this.base + (captureTimeUs * this.#clockRate) / 1e6;
  }

  /** The same as the frames that were sent last have it. */
  present(nowUs: number): number {
    const offset = this.#counters[SendCounters.rtpOffset];
    return Number.isNaN(offset) ? this.at(nowUs) : offset + (nowUs * this.#clockRate) / 1e6;
  }

  noteOffset(timestamp: number, captureTimeUs: number): void {
    const offset = (timestamp - (captureTimeUs * this.#clockRate) / 1e6) % 2 ** 32;
    this.#counters[SendCounters.rtpOffset] = offset < 0 ? offset + 2 ** 32 : offset;
  }

  /** The RTP time of an encoding's sample. */
  ofSound(rtpTimestamp: number): number {
    return (this.base + this.#soundShift + rtpTimestamp) % 2 ** 32;
  }

  /** Shifts a new encoding's count so that its first frame stands as long after the last one as it was captured. */
  joinSound({ captureTimeUs, rtpTimestamp }: EncodedFrame): void {
    if (this.#soundNext < 0) return;
    const silenceUs = Math.max(0, captureTimeUs - this.#soundCaptureUs);
    const own = (this.base + rtpTimestamp) % 2 ** 32;
    this.#soundShift = (this.#soundNext + this.#samplesIn(silenceUs) - own + 2 ** 32) % 2 ** 32;
  }

  /** A frame of sound goes out at that time. Returns whether a silence went before it. */
  passSound(timestamp: number, { captureTimeUs, durationUs }: EncodedFrame): boolean {
    const isAfterSilence = timestamp !== this.#soundNext;
    this.#soundCaptureUs = captureTimeUs + durationUs;
    this.#soundNext = (timestamp + this.#samplesIn(durationUs)) % 2 ** 32;
    return isAfterSilence;
  }

  #samplesIn(us: number): number {
    return Math.round((us * this.#clockRate) / 1e6);
  }
}
