// `npm run fuzz [-- NAME...] [--seconds N] [--jobs N]`: fuzzes each target for N seconds (30 by default), as many targets at once
// as `--jobs` says (1 by default), and prints what was done.
// native/fuzz/*_fuzz.cc are built with clang, libFuzzer, AddressSanitizer and UBSan; test/fuzz/targets/*.ts run in Node. What they
// find is kept in build-fuzz/findings, what they learned in build-fuzz/. Ends with "N passed, N failed".
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "build-fuzz");
const findings = join(folder, "findings/");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "30" }, jobs: { type: "string", default: "1" } },
});
const seconds = wholeNumber("seconds", 86_400);
const jobs = wholeNumber("jobs", 64);

function wholeNumber(name, max) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0 && value <= max) return value;
  console.error(`--${name}: found '${values[name]}'; allowed: a whole number from 1 to ${max}`);
  process.exit(2);
}

function namesIn(path, end) {
  return readdirSync(join(root, path))
    .filter((name) => name.endsWith(end))
    .map((name) => name.slice(0, -(end.length - end.indexOf("."))));
}

const native = namesIn("native/fuzz", "_fuzz.cc");
const all = [...native, ...namesIn("test/fuzz/targets", ".ts")];
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no such fuzz target: ${unknown.join(", ")}; there are: ${all.join(", ")}`);
  process.exit(2);
}
const targets = positionals.length > 0 ? positionals : all;

function mustRun(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, ...env },
  });
  if (status === 0) return;
  console.error(`${command} ${args.join(" ")}: ${error?.message ?? `ended with status ${status}`}`);
  process.exit(1);
}

function buildNative(names) {
  const options = ["-DROOMRTC_FUZZ=ON", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"];
  const sanitize = "-DROOMRTC_SANITIZE=address,undefined,fuzzer-no-link";
  mustRun("cmake", ["-S", ".", "-B", folder, ...options, sanitize], { CC: "clang", CXX: "clang++" });
  mustRun("cmake", ["--build", folder, "--target", ...names]);
}

/** What a program wrote, and how it ended. */
function outcomeOf(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (part) => {
      text += part;
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, text }));
  });
}

/** Whether it found nothing. */
async function runNative(name) {
  const corpus = join(folder, "native", name);
  mkdirSync(corpus, { recursive: true });
  const args = [
    corpus,
    `-max_total_time=${seconds}`,
    "-max_len=2000",
    "-print_final_stats=1",
    `-artifact_prefix=${findings}`,
  ];
  const { status, text } = await outcomeOf(join(folder, name), args);
  const executions = /stat::number_of_executed_units:\s*(\d+)/.exec(text)?.[1] ?? "?";
  const coverage = [...text.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? "?";
  const verdict = status === 0 ? "no finding" : "FINDING";
  console.log(`${name}: ${executions} executions in ${seconds} s, ${coverage} edges covered, ${verdict}`);
  if (status !== 0) console.log(text.split("\n").slice(-40).join("\n"));
  return status === 0;
}

/** A process for each, for what a crash in the addon takes with it. */
async function runInNode(name) {
  const args = ["dist/test/fuzz/main.js", name, "--seconds", `${seconds}`];
  const { status, signal, text } = await outcomeOf(process.execPath, args);
  process.stdout.write(text);
  if (signal)
    console.log(`${name}: FINDING: ended by ${signal}; the input is in build-fuzz/node/${name}/last-input`);
  return status === 0;
}

mkdirSync(findings, { recursive: true });
const nativeTargets = targets.filter((name) => native.includes(name));
if (nativeTargets.length > 0) buildNative(nativeTargets);

const waiting = [...targets];
let failed = 0;

async function runWaiting() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    if (!(await (native.includes(name) ? runNative(name) : runInNode(name)))) failed++;
  }
}

await Promise.all(Array.from({ length: Math.min(jobs, targets.length) }, runWaiting));
console.log(`${targets.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
