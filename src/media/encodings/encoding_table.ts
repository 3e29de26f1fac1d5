import { MAX_ENCODINGS } from "../ring/control_block.js";
import { distanceOf, type Encoding, MAX_ENCODINGS_PER_SOURCE, sameWishes, type Wishes } from "./encoding.js";

/** The engine's numbers for encodings. Each stream takes one, two while it changes: they never run out. */
export class EncodingIds {
  /** First in, first out: a number rests long before it is used again, so that no late frame finds a stranger. */
  readonly #free = Array.from({ length: MAX_ENCODINGS }, (_, index) => index + 1);

  take(): number {
    const id = this.#free.shift();
    if (id === undefined) throw new RangeError(`more than ${MAX_ENCODINGS} encodings`);
    return id;
  }

  release(id: number): void {
    this.#free.push(id);
  }
}

interface Shared<W extends Wishes> {
  readonly id: number;
  wishes: W;
  streams: number;
}

/** Which encodings the send streams take of each source: an encoder runs only while somebody takes what it makes. */
export class EncodingTable<W extends Wishes> {
  readonly #ids: EncodingIds;
  readonly #tell: (source: number, encodings: readonly Encoding<W>[]) => void;
  readonly #sources = new Map<number, Shared<W>[]>();

  /** @param tell called whenever what is to be made of a source (0: the camera or the microphone) has changed */
  constructor(ids: EncodingIds, tell: (source: number, encodings: readonly Encoding<W>[]) => void) {
    this.#ids = ids;
    this.#tell = tell;
  }

  /** One more stream takes the source; returns the number of the encoding it is served by. */
  take(source: number, wishes: W): number {
    const encodings = this.#sources.get(source) ?? [];
    this.#sources.set(source, encodings);
    const found = encodings.find((known) => sameWishes(known.wishes, wishes)) ?? nearest(encodings, wishes);
    if (found !== undefined) {
      found.streams++;
      return found.id;
    }
    const id = this.#ids.take();
    encodings.push({ id, wishes, streams: 1 });
    this.#announce(source);
    return id;
  }

  release(source: number, id: number): void {
    const encodings = this.#sources.get(source) ?? [];
    const found = encodings.find((known) => known.id === id);
    if (found === undefined || --found.streams > 0) return;
    encodings.splice(encodings.indexOf(found), 1);
    if (encodings.length === 0) this.#sources.delete(source);
    this.#ids.release(id);
    this.#announce(source);
  }

  /** A stream wishes something else. An encoding that is its alone follows it without a seam. */
  change(source: number, id: number, wishes: W): number {
    const encodings = this.#sources.get(source) ?? [];
    const own = encodings.find((known) => known.id === id);
    if (own !== undefined && sameWishes(own.wishes, wishes)) return id;
    const known = encodings.some((other) => sameWishes(other.wishes, wishes));
    if (own !== undefined && own.streams === 1 && !known && own.wishes.codec === wishes.codec) {
      own.wishes = wishes;
      this.#announce(source);
      return id;
    }
    // The new one first: a source that nobody takes for a moment would be let go.
    const next = this.take(source, wishes);
    this.release(source, id);
    return next;
  }

  /** The worker was started anew and knows of nobody. */
  restore(): void {
    for (const source of this.#sources.keys()) this.#announce(source);
  }

  #announce(source: number): void {
    const encodings = this.#sources.get(source) ?? [];
    this.#tell(
      source,
      encodings.map(({ id, wishes }) => ({ id, wishes })),
    );
  }
}

/** What a stream gets when the source has all the encodings it may have; undefined: one of its own. */
function nearest<W extends Wishes>(encodings: readonly Shared<W>[], wishes: W): Shared<W> | undefined {
  if (encodings.length < MAX_ENCODINGS_PER_SOURCE) return undefined;
  let best: Shared<W> | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const encoding of encodings) {
    const distance = distanceOf(wishes, encoding.wishes);
    if (distance >= least) continue;
    least = distance;
    best = encoding;
  }
  return best;
}
