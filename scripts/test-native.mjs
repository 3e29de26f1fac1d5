// `npm run test:native`: builds native/test/*_test.cc with the sanitizers and runs them. Ends with "N passed, N failed".
//   (nothing)        AddressSanitizer and UndefinedBehaviorSanitizer, in build-asan/
//   --thread         ThreadSanitizer, in build-tsan/
//   NAME...          only these tests: `npm run test:native -- yuv_test`
// A test program prints its own "N passed, N failed" last; one that ends otherwise counts as one failure.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TEST_TIMEOUT_MS = 300_000;

function choose(args) {
  const thread = args.includes("--thread");
  const all = readdirSync(join(root, "native/test"))
    .filter((name) => name.endsWith("_test.cc"))
    .map((name) => name.slice(0, -".cc".length));
  const asked = args.filter((name) => name !== "--thread");
  const unknown = asked.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    console.error(`no such native test: ${unknown.join(", ")}; there are: ${all.join(", ")}`);
    process.exit(2);
  }
  return {
    folder: thread ? "build-tsan" : "build-asan",
    sanitizers: thread ? "thread" : "address,undefined",
    tests: asked.length > 0 ? asked : all,
  };
}

function mustRun(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status === 0) return;
  console.error(`${command} ${args.join(" ")}: ${error?.message ?? `ended with status ${status}`}`);
  console.log("0 passed, 1 failed");
  process.exit(1);
}

function build({ folder, sanitizers, tests }) {
  // -O1 takes two thirds of -O2's time to compile, which is most of the time here.
  const options = ["-DROOMRTC_TESTS=ON", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1"];
  mustRun("cmake", ["-S", ".", "-B", folder, `-DROOMRTC_SANITIZE=${sanitizers}`, ...options]);
  // Beside it `npm test` makes calls in real time: the compiler takes what they leave.
  const jobs = ["-j", String(availableParallelism())];
  mustRun("nice", ["-n", "10", "cmake", "--build", folder, ...jobs, "--target", ...tests]);
}

/** What the program says of itself; a crash, a sanitizer's finding or a time-out is a failure more. */
function countsOf({ status, signal, stdout }) {
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(last) ?? [];
  const counts = { passed: Number(passed ?? 0), failed: Number(failed ?? 0) };
  if (status !== 0 && counts.failed === 0) {
    console.log(`FAILED: ended with ${signal ?? `status ${status}`}`);
    counts.failed = 1;
  }
  return counts;
}

function runTest(folder, name) {
  console.log(`\n${name} (${folder})`);
  const result = spawnSync(join(root, folder, name), [], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: TEST_TIMEOUT_MS,
    maxBuffer: 64 << 20,
  });
  process.stdout.write(result.stdout);
  return countsOf(result);
}

const chosen = choose(process.argv.slice(2));
build(chosen);
const total = { passed: 0, failed: 0 };
for (const name of chosen.tests) {
  const { passed, failed } = runTest(chosen.folder, name);
  total.passed += passed;
  total.failed += failed;
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
