import { sequenceDifference } from "../rtp/unwrap.js";

export interface NackGeneratorOptions {
  /** Missing packets remembered at most, a power of two; 1024 by default. */
  readonly capacity?: number;
  /** Requests for one packet before it is given up; 10 by default. */
  readonly maxRetries?: number;
  /** How long a packet may be overtaken before it is asked for; 5 ms by default. */
  readonly reorderUs?: number;
  /** Round-trip time until `rttUs` is set; 100 ms by default. */
  readonly initialRttUs?: number;
}

/** Counters since the start. */
export interface NackStats {
  /** Requests for a packet, repeated ones included. */
  requested: number;
  /** Missing packets that came after they were asked for. */
  recovered: number;
  givenUp: number;
}

const PRESENT = Number.NEGATIVE_INFINITY;
/** RFC 4585 leaves the pace to us: a repeat before the answer can be here is waste. */
const MIN_RETRY_US = 10_000;

/**
 * Finds what is missing in a stream and when to ask for it (RFC 4585 §6.2.1): once after a short wait for reordering, then every
 * round-trip time, at most `maxRetries` times. `handlePacket()` for every packet; at `nextDeadlineUs()` let `poll()` write what
 * to ask for. `discardBefore()` drops what the jitter buffer no longer needs. Allocates nothing after construction.
 */
export class NackGenerator {
  /** Current round-trip time; set it whenever it is measured. */
  rttUs: number;
  readonly stats: NackStats = { requested: 0, recovered: 0, givenUp: 0 };
  private readonly capacity: number;
  private readonly mask: number;
  private readonly maxRetries: number;
  private readonly reorderUs: number;
  /** The missing number in each slot, or PRESENT. */
  private readonly seqs: Float64Array;
  private readonly dueUs: Float64Array;
  private readonly retries: Uint8Array;
  private started = false;
  private highest = 0;
  private oldest = 0;
  private missing = 0;
  private deadlineUs = Number.POSITIVE_INFINITY;
  private gaveUp = false;

  constructor(options: NackGeneratorOptions = {}) {
    this.capacity = options.capacity ?? 1024;
    if ((this.capacity & (this.capacity - 1)) !== 0)
      throw new RangeError(`NackGenerator capacity ${this.capacity}: must be a power of two`);
    this.mask = this.capacity - 1;
    this.maxRetries = options.maxRetries ?? 10;
    this.reorderUs = options.reorderUs ?? 5_000;
    this.rttUs = options.initialRttUs ?? 100_000;
    this.seqs = new Float64Array(this.capacity).fill(PRESENT);
    this.dueUs = new Float64Array(this.capacity);
    this.retries = new Uint8Array(this.capacity);
  }

  /** Packets being waited for. */
  get missingCount(): number {
    return this.missing;
  }

  /** Notes an arrival. True: the packet had been asked for, so its timing is not the path's. */
  handlePacket(sequenceNumber: number, nowUs: number): boolean {
    if (!this.started) {
      this.started = true;
      this.restartAt(sequenceNumber);
      return false;
    }
    const delta = sequenceDifference(sequenceNumber, this.highest & 0xffff);
    if (Math.abs(delta) >= this.capacity) {
      // Too much is missing for requests to mend, or another stream began.
      if (this.missing > 0 || delta > 0) this.giveUp(Math.max(this.missing, 1));
      this.restartAt(this.highest + delta);
      return false;
    }
    const seq = this.highest + delta;
    if (delta <= 0) return this.resolve(seq);
    for (let lost = this.highest + 1; lost < seq; lost++) this.add(lost, nowUs);
    this.highest = seq;
    return false;
  }

  /** Writes the sequence numbers to ask for now, ascending, as far as `into` goes; returns how many. */
  poll(nowUs: number, into: Uint16Array): number {
    if (nowUs < this.deadlineUs) return 0;
    let count = 0;
    this.deadlineUs = Number.POSITIVE_INFINITY;
    for (let seq = this.oldest; seq < this.highest && this.missing > 0; seq++) {
      const i = seq & this.mask;
      if (this.seqs[i] !== seq) continue;
      if (this.dueUs[i] <= nowUs && count < into.length) {
        if (this.retries[i] >= this.maxRetries) {
          this.remove(seq);
          this.giveUp(1);
          continue;
        }
        this.retries[i]++;
        this.dueUs[i] = nowUs + Math.max(this.rttUs, MIN_RETRY_US);
        into[count++] = seq & 0xffff;
      }
      this.deadlineUs = Math.min(this.deadlineUs, this.dueUs[i]);
    }
    this.advanceOldest();
    this.stats.requested += count;
    return count;
  }

  /** When to `poll` next; Infinity: nothing is missing. */
  nextDeadlineUs(): number {
    return this.missing > 0 ? this.deadlineUs : Number.POSITIVE_INFINITY;
  }

  /** Forgets what came before `sequenceNumber`: the jitter buffer has passed it. */
  discardBefore(sequenceNumber: number): void {
    if (!this.started || this.missing === 0) return;
    const end = this.highest + sequenceDifference(sequenceNumber, this.highest & 0xffff);
    for (let seq = this.oldest; seq < end && seq <= this.highest; seq++)
      if (this.seqs[seq & this.mask] === seq) this.remove(seq);
    this.advanceOldest();
  }

  /** Whether a packet was given up since the last call: time for a keyframe. */
  takeGaveUp(): boolean {
    const was = this.gaveUp;
    this.gaveUp = false;
    return was;
  }

  private restartAt(seq: number): void {
    this.seqs.fill(PRESENT);
    this.highest = seq;
    this.oldest = seq;
    this.missing = 0;
    this.deadlineUs = Number.POSITIVE_INFINITY;
  }

  private add(seq: number, nowUs: number): void {
    const i = seq & this.mask;
    // The slot's former owner is a whole window old.
    if (this.seqs[i] !== PRESENT) {
      this.missing--;
      this.giveUp(1);
    }
    if (this.missing === 0) this.oldest = seq;
    this.oldest = Math.max(this.oldest, seq - this.capacity + 1);
    this.seqs[i] = seq;
    this.retries[i] = 0;
    this.dueUs[i] = nowUs + this.reorderUs;
    this.deadlineUs = Math.min(this.deadlineUs, this.dueUs[i]);
    this.missing++;
  }

  private resolve(seq: number): boolean {
    const i = seq & this.mask;
    if (this.seqs[i] !== seq) return false;
    const asked = this.retries[i] > 0;
    if (asked) this.stats.recovered++;
    this.remove(seq);
    if (seq === this.oldest) this.advanceOldest();
    return asked;
  }

  private remove(seq: number): void {
    this.seqs[seq & this.mask] = PRESENT;
    this.missing--;
  }

  private giveUp(count: number): void {
    this.stats.givenUp += count;
    this.gaveUp = true;
  }

  private advanceOldest(): void {
    if (this.missing === 0) this.oldest = this.highest;
    while (this.oldest < this.highest && this.seqs[this.oldest & this.mask] !== this.oldest) this.oldest++;
  }
}
