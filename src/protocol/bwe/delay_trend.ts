/** Packets sent within this time of one another are one group: what waits in a queue is its end (draft-ietf-rmcat-gcc-02 §5.2). */
const BURST_US = 5_000;
/** Groups in the regression. */
const WINDOW = 20;
/** Weight of the past in the smoothed delay. */
const SMOOTHING = 0.9;
/** The slope is a small number; times the groups seen and this it compares with a threshold in ms (as browsers scale it). */
const GAIN = 4;
const MAX_GROUPS = 60;
/** §5.4: the threshold follows the trend, up slower than down, so that a rival that fills queues does not starve us. */
const THRESHOLD_UP = 0.0087;
const THRESHOLD_DOWN = 0.039;
const THRESHOLD_MS = { first: 12.5, min: 6, max: 600 } as const;
/** A trend this far beyond the threshold is an outlier and does not move it. */
const OUTLIER_MS = 15;
/** The trend must stay above its threshold for so long to be more than noise. */
const OVERUSE_US = 10_000;
/** One group alone is a hiccup: of a radio link, or of a process that did not run. */
const OVERUSE_GROUPS = 2;
/** A pause this long says nothing about a queue; what went before is forgotten. */
const PAUSE_US = 3_000_000;

export type PathUse = "under" | "normal" | "over";

/**
 * Whether the queue on the path grows, from when packets left and when they arrived (draft-ietf-rmcat-gcc-02 §5.2 to §5.5, with a
 * line through the delays of the last groups in place of the Kalman filter). Allocates nothing after construction.
 */
export class DelayTrend {
  use: PathUse = "normal";
  readonly #times = new Float64Array(WINDOW);
  readonly #delays = new Float64Array(WINDOW);
  #count = 0;
  /** The group being gathered, and the one before; NaN: none. */
  #firstSentUs = Number.NaN;
  #sentUs = 0;
  #arrivedUs = 0;
  #beforeSentUs = Number.NaN;
  #beforeArrivedUs = 0;
  #accumulatedMs = 0;
  #smoothedMs = 0;
  #startUs = Number.NaN;
  #thresholdMs: number = THRESHOLD_MS.first;
  #updatedUs = Number.NaN;
  #trendMs = 0;
  #overSinceUs = Number.NaN;
  /** Groups in a row whose trend was above the threshold. */
  #overCount = 0;

  /** One packet that arrived, in the order of sending. The clocks may differ. */
  handlePacket(sentUs: number, arrivedUs: number): void {
    if (Number.isNaN(this.#firstSentUs)) {
      this.#beginGroup(sentUs, arrivedUs);
      return;
    }
    if (sentUs - this.#sentUs > PAUSE_US) {
      this.#reset();
      this.#beginGroup(sentUs, arrivedUs);
      return;
    }
    if (sentUs - this.#firstSentUs <= BURST_US) {
      this.#sentUs = Math.max(this.#sentUs, sentUs);
      this.#arrivedUs = Math.max(this.#arrivedUs, arrivedUs);
      return;
    }
    this.#endGroup();
    this.#beginGroup(sentUs, arrivedUs);
  }

  #beginGroup(sentUs: number, arrivedUs: number): void {
    this.#firstSentUs = sentUs;
    this.#sentUs = sentUs;
    this.#arrivedUs = arrivedUs;
  }

  #endGroup(): void {
    const before = this.#beforeSentUs;
    const sentUs = this.#sentUs - before;
    const arrivedUs = this.#arrivedUs - this.#beforeArrivedUs;
    this.#beforeSentUs = this.#sentUs;
    this.#beforeArrivedUs = this.#arrivedUs;
    if (!Number.isNaN(before) && arrivedUs >= 0) this.#addDelay((arrivedUs - sentUs) / 1e3, sentUs);
  }

  #addDelay(deltaMs: number, spacingUs: number): void {
    if (Number.isNaN(this.#startUs)) this.#startUs = this.#arrivedUs;
    this.#accumulatedMs += deltaMs;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * this.#accumulatedMs;
    const at = this.#count++ % WINDOW;
    this.#times[at] = (this.#arrivedUs - this.#startUs) / 1e3;
    this.#delays[at] = this.#smoothedMs;
    if (this.#count >= WINDOW) this.#judge(this.#slope(), spacingUs);
  }

  /** Least squares: ms of delay a ms. */
  #slope(): number {
    let meanTime = 0;
    let meanDelay = 0;
    for (let i = 0; i < WINDOW; i++) {
      meanTime += this.#times[i] / WINDOW;
      meanDelay += this.#delays[i] / WINDOW;
    }
    let covariance = 0;
    let variance = 0;
    for (let i = 0; i < WINDOW; i++) {
      const time = this.#times[i] - meanTime;
      covariance += time * (this.#delays[i] - meanDelay);
      variance += time * time;
    }
    return variance === 0 ? 0 : covariance / variance;
  }

  #judge(slope: number, spacingUs: number): void {
    const trendMs = Math.min(this.#count, MAX_GROUPS) * slope * GAIN;
    const grows = trendMs >= this.#trendMs;
    this.#trendMs = trendMs;
    if (trendMs > this.#thresholdMs) {
      this.#overSinceUs = Number.isNaN(this.#overSinceUs)
        ? this.#arrivedUs - spacingUs / 2
        : this.#overSinceUs;
      this.#overCount++;
      const isLasting =
        this.#overCount >= OVERUSE_GROUPS && this.#arrivedUs - this.#overSinceUs >= OVERUSE_US;
      if (isLasting && grows) this.use = "over";
    } else {
      this.#overSinceUs = Number.NaN;
      this.#overCount = 0;
      this.use = trendMs < -this.#thresholdMs ? "under" : "normal";
    }
    this.#adaptThreshold(Math.abs(trendMs));
  }

  #adaptThreshold(trendMs: number): void {
    const elapsedMs = Number.isNaN(this.#updatedUs) ? 0 : (this.#arrivedUs - this.#updatedUs) / 1e3;
    this.#updatedUs = this.#arrivedUs;
    if (trendMs > this.#thresholdMs + OUTLIER_MS) return;
    const rate = trendMs < this.#thresholdMs ? THRESHOLD_DOWN : THRESHOLD_UP;
    const next = this.#thresholdMs + rate * (trendMs - this.#thresholdMs) * Math.min(elapsedMs, 100);
    this.#thresholdMs = Math.min(Math.max(next, THRESHOLD_MS.min), THRESHOLD_MS.max);
  }

  #reset(): void {
    this.use = "normal";
    this.#count = 0;
    this.#beforeSentUs = Number.NaN;
    this.#accumulatedMs = 0;
    this.#smoothedMs = 0;
    this.#startUs = Number.NaN;
    this.#updatedUs = Number.NaN;
    this.#overSinceUs = Number.NaN;
    this.#overCount = 0;
    this.#trendMs = 0;
  }
}
