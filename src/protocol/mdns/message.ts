import { formatIp, parseIp } from "../primitives/address.js";

/** Multicast DNS messages (RFC 6762, RFC 1035 §4), as far as host names need them. */

export const MdnsType = { A: 1, AAAA: 28, ANY: 255 } as const;
const CLASS_IN = 1;
/** QU in questions (RFC 6762 §5.4), cache-flush in records (§10.2). */
const TOP_BIT = 0x8000;
const FLAG_RESPONSE = 0x8000;
const FLAG_AUTHORITATIVE = 0x0400;
const MAX_NAME = 255;
const MAX_LABEL = 63;
/** More than any honest message about a host name holds. */
const MAX_RECORDS = 64;

export interface MdnsQuestion {
  /** Without the trailing dot. */
  readonly name: string;
  readonly type: number;
  /** QU: the asker would rather have a unicast answer. */
  readonly unicast: boolean;
}

/** An address record. Records of other types are skipped when reading. */
export interface MdnsRecord {
  readonly name: string;
  /** Canonical text; its family decides between A and AAAA. */
  readonly address: string;
  readonly ttlSeconds: number;
  readonly cacheFlush: boolean;
}

export interface MdnsMessage {
  readonly id: number;
  readonly isResponse: boolean;
  readonly questions: readonly MdnsQuestion[];
  /** Answers and additional records together. */
  readonly records: readonly MdnsRecord[];
}

