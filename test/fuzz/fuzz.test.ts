import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { Mutator } from "./mutator.js";
import { runTarget } from "./run_target.js";
import { keptInputs, loadTarget, targetNames } from "./target.js";

const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
/** Changed inputs for each target here; `npm run fuzz` tries as many as the time allows. */
const ROUNDS = 100;

describe(`parsers against changed input (SEED=${SEED})`, function () {
  this.timeout(60_000);
  for (const name of targetNames()) {
    it(`${name} keeps its promises`, async () => {
      const target = await loadTarget(name);
      const random = seededRandom(SEED);
      const inputs = [...target.seeds(), ...keptInputs(name)];
      assert.ok(target.seeds().length > 0);
      for (const input of inputs) target.run(input.slice());
      const mutator = new Mutator(random, target.words ?? [], target.maxBytes ?? 2000);
      const pick = () => inputs[random.uint32() % inputs.length];
      for (let round = 0; round < ROUNDS; round++) {
        const input = mutator.mutate(pick(), pick());
        try {
          target.run(input.slice());
        } catch (error) {
          throw new Error(`${name}, input ${Buffer.from(input).toString("base64")}`, { cause: error });
        }
      }
    });
  }
});

describe("the fuzzer", function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-fuzz-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("learns inputs that reach further than the seeds", async () => {
    const report = await runTarget("candidate", { seconds: 30, executions: 500, seed: 1, folder });
    assert.equal(report.finding, undefined);
    assert.ok(report.coverage.ran > 0 && report.coverage.ran <= report.coverage.code);
    const { seeds } = await loadTarget("candidate");
    assert.ok(report.corpus.length > seeds().length, `${report.corpus.length} inputs`);
  });
});
