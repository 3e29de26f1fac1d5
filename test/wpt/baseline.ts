/** What passed once and must go on passing. Subtests stand in it by a digest: their names are the suite's text. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { count, type FileOutcome } from "./outcome.js";

interface BaselineFile {
  /** Digests of the names of the subtests that pass, with spaces between. */
  readonly passed: string;
  readonly failed: number;
  readonly notApplicable: number;
}

export type Baseline = Readonly<Record<string, BaselineFile>>;

export interface Comparison {
  /** Passed in the baseline and does not now. */
  readonly lost: readonly string[];
  /** Passes now and did not. */
  readonly gained: readonly string[];
}

export function digestOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 8);
}

export function readBaseline(path: string): Baseline {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Baseline) : {};
}

export function writeBaseline(path: string, baseline: Baseline): void {
  const sorted = Object.fromEntries(Object.entries(baseline).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Compares one file. A subtest that the file no longer has is lost only if the file did not come to its end. */
export function compare(baseline: Baseline, outcome: FileOutcome): Comparison {
  const before = new Set(baseline[outcome.file]?.passed.match(/\S+/g));
  const lost: string[] = [];
  const gained: string[] = [];
  const seen = new Set<string>();
  for (const { name, status } of outcome.subtests) {
    const digest = digestOf(name);
    seen.add(digest);
    if (status === "passed" && !before.has(digest)) gained.push(name);
    if (status !== "passed" && before.has(digest)) lost.push(name);
  }
  const unfinished = outcome.error !== "" || outcome.notApplicable !== "";
  const gone = [...before].filter((digest) => !seen.has(digest));
  if (unfinished) lost.push(...gone.map((digest) => `(subtest ${digest})`));
  return { lost, gained };
}

/** The baseline with what came out now. */
export function updated(baseline: Baseline, outcomes: readonly FileOutcome[]): Baseline {
  const next: Record<string, BaselineFile> = { ...baseline };
  for (const outcome of outcomes) {
    const { failed, notApplicable } = count(outcome);
    const passed = outcome.subtests.flatMap(({ name, status }) =>
      status === "passed" ? [digestOf(name)] : [],
    );
    next[outcome.file] = { passed: passed.sort().join(" "), failed, notApplicable };
  }
  return next;
}
