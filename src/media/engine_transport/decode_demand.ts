import type { ReceiveStreamOptions, TransportSettings } from "../transport_api.js";
import { streamKey } from "../transport_api.js";

/** Whose pictures and sound a transport's streams are decoded for: everybody's, or those who take them. */
export class DecodeDemand {
  readonly #isLazy: boolean;
  readonly #onChange: () => void;
  /** How many take what a stream brings, or a section, by key. */
  readonly #takers = new Map<string, number>();

  /** @param onChange the first came, or the last has gone */
  constructor({ decode = "always" }: TransportSettings, onChange: () => void) {
    this.#isLazy = decode === "wanted";
    this.#onChange = onChange;
  }

  /** Who takes a section takes all its layers: which of them is shown is chosen from their pictures. */
  wants(options: ReceiveStreamOptions): boolean {
    return !this.#isLazy || this.#takers.has(streamKey(options)) || this.#takers.has(options.mid);
  }

  /** Somebody takes what is behind the key; returns the function that ends it, given the one that ends the taking. */
  begin(key: string, end: () => void): () => void {
    this.#add(key, 1);
    let isTaken = true;
    return () => {
      end();
      if (isTaken) this.#add(key, -1);
      isTaken = false;
    };
  }

  #add(key: string, change: 1 | -1): void {
    const before = this.#takers.get(key) ?? 0;
    const takers = before + change;
    if (takers > 0) this.#takers.set(key, takers);
    else this.#takers.delete(key);
    if (before === 0 || takers === 0) this.#onChange();
  }
}
