/**
 * IP addresses as the protocol cores see them: text for people and candidates, bytes for the wire and for rules.
 */

/** One end of a UDP or TCP path. */
export interface TransportAddress {
  readonly family: 4 | 6;
  /** The address as text; `formatIp` gives the one canonical form. No brackets, no zone. */
  readonly address: string;
  readonly port: number;
}

/** Network-order bytes of an IPv4 (4) or IPv6 (16) address; undefined when `text` is neither. No zone ids, no brackets. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (!match) return undefined;
  const out = new Uint8Array(4);
  for (let i = 0; i < 4; i++) {
    const part = match[i + 1];
    const value = Number(part);
    // A leading zero would be octal to some resolvers and decimal to others: nobody's address.
    if (value > 255 || (part.length > 1 && part[0] === "0")) return undefined;
    out[i] = value;
  }
  return out;
}

/** RFC 4291 §2.2, all three forms. */
function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0], !compressed);
  const tail = compressed ? parseGroups(halves[1], true) : [];
  if (!head || !tail) return undefined;
  const used = head.length + tail.length;
  if (compressed ? used > 14 : used !== 16) return undefined;
  const out = new Uint8Array(16);
  out.set(head, 0);
  out.set(tail, 16 - tail.length);
  return out;
}

/** Bytes of colon-separated groups; the last one may be dotted IPv4 where `dottedEnd` says so. */
function parseGroups(text: string, dottedEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const out: number[] = [];
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i];
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      out.push(value >> 8, value & 0xff);
      continue;
    }
    const dotted = dottedEnd && i === groups.length - 1 ? parseIpv4(group) : undefined;
    if (!dotted) return undefined;
    out.push(...dotted);
  }
  return out;
}

/** Canonical text of 4 or 16 network-order bytes; IPv6 by RFC 5952. Throws a RangeError for another length. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new RangeError(`An IP address has 4 or 16 bytes, not ${bytes.length}`);
  // RFC 5952 §5: an IPv4-mapped address shows its IPv4 part.
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  return formatIpv6(bytes);
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] << 8) | bytes[i + 1]).toString(16));
  const run = longestZeroRun(groups);
  if (run.length < 2) return groups.join(":");
  const head = groups.slice(0, run.start).join(":");
  const tail = groups.slice(run.start + run.length).join(":");
  return `${head}::${tail}`;
}

/** RFC 5952 §4.2: the first of the longest runs of zero groups. */
function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let i = 0; i < groups.length; i++) {
    let length = 0;
    while (groups[i + length] === "0") length++;
    if (length > best.length) best = { start: i, length };
    if (length > 0) i += length;
  }
  return best;
}

/** A transport address with canonical text from any accepted spelling; undefined for a bad address or port. */
export function makeTransportAddress(address: string, port: number): TransportAddress | undefined {
  const bytes = parseIp(address);
  if (!bytes || !Number.isInteger(port) || port < 0 || port > 65535) return undefined;
  return { family: bytes.length === 4 ? 4 : 6, address: formatIp(bytes), port };
}

/** Whether two addresses name the same endpoint, however they are spelled. */
export function sameTransportAddress(a: TransportAddress, b: TransportAddress): boolean {
  return a.port === b.port && a.family === b.family && sameIp(a.address, b.address);
}

/** Whether two texts name the same IP address. */
export function sameIp(a: string, b: string): boolean {
  if (a === b) return true;
  const left = parseIp(a);
  const right = parseIp(b);
  if (!left || !right || left.length !== right.length) return false;
  return left.every((byte, i) => byte === right[i]);
}

/** "192.0.2.1:443", "[2001:db8::1]:443". */
export function formatTransportAddress(a: TransportAddress): string {
  return a.family === 6 ? `[${a.address}]:${a.port}` : `${a.address}:${a.port}`;
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2). */
export function isIpv4Mapped(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[10] === 0xff && ip[11] === 0xff && allZero(ip, 10);
}

/** ::ffff:a.b.c.d → a.b.c.d; every other address as it is. */
export function unmapIpv4(ip: Uint8Array): Uint8Array {
  return isIpv4Mapped(ip) ? ip.subarray(12) : ip;
}

/** 127.0.0.0/8 and ::1, mapped ones too. */
export function isLoopback(ip: Uint8Array): boolean {
  const a = unmapIpv4(ip);
  return a.length === 4 ? a[0] === 127 : allZero(a, 15) && a[15] === 1;
}

/** 0.0.0.0 and ::. */
export function isUnspecified(ip: Uint8Array): boolean {
  const a = unmapIpv4(ip);
  return allZero(a, a.length);
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10. */
export function isLinkLocal(ip: Uint8Array): boolean {
  const a = unmapIpv4(ip);
  return a.length === 4 ? a[0] === 169 && a[1] === 254 : a[0] === 0xfe && (a[1] & 0xc0) === 0x80;
}

/** 224.0.0.0/4 and ff00::/8. */
export function isMulticast(ip: Uint8Array): boolean {
  const a = unmapIpv4(ip);
  return a.length === 4 ? (a[0] & 0xf0) === 0xe0 : a[0] === 0xff;
}

function allZero(bytes: Uint8Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (bytes[i] !== 0) return false;
  return true;
}
