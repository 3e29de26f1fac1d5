/**
 * `npm run wpt -- PATH [--update] [--list]`: runs a checkout of the Web Platform Tests' webrtc folder, a folder or a file
 * of it, without a browser, and compares with the baseline. Exit status 1: something that passed does not any more.
 */
import { readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compare, readBaseline, updated, writeBaseline } from "./baseline.js";
import { count, type FileOutcome } from "./outcome.js";
import { checkoutRoot, isTestFile } from "./page_scripts.js";
import { runFile } from "./run_file.js";

/** Beside the source, not the compiled file. */
const baselinePath = fileURLToPath(new URL("../../../test/wpt/baseline.json", import.meta.url));

function stop(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function testFiles(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile() && isTestFile(file))
    .sort();
}

function printFile(outcome: FileOutcome, lost: readonly string[], list: boolean): void {
  const { passed, failed, notApplicable } = count(outcome);
  const remark = outcome.notApplicable || outcome.error;
  const numbers = [passed, failed, notApplicable].map((n) => `${n}`.padStart(4)).join(" ");
  console.log(`${numbers}  ${outcome.file}${remark === "" ? "" : `  (${remark.split("\n")[0]})`}`);
  for (const name of lost) console.log(`      LOST ${name}`);
  if (!list) return;
  for (const { name, status, message } of outcome.subtests) {
    if (status !== "passed") console.log(`      ${status}: ${name}: ${message.split("\n")[0]}`);
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { update: { type: "boolean", default: false }, list: { type: "boolean", default: false } },
});
const [given] = positionals;
if (given === undefined || positionals.length > 1) stop("usage: npm run wpt -- PATH [--update] [--list]");
const path = resolve(given);
const root = checkoutRoot(path) ?? stop(`${path}: no folder above it has resources/testharness.js`);
const start = path === root ? join(root, "webrtc") : path;

const baseline = readBaseline(baselinePath);
const outcomes: FileOutcome[] = [];
const total = { passed: 0, failed: 0, notApplicable: 0 };
let lostCount = 0;
let gainedCount = 0;
console.log("passed, failed, not applicable");
for (const file of testFiles(start)) {
  for (const outcome of await runFile(root, relative(root, file))) {
    const { lost, gained } = compare(baseline, outcome);
    printFile(outcome, lost, values.list);
    outcomes.push(outcome);
    const counts = count(outcome);
    for (const key of ["passed", "failed", "notApplicable"] as const) total[key] += counts[key];
    lostCount += lost.length;
    gainedCount += gained.length;
  }
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.notApplicable} not applicable`);
if (gainedCount > 0)
  console.log(`${gainedCount} more than in the baseline${values.update ? "" : " (--update keeps them)"}`);
if (lostCount > 0) console.log(`${lostCount} passed in the baseline and do not now`);
if (values.update && lostCount === 0) writeBaseline(baselinePath, updated(baseline, outcomes));
process.exitCode = lostCount > 0 ? 1 : 0;
