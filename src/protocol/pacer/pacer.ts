export interface PacerOptions {
  /** Bits a second on the wire; Infinity (the default) lets everything go at once. */
  readonly rateBps?: number;
  /** How much may leave at once after a pause, in time at the rate; 5 ms by default. At least one packet always may. */
  readonly burstUs?: number;
}

/** The least wait: a shorter one, of a rate that is high enough, would not move a clock that has counted for long. */
const LEAST_WAIT_US = 1;

/**
 * Spreads packets over time so that a large frame does not overrun a queue on the path. It keeps a debt of bytes that drains
 * at the rate: send while `canSend()`, tell `handleSent()`, come back at `nextSendUs()`. The queue, and what comes first in it,
 * is the caller's; whoever estimates bandwidth sets `rateBps`.
 */
export class Pacer {
  /** May be changed at any time. */
  rateBps: number;
  private readonly burstUs: number;
  private debtBytes = 0;
  private updatedUs = Number.NEGATIVE_INFINITY;

  constructor(options: PacerOptions = {}) {
    this.rateBps = options.rateBps ?? Number.POSITIVE_INFINITY;
    this.burstUs = options.burstUs ?? 5_000;
  }

  /** Bytes that have yet to drain; 0 without a rate. */
  debt(nowUs: number): number {
    if (this.rateBps === Number.POSITIVE_INFINITY) return 0;
    this.drain(nowUs);
    return this.debtBytes;
  }

  canSend(nowUs: number): boolean {
    if (this.rateBps === Number.POSITIVE_INFINITY) return true;
    this.drain(nowUs);
    // The tolerance makes "at nextSendUs" true in spite of rounding.
    return this.debtBytes <= this.burstBytes + 1e-6;
  }

  /** How much may leave now, in one burst, when {@link canSend}. */
  budgetBytes(nowUs: number): number {
    if (this.rateBps === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    this.drain(nowUs);
    return Math.max(0, this.burstBytes - this.debtBytes);
  }

  /** `bytes` as on the wire, headers of IP and UDP included if the rate counts them. */
  handleSent(bytes: number, nowUs: number): void {
    if (this.rateBps === Number.POSITIVE_INFINITY) return;
    this.drain(nowUs);
    this.debtBytes += bytes;
  }

  /** When the next packet may go; `nowUs` or earlier: now. */
  nextSendUs(nowUs: number): number {
    if (this.canSend(nowUs)) return nowUs;
    return nowUs + Math.max(LEAST_WAIT_US, (this.debtBytes - this.burstBytes) / this.bytesPerUs);
  }

  private get bytesPerUs(): number {
    return this.rateBps / 8e6;
  }

  private get burstBytes(): number {
    return this.burstUs * this.bytesPerUs;
  }

  private drain(nowUs: number): void {
    if (nowUs <= this.updatedUs) return;
    // Without a debt nothing was sent, and there is no time that it was drained at last.
    if (this.debtBytes > 0)
      this.debtBytes = Math.max(0, this.debtBytes - (nowUs - this.updatedUs) * this.bytesPerUs);
    this.updatedUs = nowUs;
  }
}
