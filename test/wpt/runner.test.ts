import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare, digestOf, readBaseline, updated, writeBaseline } from "./baseline.js";
import { count, type FileOutcome } from "./outcome.js";
import { checkoutRoot, isTestFile, readTestPage } from "./page_scripts.js";
import { runFile } from "./run_file.js";

const root = fileURLToPath(new URL("../../../test/fixtures/wpt", import.meta.url));

describe("the runner of the Web Platform Tests", function () {
  this.timeout(30_000);

  it("knows tests from helpers, and the checkout from its resources", () => {
    const tests = ["webrtc/a.html", "webrtc/a.https.html", "webrtc/a.any.js", "webrtc/a.window.js"];
    const others = [
      "webrtc/RTCStats-helper.js",
      "webrtc/a-manual.html",
      "webrtc/tools/x.html",
      "webrtc/a.js",
    ];
    assert.deepEqual([...tests, ...others].filter(isTestFile), tests);
    assert.equal(checkoutRoot(join(root, "webrtc")), root);
    assert.equal(checkoutRoot("/"), undefined);
  });

  it("reads a page's scripts in order, without comments and data blocks", () => {
    const { scripts, variants, long, missing } = readTestPage(root, "webrtc/page.https.html");
    assert.deepEqual(
      scripts.map(({ name }) => name),
      ["/resources/testharness.js", "/webrtc/helper.js", "/webrtc/page.https.html"],
    );
    assert.deepEqual({ variants, long, missing }, { variants: ["?one", "?two"], long: false, missing: [] });
  });

  it("runs each variant in a process of its own and sets apart what needs a document", async () => {
    const [one, two] = await runFile(root, "webrtc/page.https.html");
    assert.deepEqual(count(one), { passed: 3, failed: 0, notApplicable: 1 });
    assert.deepEqual(count(two), { passed: 2, failed: 1, notApplicable: 1 });
    assert.equal(two.file, "webrtc/page.https.html?two");
  });

  it("does not run a file whose scripts are not there", async () => {
    const [outcome] = await runFile(root, "webrtc/needs.any.js");
    assert.equal(outcome.notApplicable, "the checkout has no /common/missing.js");
    assert.deepEqual(count(outcome), { passed: 0, failed: 0, notApplicable: 1 });
  });

  it("ends a file that hangs, and keeps what it had told by then", async () => {
    const [outcome] = await runFile(root, "webrtc/hangs.window.js", { normalMs: 5000, longMs: 5000 });
    assert.deepEqual(
      outcome.subtests.map(({ name }) => name),
      ["helper"],
    );
    assert.match(outcome.error, /not at its end/);
  });

  it("survives a file that takes its process down", async () => {
    const [outcome] = await runFile(root, "webrtc/crashes.window.js");
    assert.equal(outcome.subtests.length, 1);
    assert.match(outcome.error, /ended with 3/);
  });

  it("calls lost what passed once and does not now, and keeps a baseline that only grows", () => {
    const outcome = (names: Record<string, "passed" | "failed">, error = ""): FileOutcome => ({
      file: "webrtc/a.html",
      subtests: Object.entries(names).map(([name, status]) => ({ name, status, message: "" })),
      error,
      notApplicable: "",
    });
    const before = updated({}, [outcome({ one: "passed", two: "passed", three: "failed" })]);
    const now = outcome({ one: "failed", two: "passed", three: "passed" });
    assert.deepEqual(compare(before, now), { lost: ["one"], gained: ["three"] });
    // Gone from a file that came to its end: the suite has dropped it.
    assert.deepEqual(compare(before, outcome({ two: "passed" })).lost, []);
    assert.equal(compare(before, outcome({ two: "passed" }, "crashed")).lost.length, 1);
    const folder = mkdtempSync(join(tmpdir(), "wpt-"));
    try {
      const path = join(folder, "baseline.json");
      assert.deepEqual(readBaseline(path), {});
      writeBaseline(path, before);
      const again = readBaseline(path);
      assert.deepEqual(again["webrtc/a.html"].passed, [digestOf("one"), digestOf("two")].sort().join(" "));
      assert.equal(again["webrtc/a.html"].failed, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
