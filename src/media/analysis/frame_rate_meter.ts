const WINDOW_US = 1_000_000;

/** Frames in the last second, counted second by second. */
export class FrameRateMeter {
  /** Of the last whole second; before there was one, the frames since the first. */
  perSecond = 0;
  #sinceUs = 0;
  #count = 0;

  /** One more frame at that time. */
  add(nowUs: number): void {
    if (nowUs - this.#sinceUs >= WINDOW_US) this.#turn(nowUs);
    this.#count++;
    if (this.perSecond < this.#count) this.perSecond = this.#count;
  }

  #turn(nowUs: number): void {
    const isNext = nowUs - this.#sinceUs < 2 * WINDOW_US;
    this.perSecond = isNext ? this.#count : 0;
    this.#sinceUs = isNext ? this.#sinceUs + WINDOW_US : nowUs;
    this.#count = 0;
  }
}
