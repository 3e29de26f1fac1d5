/**
 * Password hashes: scrypt (RFC 7914) in the PHC string form `$scrypt$ln=15,r=8,p=3$SALT$HASH`, unpadded base64.
 * Node's asynchronous scrypt already runs on libuv's thread pool, so no pool of our own is put around it; only the
 * number that run at once is bounded (memory: 32 MiB each).
 */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** N = 2^ln; RFC 7914 §2. */
export interface ScryptCost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** About 0.3 s of one core, 32 MiB. */
export const DEFAULT_COST: ScryptCost = { ln: 15, r: 8, p: 3 };
/** Salt and hash as they lie in the file. */
export interface PasswordHash {
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replace(/=+$/, "");

export function formatHash({ cost, salt, hash }: PasswordHash): string {
  return `$scrypt$ln=${cost.ln},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`;
}

/** Undefined when `text` is no such hash, or one that would cost more than 1 GiB or no time at all. */
export function parseHash(text: string): PasswordHash | undefined {
  const match = PHC.exec(text);
  if (match === null) return undefined;
  const [, ln, r, p, salt, hash] = match as unknown as [string, string, string, string, string, string];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const memory = 128 * 2 ** cost.ln * cost.r;
  if (cost.ln < 1 || cost.r < 1 || cost.p < 1 || memory > 2 ** 30) return undefined;
  return { cost, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
}

function derive(password: string, salt: Uint8Array, length: number, cost: ScryptCost): Promise<Buffer> {
  const N = 2 ** cost.ln;
  const maxmem = 128 * N * cost.r + 128 * cost.r * cost.p + 1_048_576;
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, length, { N, r: cost.r, p: cost.p, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

export async function hashPassword(password: string, cost: ScryptCost): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES);
  return { cost, salt, hash: await derive(password, salt, HASH_BYTES, cost) };
}

export async function verifyPassword(password: string, stored: PasswordHash): Promise<boolean> {
  const hash = await derive(password, stored.salt, stored.hash.length, stored.cost);
  return timingSafeEqual(hash, stored.hash);
}
