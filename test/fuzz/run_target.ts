/** Fuzzes one target in a thread of its own and watches over it: no input may hang it or eat the memory. */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { CampaignResult, Finding } from "./campaign.js";
import type { FuzzAssignment } from "./worker.js";

const workerFile = new URL("./worker.js", import.meta.url);
const MAX_INPUT_BYTES = 1 << 20;
/** A parser needs a few; the engine fed with datagrams some more. */
const MAX_HEAP_MB = 256;
/** No input runs longer than this, however busy the machine is. */
const HANG_MS = 20_000;
const MAX_KEPT = 500;

export interface TargetReport extends CampaignResult {
  readonly name: string;
  readonly seed: number;
}

export interface RunOptions {
  readonly seconds: number;
  readonly executions?: number;
  readonly seed: number;
  /** Where the corpus and findings are kept. */
  readonly folder: string;
}

export async function runTarget(name: string, options: RunOptions): Promise<TargetReport> {
  const { folder, seed } = options;
  const kept = join(folder, "node", name);
  mkdirSync(join(kept, "corpus"), { recursive: true });
  const shared = new SharedArrayBuffer(8 + MAX_INPUT_BYTES);
  const assignment: FuzzAssignment = { ...options, name, folder: kept, shared };
  const worker = new Worker(workerFile, {
    workerData: assignment,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  const result = await outcomeOf(worker, shared);
  if (result.finding !== undefined) {
    const findings = join(folder, "findings");
    mkdirSync(findings, { recursive: true });
    writeFileSync(join(findings, `${name}-${digestOf(result.finding.input)}`), result.finding.input);
  }
  if (result.corpus.length > 0) keepCorpus(join(kept, "corpus"), result.corpus);
  return { name, seed, ...result };
}

function outcomeOf(worker: Worker, shared: SharedArrayBuffer): Promise<CampaignResult> {
  const words = new Int32Array(shared, 0, 2);
  return new Promise((resolve) => {
    const started = process.hrtime.bigint();
    const broken = (why: string): CampaignResult => ({
      executions: words[0],
      seconds: Number(process.hrtime.bigint() - started) / 1e9,
      corpus: [],
      slowestMs: Number.NaN,
      coverage: { ran: 0, code: 0 },
      finding: { input: lastInput(shared), why },
    });
    let before = -1;
    const watch = setInterval(() => {
      const now = Atomics.load(words, 0);
      if (now === before && now > 0) {
        resolve(broken(`ran for more than ${HANG_MS} ms`));
        void worker.terminate();
      }
      before = now;
    }, HANG_MS);
    worker.once("message", (result: CampaignResult) => resolve(result));
    worker.once("error", (error) => resolve(broken(error.stack ?? String(error))));
    worker.once("exit", () => {
      clearInterval(watch);
      resolve(broken("the thread ended"));
    });
  });
}

function lastInput(shared: SharedArrayBuffer): Finding["input"] {
  return new Uint8Array(shared, 8, new Int32Array(shared, 0, 2)[1]).slice();
}

/** What the next run starts from. */
function keepCorpus(folder: string, corpus: readonly Uint8Array[]): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const input of corpus.slice(-MAX_KEPT)) writeFileSync(join(folder, digestOf(input)), input);
}

export function digestOf(input: Uint8Array): string {
  return createHash("sha1").update(input).digest("hex").slice(0, 16);
}
