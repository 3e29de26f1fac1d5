/**
 * `npm run bench -- scrypt`: a burst of logins hashed by Node's own thread pool (what the server does) and by a piscina pool, in
 * turn. Behind docs/decisions/0004-who-hashes-passwords.md.
 */
import { randomBytes, scrypt } from "node:crypto";
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";

export interface ScryptJob {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}

/** The server's parameters (src/server/password.ts). */
const COST = { cost: 2 ** 15, blockSize: 8, parallelization: 3 };
const LOGINS = 8;
const ROUNDS = 5;

export async function run(): Promise<void> {
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const threads = availableParallelism();
  const pool = new Piscina({
    filename: new URL("./scrypt_worker.js", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  await Promise.all(Array.from({ length: threads }, () => pool.run(job())));
  const startMs = performance.now() - started;
  const poolBytes = process.memoryUsage.rss() - before;
  const own: number[] = [];
  const pooled: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await time(() => inNodesPool(job())));
    pooled.push(await time(() => pool.run(job())));
  }
  await pool.destroy();
  print(`${LOGINS} logins at once, ${ROUNDS} rounds in turn, ${threads} threads in the piscina pool`);
  print(`crypto.scrypt   ${spread(own)}`);
  print(
    `piscina         ${spread(pooled)}; its threads took ${startMs.toFixed(0)} ms to start and ${(poolBytes / 1e6).toFixed(1)} MB`,
  );
}

function job(): ScryptJob {
  return { password: "correct horse battery staple", salt: randomBytes(16), ...COST };
}

function inNodesPool({ password, salt, ...options }: ScryptJob): Promise<Uint8Array> {
  return new Promise((done, fail) => {
    const maxmem = 256 * options.cost * options.blockSize;
    scrypt(password, salt, 32, { ...options, maxmem }, (error, key) => (error ? fail(error) : done(key)));
  });
}

async function time(hash: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await Promise.all(Array.from({ length: LOGINS }, hash));
  return performance.now() - from;
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [median, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted[sorted.length - 1]];
  return `median ${median.toFixed(0)} ms (${least.toFixed(0)} to ${most.toFixed(0)})`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
