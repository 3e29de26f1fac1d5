import { RingLayout } from "./layout.js";
import { allocateShared } from "./shared_memory.js";

/** Words of a record's head: length of the bytes, then {@link MessageRing}'s fields. */
const HEAD_WORDS = 6;
const WORD_BYTES = 4;
/** In place of a length: the rest of the ring is not used, the next record stands at its beginning. */
const SKIP = -1;

/**
 * Small messages from one thread to one other, in order, over one SharedArrayBuffer: records of a head and bytes, behind
 * each other, never split. Head and tail count words and run free, as those of {@link SpscRing}.
 */
export class MessageRing {
  /** Of the record that {@link take} took. */
  transportId = 0;
  channel = 0;
  kind = 0;
  value = 0;
  /** The record's bytes, in memory of their own. */
  data = new Uint8Array(0);
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  readonly #mask: number;

  /** @param bytes a power of two */
  static allocate(bytes: number): SharedArrayBuffer {
    return allocateShared(WORD_BYTES * RingLayout.data + bytes);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#capacity = this.#words.length - RingLayout.data;
    this.#mask = this.#capacity - 1;
  }

  /** Producer: false when there is no room. */
  write(
    transportId: number,
    channel: number,
    kind: number,
    value: number,
    bytes: Uint8Array,
    length: number,
  ): boolean {
    const words = HEAD_WORDS + ((length + WORD_BYTES - 1) >>> 2);
    let at = this.#reserve(words);
    if (at < 0) return false;
    const head = at;
    this.#words[at++] = length;
    this.#words[at++] = transportId;
    this.#words[at++] = channel;
    this.#words[at++] = kind;
    this.#words[at] = value;
    const start = WORD_BYTES * (head + HEAD_WORDS);
    for (let i = 0; i < length; i++) this.#bytes[start + i] = bytes[i];
    Atomics.store(this.#words, RingLayout.head, (this.#words[RingLayout.head] + words) | 0);
    return true;
  }

  /** Where a record of that many words begins; passes over the ring's end when it does not fit before it. */
  #reserve(words: number): number {
    const head = this.#words[RingLayout.head];
    const free = this.#capacity - ((head - Atomics.load(this.#words, RingLayout.tail)) | 0);
    const at = head & this.#mask;
    const rest = this.#capacity - at;
    if (words <= rest) return words <= free ? RingLayout.data + at : -1;
    if (rest + words > free) return -1;
    this.#words[RingLayout.data + at] = SKIP;
    Atomics.store(this.#words, RingLayout.head, (head + rest) | 0);
    return RingLayout.data;
  }

  /** Consumer: takes the next record; false when there is none. */
  take(): boolean {
    const tail = this.#words[RingLayout.tail];
    if (Atomics.load(this.#words, RingLayout.head) === tail) return false;
    const at = RingLayout.data + (tail & this.#mask);
    const length = this.#words[at];
    if (length === SKIP) {
      const rest = this.#capacity - (tail & this.#mask);
      Atomics.store(this.#words, RingLayout.tail, (tail + rest) | 0);
      return this.take();
    }
    this.transportId = this.#words[at + 1];
    this.channel = this.#words[at + 2];
    this.kind = this.#words[at + 3];
    this.value = this.#words[at + 4];
    const start = WORD_BYTES * (at + HEAD_WORDS);
    this.data = this.#bytes.slice(start, start + length);
    const words = HEAD_WORDS + ((length + WORD_BYTES - 1) >>> 2);
    Atomics.store(this.#words, RingLayout.tail, (tail + words) | 0);
    return true;
  }

  /** Consumer: where the ring ends now, for {@link isBefore}. */
  get end(): number {
    return Atomics.load(this.#words, RingLayout.head);
  }

  /** Consumer: whether records before `end` have not been taken. */
  isBefore(end: number): boolean {
    return ((end - this.#words[RingLayout.tail]) | 0) > 0;
  }

  /** Empties it; neither end may be in use. */
  clear(): void {
    Atomics.store(this.#words, RingLayout.head, 0);
    Atomics.store(this.#words, RingLayout.tail, 0);
  }
}
