/** Candidates by name, with multicast of their own: in a network namespace, so nothing is heard or asked outside. */
import assert from "node:assert/strict";
import { needOwnNetwork, runInOwnNetwork } from "../support/own_network.js";

const PROGRAM = new URL("./mdns_program.js", import.meta.url);

describe("candidates behind multicast DNS names", function () {
  this.timeout(120_000);

  before(needOwnNetwork);

  async function run(...args: string[]): Promise<string[]> {
    const { code, output } = await runInOwnNetwork(PROGRAM, args);
    assert.equal(code, 0, output);
    return output.split("\n").filter((line) => line.startsWith("ok "));
  }

  it("are resolved and answered for by two engines, over both families, with no socket kept for nothing", async () => {
    assert.equal((await run()).length, 5);
  });

  it("connect us with Chromium, where neither shows an address", async () => {
    assert.equal((await run("chromium")).length, 1);
  });
});
