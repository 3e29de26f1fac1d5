import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { drawExit, EXITS, type ExitOutcome, runExit } from "./exits.js";

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
const soak = fileURLToPath(new URL("./main.js", import.meta.url));

describe("many connections in one process", function () {
  this.timeout(120_000);

  it("leave no descriptor, thread or memory behind, at whatever stage they are closed", async () => {
    const args = ["--expose-gc", soak, "connections", "--count", "100", "--every", "20", "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const grew = JSON.parse(stdout);
    assert.deepEqual([grew.pairs, grew.descriptors, grew.threads], [100, 0, 0]);
    assert.ok(grew.heapKibAPair < 8, `${grew.heapKibAPair} KiB a pair`);
  });
});

describe(`a program that ends in the middle of a call (SEED=${SEED})`, function () {
  this.timeout(120_000);
  let outcomes: Promise<ExitOutcome>[];
  before(() => {
    const random = seededRandom(SEED);
    outcomes = Object.keys(EXITS).map((_, index) => runExit(drawExit(random, index)));
  });

  Object.keys(EXITS).forEach((way, index) => {
    it(`ends as it should by: ${way}`, async () => {
      const { assignment, problem } = await outcomes[index];
      assert.equal(problem, "", JSON.stringify(assignment));
    });
  });
});
