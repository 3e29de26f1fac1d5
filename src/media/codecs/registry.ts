import { MediaError } from "../media_error.js";
import type { CodecName } from "./codec_name.js";

/** Implementations of one kind, by codec and name, the preferred first. */
export class Registry<C extends CodecName, F extends { readonly name: string; readonly codec: C }> {
  readonly #factories: F[];

  constructor(
    readonly what: string,
    factories: readonly F[],
  ) {
    this.#factories = [...factories];
  }

  /** Puts an implementation before those there are; one of the same codec and name takes the other's place. */
  register(factory: F): void {
    this.unregister(factory.codec, factory.name);
    this.#factories.unshift(factory);
  }

  unregister(codec: C, name: string): void {
    const at = this.#factories.findIndex((known) => known.codec === codec && known.name === name);
    if (at >= 0) this.#factories.splice(at, 1);
  }

  /** What `make` makes of the first implementation that does not throw. */
  first<T>(codec: C, make: (factory: F) => T): T {
    let reason: unknown = new MediaError("CODEC_FAILED", `there is no ${this.what} for ${codec}`);
    for (const factory of this.#factories) {
      if (factory.codec !== codec) continue;
      try {
        return make(factory);
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }
}
