/** What the process holds, as Linux counts it. */
import { readdirSync, readFileSync } from "node:fs";

export interface Resources {
  readonly descriptors: number;
  readonly threads: number;
  /** Resident memory of all threads, in KiB. */
  readonly residentKib: number;
  /** Of the main thread, after a collection where `--expose-gc` allows one, in KiB. */
  readonly heapKib: number;
}

export function resources(): Resources {
  global.gc?.();
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
  const { heapUsed, external } = process.memoryUsage();
  return {
    // The listing holds one of its own.
    descriptors: readdirSync("/proc/self/fd").length - 1,
    threads: field("Threads"),
    residentKib: field("VmRSS"),
    heapKib: Math.round((heapUsed + external) / 1024),
  };
}
