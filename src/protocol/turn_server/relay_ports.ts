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

  /** A free port; undefined when there is none. `pair`: an even one whose successor is free as well; both are taken. */
  take(kind: "any" | "even" | "pair"): number | undefined {
    const count = this.#max - this.#min + 1;
    const start = this.#random.uint32() % count;
    for (let i = 0; i < count; i++) {
      const port = this.#min + ((start + i) % count);
      if (!this.#isFree(port) || (kind !== "any" && port % 2 === 1)) continue;
      if (kind === "pair" && !this.#isFree(port + 1)) continue;
      this.#taken.add(port);
      if (kind === "pair") this.#taken.add(port + 1);
      return port;
    }
    return undefined;
  }

  #isFree(port: number): boolean {
    return port <= this.#max && !this.#taken.has(port);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }
}
