// `npm run fuzz [-- NAME...] [--seconds N]`: fuzzes each target for N seconds (30 by default) on one core and prints what was done.
// native/fuzz/*_fuzz.cc are built with clang, libFuzzer, AddressSanitizer and UBSan; test/fuzz/targets/*.ts run in Node. What they
// find is kept in build-fuzz/findings, what they learned in build-fuzz/. Ends with "N passed, N failed".
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "build-fuzz");
const findings = join(folder, "findings/");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "30" } },
});
const seconds = Number(values.seconds);
if (!(Number.isInteger(seconds) && seconds > 0 && seconds <= 86_400)) {
  console.error(`--seconds: found '${values.seconds}'; allowed: a whole number from 1 to 86400`);
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

/** Whether it found nothing. */
function runNative(name) {
  const args = [
    `-max_total_time=${seconds}`,
    "-max_len=2000",
    "-print_final_stats=1",
    `-artifact_prefix=${findings}`,
  ];
  const { status, stderr } = spawnSync(join(folder, name), args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const executions = /stat::number_of_executed_units:\s*(\d+)/.exec(stderr)?.[1] ?? "?";
  const coverage = [...stderr.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? "?";
  const verdict = status === 0 ? "no finding" : "FINDING";
  console.log(`${name}: ${executions} executions in ${seconds} s, ${coverage} edges covered, ${verdict}`);
  if (status !== 0) console.log(stderr.split("\n").slice(-40).join("\n"));
  return status === 0;
}

/** A process for each, for what a crash in the addon takes with it. */
function runInNode(name) {
  const args = ["dist/test/fuzz/main.js", name, "--seconds", `${seconds}`];
  const { status, signal } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (signal)
    console.log(`${name}: FINDING: ended by ${signal}; the input is in build-fuzz/node/${name}/last-input`);
  return status === 0;
}

mkdirSync(findings, { recursive: true });
const nativeTargets = targets.filter((name) => native.includes(name));
if (nativeTargets.length > 0) buildNative(nativeTargets);
const failed = targets.filter((name) => !(native.includes(name) ? runNative(name) : runInNode(name))).length;
console.log(`${targets.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
