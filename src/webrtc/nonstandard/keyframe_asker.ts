import { native } from "../../../native/addon.js";

/** Peers that ask within this time of each other are answered by one keyframe. */
const TOGETHER_US = 200_000;

/** Makes one request of those that peers have for one keyframe. */
export class KeyframeAsker {
  readonly #fire: () => void;
  #askedUs = Number.NEGATIVE_INFINITY;

  constructor(fire: () => void) {
    this.#fire = fire;
  }

  ask(): void {
    const nowUs = native.monotonicUs();
    if (nowUs - this.#askedUs < TOGETHER_US) return;
    this.#askedUs = nowUs;
    queueMicrotask(this.#fire);
  }

  /** One was given: whoever asks from now on needs another. */
  answered(): void {
    this.#askedUs = Number.NEGATIVE_INFINITY;
  }
}
