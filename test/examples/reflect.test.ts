import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("../../examples/reflect.js", import.meta.url));

describe("examples/ortc", function () {
  this.timeout(120_000);

  it("connects two ends without descriptions, for a picture and a channel, and ends by itself", async () => {
    const ortc = fileURLToPath(new URL("../../examples/ortc.js", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [ortc], { timeout: 110_000 });
    assert.deepEqual(stdout.trim().split("\n"), ["connected", "heard: hello", "10 pictures of 320x240 came"]);
  });
});

describe("examples/reflect", function () {
  this.timeout(120_000);

  it("sends pictures and sound there and back, and ends by itself", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 110_000 });
    assert.deepEqual(stdout.trim().split("\n"), [
      "100 pictures of 320x240 came back upside down: true",
      "the sound came back: true",
    ]);
  });
});
