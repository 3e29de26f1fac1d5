import { parseIp } from "./address.js";

/** A network: all addresses that begin with the first `bits` bits of `bytes`. */
export interface IpPrefix {
  /** 4 or 16 network-order bytes. */
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** "10.0.0.0/8", "2001:db8::/32", or one address alone; undefined when `text` is none of these. */
export function parseIpPrefix(text: string): IpPrefix | undefined {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const bytes = match ? parseIp(match[1]) : undefined;
  if (!match || !bytes) return undefined;
  const bits = match[2] === undefined ? bytes.length * 8 : Number(match[2]);
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined;
}

/** Whether `ip` lies in the network. Families never match each other: an IPv4-mapped address is an IPv6 one here. */
export function prefixContains(prefix: IpPrefix, ip: Uint8Array): boolean {
  const { bytes, bits } = prefix;
  if (bytes.length !== ip.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (bytes[i] !== ip[i]) return false;
  const rest = bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return (bytes[whole] & mask) === (ip[whole] & mask);
}
