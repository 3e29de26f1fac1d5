import { RING_MAGIC, RingLayout } from "./layout.js";
import { RingError } from "./ring_error.js";
import { allocateShared } from "./shared_memory.js";

/**
 * A lock-free ring of fixed-size records between one producer thread and one consumer thread, over one
 * SharedArrayBuffer. Head and tail are free-running u32 on cache lines of their own: full is `head - tail ==
 * capacity`, the index is a mask away, and wrap-around at 2³² needs no special case.
 *
 * Each side keeps a copy of the other side's counter and reads the shared word only when the copy says full or empty.
 */
export class SpscRing {
  /** The ring's memory, to hand to the other thread. */
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  /** 32-bit words a record. */
  readonly recordWords: number;
  /** The ring as int32 words; index records with the word index that {@link reserve} and {@link peek} return. */
  readonly words: Int32Array;
  /** The same memory as float64; index = word index / 2. */
  readonly floats: Float64Array;
  readonly #mask: number;
  #knownTail: number;
  #knownHead: number;

  /** Makes a ring for at least `records` records. `startAt` presets both counters (tests of wrap-around). */
  static allocate(options: { records: number; recordWords: number; startAt?: number }): SpscRing {
    const { records, recordWords, startAt = 0 } = options;
    if (!Number.isInteger(records) || records < 1 || records > 1 << 20) {
      throw new RingError("RING_ARGUMENT", `ring: records must be 1 to ${1 << 20}, found ${records}`);
    }
    if (!Number.isInteger(recordWords) || recordWords < 2 || recordWords % 2 !== 0) {
      throw new RingError(
        "RING_ARGUMENT",
        `ring: recordWords must be even and at least 2, found ${recordWords}`,
      );
    }
    const capacity = 2 ** Math.ceil(Math.log2(records));
    const words = new Int32Array(allocateShared(4 * (RingLayout.data + capacity * recordWords)));
    words[RingLayout.capacity] = capacity;
    words[RingLayout.recordWords] = recordWords;
    Atomics.store(words, RingLayout.head, startAt | 0);
    Atomics.store(words, RingLayout.tail, startAt | 0);
    Atomics.store(words, RingLayout.magic, RING_MAGIC);
    return new SpscRing(words.buffer as SharedArrayBuffer);
  }

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
    if (Atomics.load(this.words, RingLayout.magic) !== RING_MAGIC) {
      throw new RingError("RING_LAYOUT", "ring: the buffer holds no ring of this layout");
    }
    this.capacity = this.words[RingLayout.capacity];
    this.recordWords = this.words[RingLayout.recordWords];
    this.#mask = this.capacity - 1;
    this.#knownTail = Atomics.load(this.words, RingLayout.tail);
    this.#knownHead = Atomics.load(this.words, RingLayout.head);
  }

  /** Producer: word index of the next record to fill, -1 when the ring is full. */
  reserve(): number {
    const head = this.words[RingLayout.head];
    if (((head - this.#knownTail) | 0) >= this.capacity) {
      this.#knownTail = Atomics.load(this.words, RingLayout.tail);
      if (((head - this.#knownTail) | 0) >= this.capacity) return -1;
    }
    return RingLayout.data + (head & this.#mask) * this.recordWords;
  }

  /** Producer: publishes the record that {@link reserve} gave (the one release store). */
  commit(): void {
    Atomics.store(this.words, RingLayout.head, (this.words[RingLayout.head] + 1) | 0);
  }

  /** Consumer: word index of the oldest unread record, -1 when the ring is empty. */
  peek(): number {
    const tail = this.words[RingLayout.tail];
    if (this.#knownHead === tail) {
      this.#knownHead = Atomics.load(this.words, RingLayout.head);
      if (this.#knownHead === tail) return -1;
    }
    return RingLayout.data + (tail & this.#mask) * this.recordWords;
  }

  /** Consumer: gives the record that {@link peek} showed back to the producer. */
  advance(): void {
    Atomics.store(this.words, RingLayout.tail, (this.words[RingLayout.tail] + 1) | 0);
  }

  /** Records waiting; exact on the consumer's side, a lower bound of the past elsewhere. */
  get size(): number {
    return (Atomics.load(this.words, RingLayout.head) - Atomics.load(this.words, RingLayout.tail)) | 0;
  }
}
