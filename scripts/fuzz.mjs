// `npm run fuzz [-- NAME...] [--seconds N]`: builds native/fuzz/*_fuzz.cc with clang, libFuzzer, AddressSanitizer and UBSan in
// build-fuzz/, runs each for N seconds (30 by default) on one core and prints what libFuzzer did. What it finds is kept in
// build-fuzz/findings. Ends with "N passed, N failed".
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
const all = readdirSync(join(root, "native/fuzz"))
  .filter((name) => name.endsWith("_fuzz.cc"))
  .map((name) => name.slice(0, -".cc".length));
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

mustRun(
  "cmake",
  [
    "-S",
    ".",
    "-B",
    folder,
    "-DROOMRTC_FUZZ=ON",
    "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
    "-DROOMRTC_SANITIZE=address,undefined,fuzzer-no-link",
  ],
  { CC: "clang", CXX: "clang++" },
);
mustRun("cmake", ["--build", folder, "--target", ...targets]);
mkdirSync(findings, { recursive: true });

let failed = 0;
for (const name of targets) {
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
  console.log(
    `${name}: ${executions} executions in ${seconds} s, ${coverage} edges covered, ${status === 0 ? "no finding" : "FINDING"}`,
  );
  if (status !== 0) {
    failed++;
    console.log(stderr.split("\n").slice(-40).join("\n"));
  }
}
console.log(`${targets.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
