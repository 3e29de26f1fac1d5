// `npm test`: lint, the native tests and every folder below test/, each in a process of its own (a crash is one failure,
// not the end of the run), two at a time. Arguments name folders: `npm test -- protocol server`. Ends with what failed, once
// more and together, and "N passed, N failed".
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), "roomrtc-test-"));
/** Calls run in real time: more of them at once than there are processors would wait for each other. */
const LANES = Math.min(2, availableParallelism());
/** A process that hangs is a failure, not a run without an end. */
const LIMIT_MS = 600_000;
/** These take longest: whoever begins with them ends with both lanes full. */
const FIRST = ["call", "core", "turn", "session", "web", "media", "examples", "interop", "webrtc"];

/**
 * Runs a command to its end and keeps what it says, so that the words of two at once do not mix: `output` is all, `said` what
 * came on its standard output.
 */
function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      said += text;
    });
    child.on("error", (error) => resolve({ status: null, output: `${output}${error.message}\n`, said }));
    child.on("close", (status, signal) => resolve({ status: status ?? signal, output, said }));
  });
}

/** The end of what a command said, where it tells why it failed. */
function lastLines(output, count = 8) {
  return output.trimEnd().split("\n").slice(-count).join("\n");
}

/** One check that passes with exit status 0. */
async function check(title, command, args) {
  const { status, output } = await run(command, args);
  const passed = status === 0;
  return {
    passed: passed ? 1 : 0,
    failed: passed ? 0 : 1,
    failures: passed ? [] : [{ title, why: lastLines(output) }],
    output: `${output}${passed ? "ok" : "FAILED"}: ${title}\n`,
  };
}

async function lint() {
  const files = spawnSync("git", ["ls-files", "native/*.cc", "native/*.h"], { cwd: root, encoding: "utf8" });
  const results = [
    await check("biome (format and lint)", process.execPath, [
      "node_modules/@biomejs/biome/bin/biome",
      "check",
      "--error-on-warnings",
    ]),
    await check("architecture (arrows, circles, sans-IO)", process.execPath, [
      "scripts/check-architecture.mjs",
    ]),
    await check("documents (links, paths, RFCs)", process.execPath, ["scripts/check-docs.mjs"]),
    await check("clang-format", "clang-format", [
      "--dry-run",
      "--Werror",
      ...files.stdout.trim().split("\n"),
    ]),
  ];
  return {
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    failures: results.flatMap(({ failures }) => failures),
    output: results.map(({ output }) => output).join(""),
  };
}

/** native/core under AddressSanitizer and UBSan; the last line of what it prints has its counts. */
async function core() {
  const { status, output, said } = await run(process.execPath, ["scripts/test-native.mjs"]);
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(said);
  const told = { output: `${output}native/core: status ${status}\n` };
  if (counts && status === 0) return { passed: Number(counts[1]), failed: Number(counts[2]), ...told };
  const why = `status ${status}\n${lastLines(output)}`;
  return { passed: 0, failed: 1, failures: [{ title: "native/core", why }], ...told };
}

/** What a run of mocha left, or one failure when it ended without leaving anything. */
function countsOf(file, status, folder, output) {
  if (!existsSync(file)) {
    const title = `test/${folder} ended with status ${status} before its last test`;
    const failures = [{ title, why: lastLines(output) }];
    return { passed: 0, failed: 1, failures, note: `FAILED: ${title}\n` };
  }
  const counts = JSON.parse(readFileSync(file, "utf8"));
  if (status === 0 || counts.failed > 0) return { ...counts, note: "" };
  const title = `test/${folder} passed its tests and then ended with status ${status}`;
  const failures = [{ title, why: lastLines(output) }];
  return { ...counts, failed: 1, failures, note: `FAILED: ${title}\n` };
}

async function mocha(folder) {
  const file = join(scratch, `${folder}.json`);
  const { status, output } = await run(
    process.execPath,
    [
      "node_modules/mocha/bin/mocha.js",
      "--reporter",
      "scripts/mocha-reporter.cjs",
      "--timeout",
      "60000",
      `dist/test/${folder}/**/*.test.js`,
    ],
    { ROOMRTC_COUNTS: file },
  );
  const { note, ...counts } = countsOf(file, status, folder, output);
  return { ...counts, output: output + note };
}

function hasTests(folder) {
  const path = join(root, "dist/test", folder);
  return (
    statSync(path).isDirectory() &&
    readdirSync(path, { recursive: true }).some((name) => name.endsWith(".test.js"))
  );
}

const jobs = new Map([
  ["lint", lint],
  ["core", core],
]);
for (const folder of readdirSync(join(root, "dist/test")).filter(hasTests).sort()) {
  jobs.set(folder, () => mocha(folder));
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !jobs.has(name));
if (unknown.length > 0) {
  console.error(`no such test folder: ${unknown.join(", ")}; there are: ${[...jobs.keys()].join(", ")}`);
  process.exit(2);
}
const chosen = [...jobs.keys()].filter((name) => wanted.length === 0 || wanted.includes(name));
const queue = [
  ...FIRST.filter((name) => chosen.includes(name)),
  ...chosen.filter((name) => !FIRST.includes(name)),
];

const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, for the end: a log of thousands of lines is often kept by its last ones. */
const failed = [];

/** Takes one job after the other from the queue. */
async function lane() {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const started = performance.now();
    const result = await jobs.get(name)();
    const { passed, skipped = 0, output, failures = [] } = result;
    console.log(
      `${output}${name}: ${passed} passed, ${result.failed} failed, ${Math.round(performance.now() - started)} ms\n`,
    );
    total.passed += passed;
    total.failed += result.failed;
    failed.push(...failures.map((failure) => ({ ...failure, folder: name })));
    total.skipped += skipped;
  }
}

await Promise.all(Array.from({ length: LANES }, lane));
rmSync(scratch, { recursive: true });
for (const { folder, title, why } of failed) {
  console.log(`FAILED in ${folder}: ${title}\n${why.replace(/^/gm, "    ")}\n`);
}
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ""}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
