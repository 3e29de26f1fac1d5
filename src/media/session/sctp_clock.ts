/** usrsctp counts its timers in steps of about this much. */
const STEP_US = 10_000;

/** A step that comes late counts as this late: what its thread missed, the peer's answers, lies in its sockets unread. */
const LONGEST_STEP_US = 2 * STEP_US;

/** Drives the timers of all SCTP associations of the process, while there are any. */
export class SctpClock {
  readonly #handleTimers: (elapsedMs: number) => void;
  #lastUs: number | undefined;

  constructor(handleTimers: (elapsedMs: number) => void) {
    this.#handleTimers = handleTimers;
  }

  /** Call after what has arrived was handed to SCTP: it may hold off a timer. Whether timers ran. */
  advance(associations: number, nowUs: number): boolean {
    if (associations === 0) {
      this.#lastUs = undefined;
      return false;
    }
    this.#lastUs = Math.max(this.#lastUs ?? nowUs, nowUs - LONGEST_STEP_US);
    const elapsedMs = Math.floor((nowUs - this.#lastUs) / 1000);
    if (elapsedMs * 1000 < STEP_US) return false;
    this.#lastUs += elapsedMs * 1000;
    this.#handleTimers(elapsedMs);
    return true;
  }

  nextDeadlineUs(): number {
    return this.#lastUs === undefined ? Number.POSITIVE_INFINITY : this.#lastUs + STEP_US;
  }
}
