/**
 * Slows down guessing: after some failures under one key (an address, or an address and a user) further tries must
 * wait, twice as long after each failure. Pure: the time comes in. Holds a bounded number of keys.
 */
export interface ThrottleOptions {
  /** Failures without a wait. */
  readonly freeFailures: number;
  readonly firstWaitMs: number;
  readonly maxWaitMs: number;
  /** Failures are forgotten after this long without one. */
  readonly forgetMs: number;
  readonly maxKeys: number;
}

interface Record {
  failures: number;
  lastMs: number;
  untilMs: number;
}

export class Throttle {
  /** Oldest first: a failure moves its key to the end. */
  readonly #records = new Map<string, Record>();

  constructor(private readonly options: ThrottleOptions) {}

  get size(): number {
    return this.#records.size;
  }

  /** How long a try under `key` must still wait; 0: it may go ahead. */
  waitMs(key: string, nowMs: number): number {
    const record = this.#records.get(key);
    return record === undefined ? 0 : Math.max(0, record.untilMs - nowMs);
  }

  failed(key: string, nowMs: number): void {
    const { freeFailures, firstWaitMs, maxWaitMs, forgetMs, maxKeys } = this.options;
    const old = this.#records.get(key);
    const failures = old !== undefined && nowMs - old.lastMs < forgetMs ? old.failures + 1 : 1;
    const over = failures - freeFailures;
    const waitMs = over <= 0 ? 0 : Math.min(maxWaitMs, firstWaitMs * 2 ** Math.min(over - 1, 30));
    this.#records.delete(key);
    this.#records.set(key, { failures, lastMs: nowMs, untilMs: nowMs + waitMs });
    if (this.#records.size > maxKeys) {
      for (const oldest of this.#records.keys()) {
        this.#records.delete(oldest);
        break;
      }
    }
  }

  succeeded(key: string): void {
    this.#records.delete(key);
  }
}
