import { AddressTable } from "./address_table.js";

/** STUN (RFC 8489 §5): header, magic cookie, and the attribute that names the user. */
const STUN_HEADER = 20;
const MAGIC_COOKIE = 0x2112a442;
const USERNAME = 0x0006;
const BINDING_REQUEST = 0x0001;
/** The two bits of a message type that tell its class; 0x0100 and up: an answer. */
const CLASS_BITS = 0x0110;
const ANSWER = 0x0100;
const TRANSACTION_AT = 8;
/** RFC 8445 §5.3. */
const MAX_FRAGMENT = 256;
/** Requests whose answers are awaited, of all connections; the oldest goes first. */
const MAX_TRANSACTIONS = 8192;
/** Addresses that one connection may hold. */
const MAX_ADDRESSES = 128;
/** Fragments of one connection: its own and those before its last restarts. */
const MAX_FRAGMENTS = 4;

interface Claims {
  addresses: number;
  readonly fragments: string[];
}

/**
 * Whose a datagram of a shared port is. A Binding request goes by our user name fragment in it, an answer by its
 * transaction, all else by the address it came from. An address becomes a connection's by a check that it has
 * authenticated, so nobody else can take it, and nobody unknown leaves anything behind.
 */
export class PortDemux<T> {
  readonly #fragments = new Map<string, T>();
  readonly #transactions = new Map<string, T>();
  readonly #addresses = new AddressTable<T>();
  readonly #claims = new Map<T, Claims>();
  /** Datagrams that were nobody's. */
  unclaimed = 0;

  get size(): number {
    return this.#claims.size;
  }

  /** Bounded by what the connections may hold: for tests of that. */
  get held(): number {
    return this.#fragments.size + this.#transactions.size + this.#addresses.size;
  }

  /** Checks for `fragment` are for `user`. One fragment belongs to the first who has it. */
  addFragment(fragment: string, user: T): void {
    const claims = this.#claimsOf(user);
    if (this.#fragments.has(fragment)) return;
    this.#fragments.set(fragment, user);
    claims.fragments.push(fragment);
    if (claims.fragments.length > MAX_FRAGMENTS) this.#fragments.delete(claims.fragments.shift() as string);
  }

  /** Something leaves for `user`: if it is a request, its answer will be for the same. */
  noteSent(data: Uint8Array, user: T): void {
    if (!isStun(data, 0, data.length) || (typeOf(data, 0) & CLASS_BITS) !== 0) return;
    const transaction = transactionOf(data, 0);
    this.#transactions.delete(transaction);
    this.#transactions.set(transaction, user);
    if (this.#transactions.size <= MAX_TRANSACTIONS) return;
    const [oldest] = this.#transactions.keys();
    this.#transactions.delete(oldest);
  }

  /** Whose the datagram at `offset` is; `table` and `entry` tell where it came from. */
  find(bytes: Uint8Array, offset: number, length: number, table: Int32Array, entry: number): T | undefined {
    const user = this.#byContent(bytes, offset, length) ?? this.#addresses.get(table, entry);
    if (user === undefined) this.unclaimed++;
    return user;
  }

  #byContent(bytes: Uint8Array, offset: number, length: number): T | undefined {
    if (!isStun(bytes, offset, length)) return undefined;
    const type = typeOf(bytes, offset);
    if (type === BINDING_REQUEST) return this.#byFragment(bytes, offset, length);
    return type & ANSWER ? this.#transactions.get(transactionOf(bytes, offset)) : undefined;
  }

  #byFragment(bytes: Uint8Array, offset: number, length: number): T | undefined {
    const fragment = localFragment(bytes, offset, length);
    return fragment === undefined ? undefined : this.#fragments.get(fragment);
  }

  /** `user` has authenticated a check from there: from now on, what comes from there is for it. */
  claim(table: Int32Array, entry: number, user: T): void {
    const holder = this.#addresses.get(table, entry);
    if (holder === user) return;
    const claims = this.#claimsOf(user);
    if (claims.addresses >= MAX_ADDRESSES) {
      // Those in use are claimed again by the next consent check.
      this.#addresses.removeValue(user);
      claims.addresses = 0;
    }
    this.#addresses.set(table, entry, user);
    claims.addresses++;
    const before = holder === undefined ? undefined : this.#claims.get(holder);
    if (before) before.addresses--;
  }

  /** As {@link claim}, unless it is another's. */
  claimFree(table: Int32Array, entry: number, user: T): void {
    if (this.#addresses.get(table, entry) === undefined) this.claim(table, entry, user);
  }

  remove(user: T): void {
    const claims = this.#claims.get(user);
    if (claims === undefined) return;
    this.#claims.delete(user);
    for (const fragment of claims.fragments) this.#fragments.delete(fragment);
    for (const [transaction, whose] of this.#transactions) {
      if (whose === user) this.#transactions.delete(transaction);
    }
    this.#addresses.removeValue(user);
  }

  #claimsOf(user: T): Claims {
    const known = this.#claims.get(user);
    if (known !== undefined) return known;
    const fresh: Claims = { addresses: 0, fragments: [] };
    this.#claims.set(user, fresh);
    return fresh;
  }
}

function isStun(bytes: Uint8Array, offset: number, length: number): boolean {
  return length >= STUN_HEADER && bytes[offset] <= 3 && uint32(bytes, offset + 4) === MAGIC_COOKIE;
}

function typeOf(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1];
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function transactionOf(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset + TRANSACTION_AT, offset + TRANSACTION_AT + 12));
}

/** RFC 8445 §7.2.2: USERNAME is the receiver's fragment, a colon and the sender's. */
function localFragment(bytes: Uint8Array, offset: number, length: number): string | undefined {
  const end = offset + length;
  for (let at = offset + STUN_HEADER; at + 4 <= end; ) {
    const size = typeOf(bytes, at + 2);
    if (typeOf(bytes, at) === USERNAME) return textBeforeColon(bytes, at + 4, Math.min(end, at + 4 + size));
    at += 4 + ((size + 3) & ~3);
  }
  return undefined;
}

function textBeforeColon(bytes: Uint8Array, start: number, end: number): string | undefined {
  const colon = bytes.indexOf(0x3a, start);
  if (colon < 0 || colon >= end || colon - start > MAX_FRAGMENT) return undefined;
  return String.fromCharCode(...bytes.subarray(start, colon));
}
