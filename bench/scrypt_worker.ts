/** One password hash, as a pooled job. */
import { scryptSync } from "node:crypto";
import type { ScryptJob } from "./scrypt.js";

export default function hash({ password, salt, cost, blockSize, parallelization }: ScryptJob): Uint8Array {
  const maxmem = 256 * cost * blockSize;
  return scryptSync(password, salt, 32, { cost, blockSize, parallelization, maxmem });
}
