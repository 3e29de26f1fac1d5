import type { TransportAddress } from "../primitives/address.js";
import type { RandomSource } from "../primitives/random.js";
import { transactionKey } from "../stun/index.js";

/** RFC 8656 §7.2: at least 30 seconds. */
const LIFETIME_US = 30_000_000;
const TOKEN_BYTES = 8;

/** An open relay that waits for the Allocate with its token. */
export interface Reservation {
  readonly relay: number;
  readonly port: number;
  readonly relayed: TransportAddress;
  /** Name of the account that reserved it; nobody else gets it. */
  readonly account: string;
  readonly expiresUs: number;
}

/** The odd ports above even ones, kept for who asked (RFC 8656 §7.2, EVEN-PORT with R). */
export class Reservations {
  readonly #byToken = new Map<string, Reservation>();
  readonly #random: RandomSource;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  get size(): number {
    return this.#byToken.size;
  }

  countOf(account: string): number {
    let count = 0;
    for (const each of this.#byToken.values()) if (each.account === account) count++;
    return count;
  }

  /** @returns the token */
  add(reservation: Omit<Reservation, "expiresUs">, nowUs: number): Uint8Array {
    const token = this.#random.bytes(TOKEN_BYTES);
    this.#byToken.set(transactionKey(token), { ...reservation, expiresUs: nowUs + LIFETIME_US });
    return token;
  }

  /** Takes it out; undefined when there is none for that account any more. */
  redeem(token: Uint8Array, account: string, nowUs: number): Reservation | undefined {
    const key = transactionKey(token);
    const found = this.#byToken.get(key);
    if (!found || found.account !== account || found.expiresUs <= nowUs) return undefined;
    this.#byToken.delete(key);
    return found;
  }

  /** Takes out those that have run out; all of them at time Infinity. */
  expire(nowUs: number): Reservation[] {
    const expired: Reservation[] = [];
    for (const [key, each] of this.#byToken) {
      if (each.expiresUs > nowUs) continue;
      this.#byToken.delete(key);
      expired.push(each);
    }
    return expired;
  }
}
