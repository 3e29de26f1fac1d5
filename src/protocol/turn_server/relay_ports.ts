import type { RandomSource } from "../primitives/random.js";

/**
 * The ports relays are opened on. Drawn at random, so that an outsider cannot guess them (RFC 6056).
 */
export class RelayPorts {
  readonly #taken = new Set<number>();
  readonly #min: number;
  readonly #max: number;
  readonly #random: RandomSource;

  constructor(range: { readonly min: number; readonly max: number }, random: RandomSource) {
    this.#min = range.min;
    this.#max = range.max;
    this.#random = random;
  }

  /** A free port, an even one where `even` asks for it; undefined when there is none. */
  take(even: boolean): number | undefined {
    const count = this.#max - this.#min + 1;
    const start = this.#random.uint32() % count;
    for (let i = 0; i < count; i++) {
      const port = this.#min + ((start + i) % count);
      if (this.#taken.has(port) || (even && port % 2 === 1)) continue;
      this.#taken.add(port);
      return port;
    }
    return undefined;
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}
