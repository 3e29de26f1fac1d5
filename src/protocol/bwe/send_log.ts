/** Packets remembered: 4 s at 2000 packets a second. */
const CAPACITY = 8192;
const MASK = CAPACITY - 1;

/**
 * When each packet of a transport left and how long it was, by its transport-wide sequence number. Allocates its 160 KiB with the
 * first packet, since most of many open transports may never send one, and nothing after it.
 */
export class SendLog {
  #sentUs = new Float64Array(0);
  #bytes = new Int32Array(0);
  #sequences = new Int32Array(0);
  #trains = new Int32Array(0);
  /** Of which train packets are that are added now; 0: of none ({@link TrainRate}). */
  train = 0;
  #next: number;

  /** @param firstSequence the first packet's number */
  constructor(firstSequence = 0) {
    this.#next = firstSequence & 0xffff;
  }

  /** Notes a packet and gives it its number. */
  add(bytes: number, nowUs: number): number {
    if (this.#sequences.length === 0) this.#allocate();
    const sequence = this.#next;
    const at = sequence & MASK;
    this.#sequences[at] = sequence;
    this.#sentUs[at] = nowUs;
    this.#bytes[at] = bytes;
    this.#trains[at] = this.train;
    this.#next = (sequence + 1) & 0xffff;
    return sequence;
  }

  /** NaN: no such packet is known. */
  sentUs(sequence: number): number {
    const at = sequence & MASK;
    return this.#sequences[at] === sequence ? this.#sentUs[at] : Number.NaN;
  }

  /** Of a packet whose {@link sentUs} is known. */
  bytes(sequence: number): number {
    return this.#bytes[sequence & MASK];
  }

  /** The same. */
  trainOf(sequence: number): number {
    return this.#trains[sequence & MASK];
  }

  /** A packet that was reported as arrived counts once, whatever the peer says later. */
  forget(sequence: number): void {
    const at = sequence & MASK;
    if (this.#sequences[at] === sequence) this.#sequences[at] = -1;
  }

  #allocate(): void {
    this.#sentUs = new Float64Array(CAPACITY).fill(Number.NaN);
    this.#bytes = new Int32Array(CAPACITY);
    this.#trains = new Int32Array(CAPACITY);
    this.#sequences = new Int32Array(CAPACITY).fill(-1);
  }
}
