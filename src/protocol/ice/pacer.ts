/**
 * When the next check may go out. Ordinary checks keep Ta between them (RFC 8445 §6.1.4.2). Triggered and nominating
 * checks may use credit saved while nothing was sent, so that a path that works is in use after two round trips; the
 * credit refills at one per Ta, so their mean rate is the same.
 */
export class CheckPacer {
  readonly #taUs: number;
  readonly #burst: number;
  #nextOrdinaryUs = -Infinity;
  #credit: number;
  #creditAtUs = -Infinity;

  constructor(taUs: number, burst: number) {
    this.#taUs = taUs;
    this.#burst = burst;
    this.#credit = burst;
  }

  tryOrdinary(nowUs: number): boolean {
    if (nowUs < this.#nextOrdinaryUs) return false;
    this.#nextOrdinaryUs = nowUs + this.#taUs;
    return true;
  }

  tryUrgent(nowUs: number): boolean {
    this.#refill(nowUs);
    if (this.#credit < 1) return false;
    this.#credit--;
    return true;
  }

  get nextOrdinaryUs(): number {
    return this.#nextOrdinaryUs;
  }

  /** When an urgent check may go out next, as of the last attempt. */
  get nextUrgentUs(): number {
    return this.#credit >= 1 ? -Infinity : this.#creditAtUs + (1 - this.#credit) * this.#taUs;
  }

  #refill(nowUs: number): void {
    if (this.#creditAtUs === -Infinity) this.#creditAtUs = nowUs;
    const earned = (nowUs - this.#creditAtUs) / this.#taUs;
    // Rounded up by a hair: at the announced deadline the credit must be there.
    this.#credit = Math.min(this.#burst, this.#credit + Math.max(0, earned) + 1e-9);
    this.#creditAtUs = Math.max(this.#creditAtUs, nowUs);
  }
}
