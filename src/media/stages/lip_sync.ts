import type { ControlBlock } from "../ring/control_block.js";
import { StreamFloat } from "../ring/control_block.js";

/** Sound and picture are never held back longer than this for each other. */
const MAX_SYNC_DELAY_US = 500_000;
/** Share of a new measurement in the smoothed offset. */
const SMOOTHING = 1 / 16;

/**
 * Keeps a stream in step with the same peer's other streams. Every stream publishes the earliest playout offset it
 * can manage by itself (presentation time minus the sender's capture time, which sender reports or abs-capture-time
 * put on one clock for all streams of a peer), and plays at the largest of its own and its companions' offsets. Own
 * offsets never include what was added for others, so nobody drives anybody up.
 */
export class LipSync {
  readonly #control: ControlBlock;
  readonly #streamId: number;
  #companions: readonly number[];
  #offsetUs = 0;

  constructor(control: ControlBlock, streamId: number, companions: readonly number[]) {
    this.#control = control;
    this.#streamId = streamId;
    this.#companions = companions;
  }

  setCompanions(companions: readonly number[]): void {
    this.#companions = companions;
  }

  /** Reports that this stream could present at `playoutUs` what was captured at `captureWallUs`. */
  observe(playoutUs: number, captureWallUs: number): void {
    const offsetUs = playoutUs - captureWallUs;
    // A jump (the sender's clock was set, a new source) is followed at once.
    const jumped = Math.abs(offsetUs - this.#offsetUs) > 2 * MAX_SYNC_DELAY_US;
    this.#offsetUs =
      this.#offsetUs === 0 || jumped ? offsetUs : this.#offsetUs + (offsetUs - this.#offsetUs) * SMOOTHING;
    this.#control.setStreamFloat(this.#streamId, StreamFloat.playoutOffsetUs, this.#offsetUs);
  }

  /** This stream presents nothing any more: nobody has to wait for it. */
  leave(): void {
    this.#offsetUs = 0;
    this.#control.setStreamFloat(this.#streamId, StreamFloat.playoutOffsetUs, 0);
  }

  /** How much longer this stream should wait for its companions, µs; 0 when nothing is known. */
  extraDelayUs(): number {
    if (this.#offsetUs === 0) return 0;
    let extraUs = 0;
    for (const companion of this.#companions) {
      const theirs = this.#control.getStreamFloat(companion, StreamFloat.playoutOffsetUs);
      if (theirs !== 0) extraUs = Math.max(extraUs, theirs - this.#offsetUs);
    }
    // Further apart than any sane delay: the clocks are not comparable.
    return extraUs > 4 * MAX_SYNC_DELAY_US ? 0 : Math.min(extraUs, MAX_SYNC_DELAY_US);
  }
}
