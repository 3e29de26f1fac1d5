import { Pacer } from "../../protocol/pacer/pacer.js";
import { Fifo } from "./fifo.js";
import type { PacketRing } from "./packet_ring.js";
import type { SendSession } from "./send_session.js";

/** Pictures leave so many times as fast as the path is thought to be: it may be faster, and that it is shows only so (decision 0110). */
const AHEAD = 2;
/** A train is longer than the burst that it begins with. */
const TRAIN_US = 10_000;
/** What waits here leaves within this, whatever the path: later it is no use to a call. */
const MAX_WAIT_US = 100_000;

/** Packets of one picture that wait: of a stream, or of the stream of its parity. */
export interface Departure {
  readonly session: SendSession;
  readonly ring: PacketRing;
  /** Sequence number of the next to leave. */
  first: number;
  count: number;
  /** When they were made. */
  readonly madeUs: number;
  /** Of which train they are (TrainRate): a picture's, with its parity. */
  readonly train: number;
  /** They have left before, and leave again to make the train longer. */
  readonly isRepeat?: boolean;
}

/** Lets `count` packets of a departure leave, from its first on; false: there is no room for more now. */
export type Leave = (departure: Departure, count: number, nowUs: number) => boolean;

/**
 * Pictures on their way out of one transport. While its path shows no limit each leaves at once; on a path with a limit a large one
 * leaves in bursts of 5 ms (draft-ietf-rmcat-gcc-02 §4), since a queue on the way that is shorter than the picture would lose its end.
 * Sound, repetitions and RTCP wait for nothing, but what they take of the path is counted.
 */
export class Departures {
  readonly #pacer = new Pacer();
  readonly #queue = new Fifo<Departure>();
  readonly #leave: Leave;
  readonly #ahead: number;
  #pathBps = Number.POSITIVE_INFINITY;
  #waitingBytes = 0;
  #nextUs = Number.POSITIVE_INFINITY;

  /** @param ahead times the path's rate; Infinity: pictures always leave at once */
  constructor(leave: Leave, ahead = AHEAD) {
    this.#leave = leave;
    this.#ahead = ahead;
  }

  /** What the path carries, bits a second; Infinity: no limit is known. */
  setPath(bps: number, nowUs: number): void {
    this.#pathBps = bps;
    this.#setRate(nowUs);
  }

  /** Whether a picture may leave at once, whatever its size: nothing waits, and no limit is known. */
  get isOpen(): boolean {
    return this.#pathBps === Number.POSITIVE_INFINITY && this.#queue.length === 0;
  }

  /** What a train has at least. */
  get trainBytes(): number {
    return (TRAIN_US * this.#ahead * this.#pathBps) / 8e6;
  }

  add(departure: Departure, nowUs: number): void {
    this.#push(departure);
    this.#setRate(nowUs);
    this.poll(nowUs);
  }

  #push(departure: Departure): void {
    departure.ring.waiting += departure.count;
    this.#waitingBytes += bytesOf(departure, departure.count);
    this.#queue.push(departure);
  }

  /** What left, pictures or not: all of it takes its time on the path. */
  handleSent(bytes: number, nowUs: number): void {
    this.#pacer.handleSent(bytes, nowUs);
  }

  /** Lets go what may. */
  poll(nowUs: number): void {
    let departure = this.#queue.peek();
    let hasRoom = true;
    while (departure !== undefined && hasRoom && this.#pacer.canSend(nowUs)) {
      hasRoom = this.#go(departure, this.#burstOf(departure, nowUs), nowUs);
      departure = this.#queue.peek();
    }
    this.#nextUs = departure === undefined ? Number.POSITIVE_INFINITY : this.#pacer.nextSendUs(nowUs);
  }

  /** Lets everything go. */
  flush(nowUs: number): void {
    for (let departure = this.#queue.peek(); departure !== undefined; departure = this.#queue.peek()) {
      this.#go(departure, departure.count, nowUs);
    }
    this.#nextUs = Number.POSITIVE_INFINITY;
  }

  nextDeadlineUs(): number {
    return this.#nextUs;
  }

  /** Forgets what waits of a stream, which ends. */
  forget(session: SendSession): void {
    const waiting: Departure[] = [];
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) waiting.push(next);
    this.#waitingBytes = 0;
    for (const departure of waiting) {
      departure.ring.waiting -= departure.count;
      if (departure.session !== session) this.#push(departure);
    }
    if (this.#queue.length === 0) this.#nextUs = Number.POSITIVE_INFINITY;
  }

  /** Forgets everything. */
  clear(): void {
    for (let gone = this.#queue.shift(); gone !== undefined; gone = this.#queue.shift()) {
      gone.ring.waiting -= gone.count;
    }
    this.#waitingBytes = 0;
    this.#nextUs = Number.POSITIVE_INFINITY;
  }

  #setRate(nowUs: number): void {
    const owedBytes = this.#waitingBytes + this.#pacer.debt(nowUs);
    this.#pacer.rateBps = Math.max(this.#ahead * this.#pathBps, (8e6 * owedBytes) / MAX_WAIT_US);
  }

  /** How many packets of it may leave now; one at least. */
  #burstOf(departure: Departure, nowUs: number): number {
    const budget = this.#pacer.budgetBytes(nowUs);
    if (budget === Number.POSITIVE_INFINITY) return departure.count;
    let bytes = 0;
    let count = 0;
    while (count < departure.count && bytes <= budget) {
      bytes += lengthAt(departure, count);
      count++;
    }
    return count;
  }

  #go(departure: Departure, count: number, nowUs: number): boolean {
    this.#waitingBytes -= bytesOf(departure, count);
    departure.ring.waiting -= count;
    if (count === departure.count) this.#queue.shift();
    if (!departure.isRepeat) departure.session.countDelay(count * (nowUs - departure.madeUs));
    const hasRoom = this.#leave(departure, count, nowUs);
    departure.first = (departure.first + count) & 0xffff;
    departure.count -= count;
    return hasRoom;
  }
}

function lengthAt({ ring, first }: Departure, index: number): number {
  return Math.max(0, ring.lengthOf(ring.slotOf(first + index)));
}

function bytesOf(departure: Departure, count: number): number {
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += lengthAt(departure, i);
  return bytes;
}