/** Reads a message. Undefined for anything malformed: lying lengths, pointer loops, too many records. Never throws. */
export function decodeMdns(data: Uint8Array): MdnsMessage | undefined {
  try {
    return new Reader(data).message();
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

class Malformed extends Error {}

class Reader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  message(): MdnsMessage {
    const id = this.#uint16();
    const flags = this.#uint16();
    const counts = [this.#uint16(), this.#uint16(), this.#uint16(), this.#uint16()];
    // RFC 6762 §18.3, §18.11: other opcodes and response codes are to be ignored.
    if ((flags & 0x780f) !== 0 || counts.some((n) => n > MAX_RECORDS)) throw new Malformed();
    const questions = Array.from({ length: counts[0] }, () => this.#question());
    const records: MdnsRecord[] = [];
    for (let n = counts[1] + counts[2] + counts[3]; n > 0; n--) {
      const record = this.#record();
      if (record) records.push(record);
    }
    return { id, isResponse: (flags & FLAG_RESPONSE) !== 0, questions, records };
  }

  #question(): MdnsQuestion {
    const name = this.#name();
    const type = this.#uint16();
    const rrClass = this.#uint16();
    return { name, type, unicast: (rrClass & TOP_BIT) !== 0 };
  }

  #record(): MdnsRecord | undefined {
    const name = this.#name();
    const type = this.#uint16();
    const rrClass = this.#uint16();
    const ttlSeconds = this.#uint16() * 65536 + this.#uint16();
    const bytes = this.#bytes(this.#uint16());
    const expected = type === MdnsType.A ? 4 : type === MdnsType.AAAA ? 16 : -1;
    if (expected < 0 || (rrClass & ~TOP_BIT) !== CLASS_IN) return undefined;
    if (bytes.length !== expected) throw new Malformed();
    return { name, address: formatIp(bytes), ttlSeconds, cacheFlush: (rrClass & TOP_BIT) !== 0 };
  }

  /** RFC 1035 §4.1.4: pointers only lead backwards here, so that they cannot loop. */
  #name(): string {
    const labels: string[] = [];
    let at = this.#at;
    let limit = at;
    let jumped = false;
    let total = 0;
    for (;;) {
      const length = this.#byteAt(at);
      if ((length & 0xc0) === 0xc0) {
        const target = ((length & 0x3f) << 8) | this.#byteAt(at + 1);
        if (target >= limit) throw new Malformed();
        if (!jumped) this.#at = at + 2;
        jumped = true;
        at = limit = target;
      } else if (length > MAX_LABEL) {
        throw new Malformed();
      } else {
        if (length === 0) break;
        total += length + 1;
        if (total > MAX_NAME || at + 1 + length > this.#data.length) throw new Malformed();
        labels.push(String.fromCharCode(...this.#data.subarray(at + 1, at + 1 + length)));
        at += 1 + length;
      }
    }
    if (!jumped) this.#at = at + 1;
    return labels.join(".");
  }

  #byteAt(at: number): number {
    if (at >= this.#data.length) throw new Malformed();
    return this.#data[at];
  }

  #uint16(): number {
    const value = (this.#byteAt(this.#at) << 8) | this.#byteAt(this.#at + 1);
    this.#at += 2;
    return value;
  }

  #bytes(count: number): Uint8Array {
    if (this.#at + count > this.#data.length) throw new Malformed();
    this.#at += count;
    return this.#data.slice(this.#at - count, this.#at);
  }
}

/** Writes a query for the addresses of one name. @throws RangeError for a name DNS cannot carry. */
export function encodeMdnsQuery(name: string, options: { readonly unicast?: boolean } = {}): Uint8Array {
  const rrClass = CLASS_IN | (options.unicast ? TOP_BIT : 0);
  const out = header(0, 0, 2, 0);
  for (const type of [MdnsType.A, MdnsType.AAAA])
    out.push(...encodeName(name), ...uint16(type), ...uint16(rrClass));
  return Uint8Array.from(out);
}

/**
 * Writes an answer. @throws RangeError for a name DNS cannot carry or a bad address.
 *
 * @param legacy - RFC 6762 §6.7: for an asker on another port than 5353, with its id and question.
 */
export function encodeMdnsResponse(
  records: readonly MdnsRecord[],
  legacy?: { readonly id: number; readonly question: MdnsQuestion },
): Uint8Array {
  const out = header(legacy?.id ?? 0, FLAG_RESPONSE | FLAG_AUTHORITATIVE, legacy ? 1 : 0, records.length);
  if (legacy)
    out.push(...encodeName(legacy.question.name), ...uint16(legacy.question.type), ...uint16(CLASS_IN));
  for (const r of records) {
    const ip = parseIp(r.address);
    if (!ip) throw new RangeError(`Not an IP address: ${r.address}`);
    const type = ip.length === 4 ? MdnsType.A : MdnsType.AAAA;
    out.push(...encodeName(r.name), ...uint16(type), ...uint16(CLASS_IN | (r.cacheFlush ? TOP_BIT : 0)));
    out.push(...uint16(r.ttlSeconds >>> 16), ...uint16(r.ttlSeconds & 0xffff), ...uint16(ip.length), ...ip);
  }
  return Uint8Array.from(out);
}

function header(id: number, flags: number, questions: number, answers: number): number[] {
  return [id, flags, questions, answers, 0, 0].flatMap(uint16);
}

function uint16(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function encodeName(name: string): number[] {
  const out: number[] = [];
  for (const label of name.split(".")) {
    const bytes = [...label].map((c) => c.charCodeAt(0));
    if (bytes.length === 0 || bytes.length > MAX_LABEL || bytes.some((b) => b > 0x7e || b < 0x21)) {
      throw new RangeError(`Not a DNS name: ${JSON.stringify(name.slice(0, 80))}`);
    }
    out.push(bytes.length, ...bytes);
  }
  out.push(0);
  if (out.length > MAX_NAME) throw new RangeError("A DNS name has at most 255 bytes");
  return out;
}

/** DNS names compare without regard to ASCII case (RFC 6762 §16). */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/**
 * Whether a candidate's address is a name to be asked for by multicast: `.local` with one label before it
 * (draft-ietf-mmusic-mdns-ice-candidates §3.2).
 */
export function isMdnsName(address: string): boolean {
  return /^[a-z0-9_-]{1,63}\.local\.?$/i.test(address);
}
