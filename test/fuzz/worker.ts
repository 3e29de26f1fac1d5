/** A thread that fuzzes one target. What it tries stands in shared memory first, so that a hang or an end leaves it behind. */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { Campaign } from "./campaign.js";
import { Coverage } from "./coverage.js";
import { inputsIn, keptInputs, loadTarget } from "./target.js";

export interface FuzzAssignment {
  readonly name: string;
  readonly seconds: number;
  readonly executions?: number;
  readonly seed: number;
  /** Inputs found by earlier runs; they need not exist. */
  readonly folder: string;
  /** Words: executions, length of the input; its bytes follow. */
  readonly shared: SharedArrayBuffer;
}

const { name, folder, shared, ...limits } = workerData as FuzzAssignment;
const words = new Int32Array(shared, 0, 2);
const bytes = new Uint8Array(shared, 8);

// Coverage counts from the moment a source is compiled.
const coverage = new Coverage();
const target = await loadTarget(name);
coverage.watch(target.sources);
const lastInput = target.isNative ? openSync(join(folder, "last-input"), "w") : -1;

const campaign = new Campaign(target, coverage, {
  ...limits,
  corpus: [...keptInputs(name), ...inputsIn(join(folder, "corpus"))],
  announce: (input) => {
    bytes.set(input);
    words[1] = input.length;
    Atomics.add(words, 0, 1);
    if (lastInput < 0) return;
    writeSync(lastInput, input, 0, input.length, 0);
  },
});
const result = campaign.run();
coverage.stop();
parentPort?.postMessage(result);
