import type { TransportAddress } from "../primitives/address.js";
import type { RandomSource } from "../primitives/random.js";
import {
  decodeMdns,
  encodeMdnsResponse,
  type MdnsQuestion,
  type MdnsRecord,
  MdnsType,
  sameName,
} from "./message.js";
import { MDNS_GROUP_IPV4, MDNS_GROUP_IPV6, MDNS_PORT } from "./resolver.js";

export interface MdnsResponderOutput {
  readonly to: TransportAddress;
  readonly data: Uint8Array;
}

interface OwnName {
  readonly name: string;
  readonly address: string;
  /** When it was last sent to the group, by the group's family. */
  readonly multicastUs: Map<4 | 6, number>;
}

const TTL_SECONDS = 120;
/** RFC 6762 §6.7: at most 10 s for legacy askers. */
const LEGACY_TTL_SECONDS = 10;
/** RFC 6762 §6: a record is not sent to the group again within a second. */
const MULTICAST_INTERVAL_US = 1_000_000;

/** Answers for the names that stand for our own addresses in candidates. Sans-IO. */
export class MdnsResponder {
  readonly #names: OwnName[] = [];
  readonly #outputs: MdnsResponderOutput[] = [];
  malformed = 0;

  /** How many names are answered for. */
  get size(): number {
    return this.#names.length;
  }

  /**
   * Hides an address behind a new random name (draft-ietf-mmusic-mdns-ice-candidates §3.1.1: a version 4 UUID). Each call
   * gives another one: a name kept for several connections would tell that they come from one host.
   * @returns the name.
   */
  hide(address: string, random: RandomSource): string {
    const name = `${uuid(random)}.local`;
    this.#names.push({ name, address, multicastUs: new Map() });
    return name;
  }

  /** The name no longer stands for anything. */
  forget(name: string): void {
    const index = this.#names.findIndex((n) => sameName(n.name, name));
    if (index >= 0) this.#names.splice(index, 1);
  }

  /** What one of our own names stands for. */
  addressOf(name: string): string | undefined {
    return this.#names.find((n) => sameName(n.name, name))?.address;
  }

  /** Takes a datagram from a socket on port 5353. Only questions for our names are answered. */
  handleDatagram(from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const message = decodeMdns(data);
    if (!message) {
      this.malformed++;
      return;
    }
    if (message.isResponse) return;
    const told = new Set<OwnName>();
    for (const question of message.questions) {
      const own = this.#names.find((n) => sameName(n.name, question.name));
      if (!own || told.has(own) || !asksFor(question, own)) continue;
      told.add(own);
      // RFC 6762 §7.1: not what the asker already knows.
      const isKnown = message.records.some((r) => sameName(r.name, own.name) && r.address === own.address);
      if (!isKnown) this.#answer(own, question, from, message.id, nowUs);
    }
  }

  #answer(own: OwnName, question: MdnsQuestion, from: TransportAddress, id: number, nowUs: number): void {
    const record = (ttlSeconds: number, cacheFlush: boolean): MdnsRecord => ({
      name: own.name,
      address: own.address,
      ttlSeconds,
      cacheFlush,
    });
    if (from.port !== MDNS_PORT) {
      const data = encodeMdnsResponse([record(LEGACY_TTL_SECONDS, false)], { id, question });
      this.#outputs.push({ to: from, data });
      return;
    }
    const data = encodeMdnsResponse([record(TTL_SECONDS, true)]);
    const lastUs = own.multicastUs.get(from.family) ?? -Infinity;
    // RFC 6762 §5.4: the group hears it again all the same when a quarter of its life has passed.
    if (question.unicast && nowUs - lastUs < (TTL_SECONDS / 4) * 1_000_000) {
      this.#outputs.push({ to: from, data });
      return;
    }
    if (nowUs - lastUs < MULTICAST_INTERVAL_US) return;
    own.multicastUs.set(from.family, nowUs);
    this.#outputs.push({ to: from.family === 4 ? MDNS_GROUP_IPV4 : MDNS_GROUP_IPV6, data });
  }

  pollOutput(): MdnsResponderOutput | undefined {
    return this.#outputs.shift();
  }
}

function asksFor(question: MdnsQuestion, own: OwnName): boolean {
  const type = own.address.includes(":") ? MdnsType.AAAA : MdnsType.A;
  return question.type === type || question.type === MdnsType.ANY;
}

/** RFC 9562 §5.4. */
function uuid(random: RandomSource): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
