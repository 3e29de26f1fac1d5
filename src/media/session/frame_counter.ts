import { FrameRateMeter } from "../analysis/frame_rate_meter.js";
import type { MediaKind } from "../transport_api.js";
import type { EncodedFrame } from "./encoded_frame.js";
import { SendCounters } from "./stream_counters.js";

/** Between two frames no more time than this passes for statistics. */
const LONGEST_FRAME_US = 1_000_000;

/** Counts one stream's frames, those that were encoded for it and those that were sent. */
export class FrameCounter {
  readonly #kind: MediaKind;
  readonly #counters: Float64Array;
  readonly #rate = new FrameRateMeter();
  #frameBytes = 0;
  /** When the last frame that was taken was captured. */
  #encodedUs = 0;

  /** @param counters a {@link SendCounters} block */
  constructor(kind: MediaKind, counters: Float64Array) {
    this.#kind = kind;
    this.#counters = counters;
    counters[SendCounters.firstSequenceNumber] = Number.NaN;
  }

  countEncoded(frame: EncodedFrame): void {
    const { keyframe, encodeUs = 0, targetBytes = 0, captureTimeUs, isPathLimited = false } = frame;
    const { quantizer = -1 } = frame;
    const counters = this.#counters;
    const passedUs = Math.min(Math.max(captureTimeUs - this.#encodedUs, 0), LONGEST_FRAME_US);
    if (counters[SendCounters.pathLimited] > 0) counters[SendCounters.pathLimitedUs] += passedUs;
    counters[SendCounters.pathLimited] = isPathLimited ? 1 : 0;
    this.#encodedUs = captureTimeUs;
    counters[SendCounters.framesEncoded]++;
    if (keyframe) counters[SendCounters.keyframesEncoded]++;
    counters[SendCounters.encodeUs] += encodeUs;
    counters[SendCounters.targetBytes] += targetBytes;
    counters[SendCounters.qpSum] += Math.max(0, quantizer);
  }

  /** @param sequenceNumber of its first packet */
  countSent(frame: EncodedFrame, sequenceNumber: number): void {
    const counters = this.#counters;
    this.#noteFirst(sequenceNumber);
    counters[SendCounters.framesSent]++;
    if (frame.keyframe) counters[SendCounters.keyframesSent]++;
    if (this.#kind === "audio") return;
    counters[SendCounters.width] = frame.width ?? 0;
    counters[SendCounters.height] = frame.height ?? 0;
    this.#rate.add(frame.captureTimeUs);
    counters[SendCounters.framesPerSecond] = this.#rate.perSecond;
    // webrtc-stats, hugeFramesSent.
    const mean = this.#frameBytes / Math.max(1, counters[SendCounters.framesSent] - 1);
    if (this.#frameBytes > 0 && frame.length > 2.5 * mean) counters[SendCounters.hugeFrames]++;
    this.#frameBytes += frame.length;
  }

  /** A packet of another's was passed on. */
  countPassed(sequenceNumber: number, isLast: boolean, nowUs: number): void {
    const counters = this.#counters;
    this.#noteFirst(sequenceNumber);
    if (!isLast && this.#kind === "video") return;
    counters[SendCounters.framesSent]++;
    if (this.#kind === "audio") return;
    this.#rate.add(nowUs);
    counters[SendCounters.framesPerSecond] = this.#rate.perSecond;
  }

  #noteFirst(sequenceNumber: number): void {
    const counters = this.#counters;
    if (!Number.isNaN(counters[SendCounters.firstSequenceNumber])) return;
    counters[SendCounters.firstSequenceNumber] = sequenceNumber;
  }
}
