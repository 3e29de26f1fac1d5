// `npm test`: lint, the native tests and every folder below test/, each in a process of its own (a crash is one failure,
// not the end of the run). Arguments name folders: `npm test -- protocol server`. Ends with "N passed, N failed".
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), "roomrtc-test-"));
const total = { passed: 0, failed: 0, skipped: 0 };

function add(counts) {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped ?? 0;
}

function run(command, args, env = {}) {
  return spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ...env },
  });
}

/** One check that passes with exit status 0. */
function check(title, command, args) {
  const { status } = run(command, args);
  console.log(`${status === 0 ? "ok" : "FAILED"}: ${title}`);
  add({ passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 });
}

/** What a run of mocha left, or one failure when it ended without leaving anything. */
function countsOf(file, status, folder) {
  if (!existsSync(file)) {
    console.log(`FAILED: test/${folder} ended with status ${status} before its last test`);
    return { passed: 0, failed: 1 };
  }
  const counts = JSON.parse(readFileSync(file, "utf8"));
  if (status !== 0 && counts.failed === 0) {
    console.log(`FAILED: test/${folder} passed its tests and then ended with status ${status}`);
    counts.failed = 1;
  }
  return counts;
}

function runFolder(folder) {
  const counts = join(scratch, `${folder}.json`);
  const args = [
    "node_modules/mocha/bin/mocha.js",
    "--reporter",
    "scripts/mocha-reporter.cjs",
    "--timeout",
    "30000",
  ];
  const started = process.hrtime.bigint();
  const { status } = run(process.execPath, [...args, `dist/test/${folder}/**/*.test.js`], {
    ROOMRTC_COUNTS: counts,
  });
  add(countsOf(counts, status, folder));
  console.log(`test/${folder}: ${Math.round(Number(process.hrtime.bigint() - started) / 1e6)} ms\n`);
}

/** native/core under AddressSanitizer and UBSan; the last line of what it prints has its counts. */
function runCore() {
  const { stdout, status } = spawnSync(process.execPath, ["scripts/test-native.mjs"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  process.stdout.write(stdout);
  const counts = /(\d+) passed, (\d+) failed\s*$/.exec(stdout);
  add(
    counts && status === 0
      ? { passed: Number(counts[1]), failed: Number(counts[2]) }
      : { passed: 0, failed: 1 },
  );
  console.log(`native/core: status ${status}\n`);
}

function hasTests(folder) {
  const path = join(root, "dist/test", folder);
  return (
    statSync(path).isDirectory() &&
    readdirSync(path, { recursive: true }).some((name) => name.endsWith(".test.js"))
  );
}

const wanted = process.argv.slice(2);
const folders = readdirSync(join(root, "dist/test")).filter(hasTests).sort();
const unknown = wanted.filter((name) => !["lint", "core", ...folders].includes(name));
if (unknown.length > 0) {
  console.error(`no such test folder: ${unknown.join(", ")}; there are: lint, core, ${folders.join(", ")}`);
  process.exit(2);
}
const chosen = (name) => wanted.length === 0 || wanted.includes(name);

if (chosen("lint")) {
  check("biome (format and lint)", process.execPath, [
    "node_modules/@biomejs/biome/bin/biome",
    "check",
    "--error-on-warnings",
  ]);
  check("architecture (arrows, circles, sans-IO)", process.execPath, ["scripts/check-architecture.mjs"]);
  const files = spawnSync("git", ["ls-files", "native/*.cc", "native/*.h"], {
    cwd: root,
    encoding: "utf8",
  }).stdout;
  check("clang-format", "clang-format", ["--dry-run", "--Werror", ...files.trim().split("\n")]);
}
if (chosen("core")) runCore();
for (const folder of folders) if (chosen(folder)) runFolder(folder);

rmSync(scratch, { recursive: true });
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ""}`,
);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
