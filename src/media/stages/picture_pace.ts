import { PlayoutCounter } from "../metrics_rows.js";
import type { MetricsRow } from "../ring/metrics.js";

/** A picture that comes this long after the one before ends a pause (webrtc-stats, pauseCount). */
const PAUSE_US = 5_000_000;
/** Pictures whose mean distance says what is usual (webrtc-stats, freezeCount). */
const USUAL_FRAMES = 30;
const FREEZE_EXTRA_US = 150_000;

/** How evenly a stream's pictures are shown: distances between them, freezes, pauses. */
export class PicturePace {
  readonly #row: MetricsRow;
  #lastUs = 0;
  readonly #distances = new Float64Array(USUAL_FRAMES);
  #shown = 0;
  #sumUs = 0;

  constructor(row: MetricsRow) {
    this.#row = row;
  }

  /** A picture is shown. */
  add(nowUs: number): void {
    if (this.#lastUs > 0) this.#note(nowUs - this.#lastUs);
    this.#lastUs = nowUs;
  }

  /** None is shown for a while, for nobody looks: that is no freeze. */
  rest(): void {
    this.#lastUs = 0;
  }

  #note(distanceUs: number): void {
    const row = this.#row;
    row.add(PlayoutCounter.interFrameUs, distanceUs);
    row.add(PlayoutCounter.squaredInterFrame, (distanceUs / 1e6) ** 2);
    if (distanceUs > PAUSE_US) {
      row.add(PlayoutCounter.pauses);
      row.add(PlayoutCounter.pausesUs, distanceUs);
    } else if (this.#isFreeze(distanceUs)) {
      row.add(PlayoutCounter.freezes);
      row.add(PlayoutCounter.freezesUs, distanceUs);
    }
    const at = this.#shown++ % USUAL_FRAMES;
    this.#sumUs += distanceUs - this.#distances[at];
    this.#distances[at] = distanceUs;
  }

  /** webrtc-stats: three times the usual distance, and 150 ms above it. */
  #isFreeze(distanceUs: number): boolean {
    const count = Math.min(this.#shown, USUAL_FRAMES);
    if (count === 0) return false;
    const usualUs = this.#sumUs / count;
    return distanceUs >= Math.max(3 * usualUs, usualUs + FREEZE_EXTRA_US);
  }
}
