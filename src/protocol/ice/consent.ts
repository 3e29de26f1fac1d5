import { type RandomSource, randomFloat } from "../primitives/random.js";
import type { IceTimers } from "./timers.js";

/** Consent to send on the selected pair (RFC 7675): when to ask again, and whether it still holds. */
export class ConsentFreshness {
  readonly #timers: IceTimers;
  readonly #random: RandomSource;
  #nextUs = Infinity;
  #expiresUs = Infinity;

  constructor(timers: IceTimers, random: RandomSource) {
    this.#timers = timers;
    this.#random = random;
  }

  /** The check that made the pair the selected one is the first consent. */
  start(nowUs: number): void {
    this.#expiresUs = nowUs + this.#timers.consentTimeoutUs;
    this.#schedule(nowUs);
  }

  refresh(nowUs: number): void {
    this.#expiresUs = nowUs + this.#timers.consentTimeoutUs;
  }

  stop(): void {
    this.#nextUs = Infinity;
    this.#expiresUs = Infinity;
  }

  /** True when a consent check is due; schedules the one after it. */
  takeDue(nowUs: number): boolean {
    if (nowUs < this.#nextUs) return false;
    this.#schedule(nowUs);
    return true;
  }

  isExpired(nowUs: number): boolean {
    return nowUs >= this.#expiresUs;
  }

  nextDeadlineUs(): number {
    return Math.min(this.#nextUs, this.#expiresUs);
  }

  /**
   * RFC 7675 §5.1: 0.8 to 1.2 times the interval, against synchronisation. Rounded up to a fiftieth of it, so that a thread
   * with many connections wakes once for the checks of several.
   */
  #schedule(nowUs: number): void {
    const { consentIntervalUs } = this.#timers;
    const gridUs = consentIntervalUs / 50;
    const dueUs = nowUs + consentIntervalUs * (0.8 + 0.38 * randomFloat(this.#random));
    this.#nextUs = Math.ceil(dueUs / gridUs) * gridUs;
  }
}
