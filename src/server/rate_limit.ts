/** A token bucket; the time comes in. */
export class RateLimit {
  #tokens: number;
  #lastMs: number | undefined;

  /**
   * @param perSecond tokens that come back each second
   * @param burst most tokens that can be saved up
   */
  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.#tokens = burst;
  }

  /** Takes `cost` tokens; false when there are not enough, and none are taken then. */
  take(cost: number, nowMs: number): boolean {
    const elapsedMs = Math.max(0, nowMs - (this.#lastMs ?? nowMs));
    this.#lastMs = nowMs;
    this.#tokens = Math.min(this.burst, this.#tokens + (elapsedMs * this.perSecond) / 1000);
    if (this.#tokens < cost) return false;
    this.#tokens -= cost;
    return true;
  }
}
