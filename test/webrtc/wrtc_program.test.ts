/** One program on two packages: what is written for `@roamhq/wrtc` runs here by changing what is loaded. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { needOwnNetwork, runInOwnNetwork } from "../support/own_network.js";

const file = (name: string) => new URL(`../../../${name}`, import.meta.url);
const path = (name: string) => fileURLToPath(file(name));
const program = file("test/webrtc/wrtc_program.cjs");
const call = file("dist/test/webrtc/wrtc_call.js");

const ours = {
  require: ["require", path("dist/index.cjs")],
  import: ["import", path("dist/src/index.js")],
} as const;

/** Where the benchmarks or the interop matrix have installed it. */
const theirs = ["interop", "bench/peers"]
  .map((folder) => path(`${folder}/node_modules/@roamhq/wrtc/lib/index.js`))
  .find(existsSync);

interface Side {
  readonly colour: readonly number[];
  readonly hz: number;
  readonly echo: string;
  readonly streamsSent: number;
  readonly connection: string;
}

/** Both sides saw the other's colour, heard its tone, and got the answer to their message. */
function check(sides: readonly Side[]): void {
  assert.equal(sides.length, 2);
  const isRed = ({ colour: [red, , blue] }: Side) => red > blue;
  assert.deepEqual(sides.map(isRed).sort(), [false, true]);
  for (const side of sides) {
    assert.ok(Math.abs(side.hz / (isRed(side) ? 440 : 880) - 1) < 0.06, `${side.hz} Hz`);
    const { echo, streamsSent, connection } = side;
    const expected = { echo: "greetings, in bytes", streamsSent: 2, connection: "closed" };
    assert.deepEqual({ echo, streamsSent, connection }, expected);
  }
}

async function run(what: URL, ...args: readonly string[]): Promise<Side[]> {
  const { code, output } = await runInOwnNetwork(what, args);
  assert.equal(code, 0, output);
  return output.split("\n").flatMap((line) => (line.startsWith("[{") ? (JSON.parse(line) as Side[]) : []));
}

describe("a program written for @roamhq/wrtc", function () {
  this.timeout(120_000);

  before(needOwnNetwork);

  for (const [how, name] of Object.values(ours)) {
    it(`runs on ours, loaded by ${how}`, async () => check(await run(program, how, name)));
  }

  if (theirs !== undefined) {
    const roamhq = ["require", theirs];
    it("runs on @roamhq/wrtc, as it is", async () => check(await run(program, ...roamhq)));

    it("calls from one package to the other, either way", async () => {
      const on = fileURLToPath(program);
      check(await run(call, on, ...ours.import, ...roamhq));
      check(await run(call, on, ...roamhq, ...ours.require));
    });
  }
});
