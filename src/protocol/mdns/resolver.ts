import type { TransportAddress } from "../primitives/address.js";
import { decodeMdns, encodeMdnsQuery, isMdnsName } from "./message.js";

export const MDNS_PORT = 5353;
/** RFC 6762 §3. */
export const MDNS_GROUP_IPV4: TransportAddress = { family: 4, address: "224.0.0.251", port: MDNS_PORT };
export const MDNS_GROUP_IPV6: TransportAddress = { family: 6, address: "ff02::fb", port: MDNS_PORT };

export interface MdnsResolverOptions {
  /** Families to ask on. Default both. */
  readonly families?: readonly (4 | 6)[];
  /** Queries per name, the first at once, then after 1, 2, 4 … s (RFC 6762 §5.2). Default 4. */
  readonly attempts?: number;
  /** How long to wait after the last query. Default 2 s. */
  readonly lastWaitUs?: number;
  /** Whether the first query wants an answer to us alone (RFC 6762 §5.4); no good where the port is shared. Default true. */
  readonly unicastFirst?: boolean;
  /** Names asked for at the same time, and answers remembered. Default 64. */
  readonly limit?: number;
}

export type MdnsResolverOutput =
  | { readonly type: "transmit"; readonly to: TransportAddress; readonly data: Uint8Array }
  | { readonly type: "resolved"; readonly name: string; readonly addresses: readonly string[] }
  /** Nobody answered, the name is none to ask for, or too many are asked for already. Never fatal. */
  | {
      readonly type: "unresolved";
      readonly name: string;
      readonly reason: "timeout" | "bad-name" | "too-many";
    };

interface Asked {
  readonly name: string;
  attempts: number;
  nextUs: number;
}

interface Known {
  readonly addresses: string[];
  expiresUs: number;
}

const SECOND_US = 1_000_000;
/** Whatever a record says; candidates are short-lived. */
const MAX_TTL_SECONDS = 120;
const MAX_ADDRESSES = 8;

/** Resolves the `.local` names of other people's candidates (RFC 6762 one-shot queries). Sans-IO. */
export class MdnsResolver {
  readonly #options: Required<MdnsResolverOptions>;
  readonly #asked = new Map<string, Asked>();
  readonly #known = new Map<string, Known>();
  readonly #outputs: MdnsResolverOutput[] = [];
  malformed = 0;
  unsolicited = 0;

  constructor(options: MdnsResolverOptions = {}) {
    this.#options = {
      families: [4, 6],
      attempts: 4,
      lastWaitUs: 2 * SECOND_US,
      unicastFirst: true,
      limit: 64,
      ...options,
    };
  }

  /** Asks for a name; `resolved` or `unresolved` follows exactly once for each name that is being asked for. */
  resolve(name: string, nowUs: number): void {
    const key = keyOf(name);
    const known = this.#known.get(key);
    if (known && known.expiresUs > nowUs) {
      this.#outputs.push({ type: "resolved", name, addresses: [...known.addresses] });
    } else if (!isMdnsName(name)) {
      this.#outputs.push({ type: "unresolved", name, reason: "bad-name" });
    } else if (this.#asked.size >= this.#options.limit && !this.#asked.has(key)) {
      this.#outputs.push({ type: "unresolved", name, reason: "too-many" });
    } else if (!this.#asked.has(key)) {
      this.#asked.set(key, { name, attempts: 0, nextUs: nowUs });
      this.handleTimeout(nowUs);
    }
  }

  /** Nobody wants to know any more. */
  cancel(name: string): void {
    this.#asked.delete(keyOf(name));
  }

  /**
   * Takes a datagram from an mDNS socket. The first answer resolves a name at once; later ones serve later questions.
   *
   * @param from - RFC 6762 §6: answers come from port 5353; others are dropped.
   */
  handleDatagram(from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const message = decodeMdns(data);
    if (!message) {
      this.malformed++;
      return;
    }
    if (!message.isResponse || from.port !== MDNS_PORT) return;
    const fresh = new Set<string>();
    for (const record of message.records) {
      const key = keyOf(record.name);
      if (!this.#asked.has(key) && !this.#known.has(key)) this.unsolicited++;
      else if (this.#learn(key, record.address, record.ttlSeconds, nowUs)) fresh.add(key);
    }
    for (const key of fresh) this.#answer(key);
  }

  #learn(key: string, address: string, ttlSeconds: number, nowUs: number): boolean {
    const known = this.#known.get(key);
    // RFC 6762 §10.1: a time to live of zero takes the record back.
    if (ttlSeconds === 0) {
      this.#known.delete(key);
      return false;
    }
    const expiresUs = nowUs + Math.min(ttlSeconds, MAX_TTL_SECONDS) * SECOND_US;
    if (!known || known.expiresUs <= nowUs) {
      this.#forgetOld(nowUs);
      this.#known.set(key, { addresses: [address], expiresUs });
      return true;
    }
    known.expiresUs = expiresUs;
    if (!known.addresses.includes(address) && known.addresses.length < MAX_ADDRESSES)
      known.addresses.push(address);
    return true;
  }

  #forgetOld(nowUs: number): void {
    for (const [key, known] of this.#known) if (known.expiresUs <= nowUs) this.#known.delete(key);
    while (this.#known.size >= this.#options.limit) {
      const [oldest] = this.#known.keys();
      this.#known.delete(oldest);
    }
  }

  #answer(key: string): void {
    const asked = this.#asked.get(key);
    const known = this.#known.get(key);
    if (!asked || !known) return;
    this.#asked.delete(key);
    this.#outputs.push({ type: "resolved", name: asked.name, addresses: [...known.addresses] });
  }

  handleTimeout(nowUs: number): void {
    for (const [key, asked] of this.#asked) {
      if (nowUs < asked.nextUs) continue;
      if (asked.attempts >= this.#options.attempts) {
        this.#asked.delete(key);
        this.#outputs.push({ type: "unresolved", name: asked.name, reason: "timeout" });
      } else {
        this.#query(asked, nowUs);
      }
    }
  }

  #query(asked: Asked, nowUs: number): void {
    const { families, attempts, lastWaitUs, unicastFirst } = this.#options;
    const data = encodeMdnsQuery(trimDot(asked.name), { unicast: unicastFirst && asked.attempts === 0 });
    for (const family of families) {
      this.#outputs.push({ type: "transmit", to: family === 4 ? MDNS_GROUP_IPV4 : MDNS_GROUP_IPV6, data });
    }
    const waitUs = 2 ** asked.attempts * SECOND_US;
    asked.attempts++;
    asked.nextUs = nowUs + (asked.attempts === attempts ? lastWaitUs : waitUs);
  }

  nextDeadlineUs(): number {
    let next = Infinity;
    for (const a of this.#asked.values()) next = Math.min(next, a.nextUs);
    return next;
  }

  pollOutput(): MdnsResolverOutput | undefined {
    return this.#outputs.shift();
  }
}

function trimDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function keyOf(name: string): string {
  return trimDot(name).toLowerCase();
}
