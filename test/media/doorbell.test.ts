import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { native } from "../../native/addon.js";
import { Doorbell } from "../../src/media/ring/doorbell.js";

describe("Doorbell", () => {
  it("a ring between reading the sequence and waiting is not lost", () => {
    const bell = Doorbell.allocate();
    const seen = bell.sequence();
    bell.ring();
    const before = native.monotonicUs();
    bell.wait(seen, before + 30e6);
    assert.ok(native.monotonicUs() - before < 29e6);
  });

  it("returns at the deadline without a ring", () => {
    const bell = Doorbell.allocate();
    const deadlineUs = native.monotonicUs() + 3000;
    bell.wait(bell.sequence(), deadlineUs);
    assert.ok(native.monotonicUs() >= deadlineUs - 200);
  });

  it("wakes a sleeping thread", async () => {
    const bell = Doorbell.allocate();
    const modulePath = new URL("../../src/media/ring/doorbell.js", import.meta.url).href;
    const sleeper = new Worker(
      `const { workerData, parentPort } = require("node:worker_threads");
       import(workerData.modulePath).then(({ Doorbell }) => {
         const bell = new Doorbell(workerData.buffer);
         const seen = bell.sequence();
         parentPort.postMessage("asleep");
         bell.wait(seen, Infinity);
         parentPort.postMessage(bell.sequence() - seen);
       });`,
      { eval: true, workerData: { modulePath, buffer: bell.buffer } },
    );
    const messages: unknown[] = [];
    sleeper.on("message", (message) => {
      messages.push(message);
      if (message === "asleep") bell.ring();
    });
    await new Promise((resolve, reject) => sleeper.once("exit", resolve).once("error", reject));
    assert.deepEqual(messages, ["asleep", 1]);
  });

  it("polls with no time when rung before the sleep, with the time left otherwise", () => {
    const bell = Doorbell.allocate();
    const given: number[] = [];
    const seen = bell.sequence();
    const deadlineUs = native.monotonicUs() + 200_000;
    let leftUs = 0;
    bell.wait(seen, deadlineUs, (timeoutUs) => {
      leftUs = deadlineUs - native.monotonicUs();
      given.push(timeoutUs);
    });
    bell.ring();
    bell.wait(seen, native.monotonicUs() + 200_000, (timeoutUs) => given.push(timeoutUs));
    assert.ok(given[0] >= leftUs && given[0] <= 200_000, `${given[0]} µs, ${leftUs} left`);
    assert.equal(given[1], 0);
  });
});
