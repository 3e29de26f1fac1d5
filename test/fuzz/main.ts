// The fuzz targets in TypeScript, for `npm run fuzz`: node dist/test/fuzz/main.js --seconds N [--seed N] NAME...
// `--input FILE` runs one target on one input, as a finding's first look.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runTarget, type TargetReport } from "./run_target.js";
import { loadTarget, root } from "./target.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "30" },
    seed: { type: "string" },
    input: { type: "string" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));

function describe(report: TargetReport, cpuSeconds: number): string {
  const { name, executions, seconds, coverage, corpus, slowestMs, finding } = report;
  const percent = ((100 * coverage.ran) / Math.max(1, coverage.code)).toFixed(1);
  return [
    `${name}: ${executions} executions in ${seconds.toFixed(0)} s (${cpuSeconds.toFixed(0)} s of CPU), ${percent} % of its code covered,`,
    `${corpus.length} inputs kept, slowest ${slowestMs.toFixed(1)} ms, seed ${seed},`,
    finding === undefined ? "no finding" : `FINDING: ${finding.why}`,
  ].join(" ");
}

if (values.input !== undefined) {
  const target = await loadTarget(positionals[0]);
  target.run(Uint8Array.from(readFileSync(values.input)));
  console.log(`${target.name}: no finding`);
} else {
  for (const name of positionals) {
    const before = process.cpuUsage();
    const report = await runTarget(name, {
      seconds: Number(values.seconds),
      seed,
      folder: join(root, "build-fuzz"),
    });
    const { user, system } = process.cpuUsage(before);
    console.log(describe(report, (user + system) / 1e6));
    if (report.finding !== undefined) process.exitCode = 1;
  }
}
