/** Notices that the peer has gone quiet: unstable after a while, failed after a longer one. */
export class SilenceWatch {
  unstable = false;
  readonly failAfterUs: number;
  readonly #unstableAfterUs: number;
  #lastUs = Number.POSITIVE_INFINITY;

  constructor(unstableAfterUs: number, failAfterUs: number) {
    this.#unstableAfterUs = unstableAfterUs;
    this.failAfterUs = failAfterUs;
  }

  /** Media has begun: from now on silence means something. */
  start(nowUs: number): void {
    if (this.#lastUs === Number.POSITIVE_INFINITY) this.#lastUs = nowUs;
  }

  /** An authenticated packet came. Returns true when it ended an unstable time. */
  heard(nowUs: number): boolean {
    if (this.#lastUs === Number.POSITIVE_INFINITY) return false;
    this.#lastUs = nowUs;
    const ended = this.unstable;
    this.unstable = false;
    return ended;
  }

  /** What became of the peer since the last check, if anything did. */
  check(nowUs: number): "unstable" | "failed" | undefined {
    if (nowUs >= this.#lastUs + this.failAfterUs) {
      this.#lastUs = Number.POSITIVE_INFINITY;
      return "failed";
    }
    if (this.unstable || nowUs < this.#lastUs + this.#unstableAfterUs) return undefined;
    this.unstable = true;
    return "unstable";
  }

  nextDeadlineUs(): number {
    return this.#lastUs + (this.unstable ? this.failAfterUs : this.#unstableAfterUs);
  }
}
