import { parseIp, type TransportAddress } from "../primitives/address.js";
import { readU24, writeU16, writeU24 } from "../primitives/bytes.js";
import type { RandomSource } from "../primitives/random.js";
import type { HmacSha1 } from "../stun/index.js";

/** Seconds, modulo 194 days. */
const TIME_BYTES = 3;
const TIME_MASK = 0xff_ffff;
/** Guessing it proves an address and nothing more: the integrity is still to be had. */
const MAC_BYTES = 6;
const TEXT = /^[A-Za-z0-9+/]{12}$/;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Nonces (RFC 8489 §9.2.1) that need no memory: the second of their making and a keyed hash over it and the client's
 * address. Whoever returns one receives at that address. 12 characters: with a realm of at most 8 the whole challenge has 56
 * bytes, what two of the smallest Allocate requests pay for.
 */
export class Nonces {
  readonly #secret: Uint8Array;
  readonly #hmac: HmacSha1;
  readonly #lifetimeSeconds: number;

  constructor(random: RandomSource, hmacSha1: HmacSha1, lifetimeSeconds: number) {
    this.#secret = random.bytes(20);
    this.#hmac = hmacSha1;
    this.#lifetimeSeconds = lifetimeSeconds;
  }

  issue(client: TransportAddress, nowUs: number): Uint8Array {
    return encoder.encode(this.#make(client, Math.floor(nowUs / 1e6) & TIME_MASK));
  }

  /** Whether the nonce is one of ours, for that client, and young enough. */
  isValid(nonce: Uint8Array, client: TransportAddress, nowUs: number): boolean {
    const text = decoder.decode(nonce);
    if (!TEXT.test(text)) return false;
    const time = Uint8Array.from(atob(text.slice(0, 4)), (c) => c.charCodeAt(0));
    const seconds = readU24(time, 0);
    const age = (Math.floor(nowUs / 1e6) - seconds) & TIME_MASK;
    return age <= this.#lifetimeSeconds && same(text, this.#make(client, seconds));
  }

  /** @param seconds - already masked */
  #make(client: TransportAddress, seconds: number): string {
    const ip = parseIp(client.address) ?? new Uint8Array(0);
    const input = new Uint8Array(TIME_BYTES + 2 + ip.length);
    writeU24(input, 0, seconds);
    writeU16(input, TIME_BYTES, client.port);
    input.set(ip, TIME_BYTES + 2);
    const mac = this.#hmac(this.#secret, input).subarray(0, MAC_BYTES);
    return btoa(String.fromCharCode(...input.subarray(0, TIME_BYTES), ...mac));
  }
}

function same(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
