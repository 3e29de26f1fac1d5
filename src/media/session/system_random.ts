import { createHash, createHmac, randomBytes } from "node:crypto";
import type { RandomSource } from "../../protocol/primitives/random.js";
import type { HmacSha1, Md5 } from "../../protocol/stun/index.js";

/** The operating system's random numbers, for everything a peer must not guess. */
export const systemRandom: RandomSource = {
  bytes: (n) => new Uint8Array(randomBytes(n)),
  uint32: () => randomBytes(4).readUInt32LE(),
};

export const hmacSha1: HmacSha1 = (key, data) =>
  new Uint8Array(createHmac("sha1", key).update(data).digest());

/** RFC 8489 §9.2.2 fixes it for the credentials of TURN servers. */
export const md5: Md5 = (data) => new Uint8Array(createHash("md5").update(data).digest());
