import { type RandomSource, randomFloat } from "../primitives/random.js";

/**
 * Gilbert–Elliott loss: a two-state Markov chain stepped once per datagram. All are probabilities in [0, 1].
 * `{ toBad: p, toGood: 1 - p, lossInBad: 1, lossInGood: 0 }` is independent loss of rate p.
 */
export interface GilbertElliott {
  readonly toBad: number;
  readonly toGood: number;
  readonly lossInGood: number;
  readonly lossInBad: number;
}

/** One direction of an emulated path. Everything not given is perfect. */
export interface LinkOptions {
  /** One-way propagation delay. Default 0. */
  readonly delayUs?: number;
  /** Each datagram gets uniformly 0 … `jitterUs` more. Order is kept unless `reorder` says otherwise. Default 0. */
  readonly jitterUs?: number;
  /** Loss probability, or a burst model. Default 0. */
  readonly loss?: number | GilbertElliott;
  /** Probability that a datagram is held back by `reorderUs` and let others pass. Default 0. */
  readonly reorder?: number;
  /** Default 20 ms. */
  readonly reorderUs?: number;
  /** Probability that a datagram arrives twice. Default 0. */
  readonly duplicate?: number;
  /** Serialisation rate in bits per second. Default unlimited. */
  readonly rateBps?: number;
  /** Bytes that may wait for the rate before the tail is dropped. Default 256 KiB. */
  readonly queueBytes?: number;
  /** Bytes per datagram added by lower layers when counting against the rate. Default 28 (IPv4 + UDP). */
  readonly overheadBytes?: number;
  /** Drops everything while true. */
  readonly down?: boolean;
}

/** What happened on a link so far. */
export interface LinkCounters {
  sent: number;
  delivered: number;
  lost: number;
  queueDropped: number;
  duplicated: number;
  reordered: number;
}

/** The fate of datagrams on one link: decides if and when each arrives; holds no data. */
export class Link {
  readonly counters: LinkCounters = {
    sent: 0,
    delivered: 0,
    lost: 0,
    queueDropped: 0,
    duplicated: 0,
    reordered: 0,
  };
  #options: LinkOptions;
  readonly #random: RandomSource;
  #bad = false;
  /** When the last bit of what has been accepted leaves the sender. */
  #busyUntilUs = 0;
  #lastArrivalUs = 0;

  constructor(options: LinkOptions, random: RandomSource) {
    this.#options = options;
    this.#random = random;
  }

  /** Changes the conditions for datagrams sent from now on; those in flight are not touched. */
  update(options: Partial<LinkOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  /** Arrival times of a datagram of `bytes` sent at `nowUs`: none when lost, two when duplicated. */
  admit(bytes: number, nowUs: number): number[] {
    this.counters.sent++;
    if (this.#isLost()) {
      this.counters.lost++;
      return [];
    }
    const departureUs = this.#enqueue(bytes, nowUs);
    if (departureUs === undefined) {
      this.counters.queueDropped++;
      return [];
    }
    const arrivals = [this.#arrival(departureUs)];
    if (this.#chance(this.#options.duplicate)) {
      this.counters.duplicated++;
      arrivals.push(this.#arrival(departureUs));
    }
    return arrivals;
  }

  #isLost(): boolean {
    const loss = this.#options.loss ?? 0;
    if (this.#options.down) return true;
    if (typeof loss === "number") return this.#chance(loss);
    this.#bad = this.#bad ? !this.#chance(loss.toGood) : this.#chance(loss.toBad);
    return this.#chance(this.#bad ? loss.lossInBad : loss.lossInGood);
  }

  /** Departure time behind what already waits, or undefined when the queue is full. */
  #enqueue(bytes: number, nowUs: number): number | undefined {
    const { rateBps, queueBytes = 262144, overheadBytes = 28 } = this.#options;
    if (rateBps === undefined) return nowUs;
    const startUs = Math.max(nowUs, this.#busyUntilUs);
    const waitingBytes = ((startUs - nowUs) * rateBps) / 8e6;
    if (waitingBytes + bytes > queueBytes) return undefined;
    this.#busyUntilUs = startUs + ((bytes + overheadBytes) * 8e6) / rateBps;
    return this.#busyUntilUs;
  }

  #arrival(departureUs: number): number {
    const { delayUs = 0, jitterUs = 0, reorder, reorderUs = 20_000 } = this.#options;
    const arrivalUs = departureUs + delayUs + (jitterUs > 0 ? randomFloat(this.#random) * jitterUs : 0);
    if (this.#chance(reorder)) {
      this.counters.reordered++;
      return arrivalUs + reorderUs;
    }
    // Jitter in real queues delays, it does not overtake.
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, arrivalUs);
    return this.#lastArrivalUs;
  }

  #chance(probability: number | undefined): boolean {
    return !!probability && randomFloat(this.#random) < probability;
  }
}
