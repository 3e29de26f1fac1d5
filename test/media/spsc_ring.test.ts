import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { SpscRing } from "../../src/media/ring/spsc_ring.js";

describe("SpscRing", () => {
  it("gives records back in order and says full and empty", () => {
    const ring = SpscRing.allocate({ records: 4, recordWords: 2 });
    assert.equal(ring.peek(), -1);
    for (let i = 0; i < 4; i++) {
      ring.words[ring.reserve()] = i;
      ring.commit();
    }
    assert.equal(ring.reserve(), -1);
    for (let i = 0; i < 4; i++) {
      assert.equal(ring.words[ring.peek()], i);
      ring.advance();
    }
    assert.equal(ring.peek(), -1);
  });

  it("keeps counting through 2^32 and through the sign bit", () => {
    for (const startAt of [0xffff_fffd, 0x7fff_fffd]) {
      const ring = SpscRing.allocate({ records: 8, recordWords: 2, startAt });
      for (let i = 0; i < 100; i++) {
        for (let k = 0; k < 8; k++) {
          const at = ring.reserve();
          assert.notEqual(at, -1);
          ring.words[at] = i * 8 + k;
          ring.commit();
        }
        assert.equal(ring.reserve(), -1, "full at its capacity");
        assert.equal(ring.size, 8);
        for (let k = 0; k < 8; k++) {
          assert.equal(ring.words[ring.peek()], i * 8 + k);
          ring.advance();
        }
        assert.equal(ring.peek(), -1);
      }
    }
  });

  it("rounds the capacity up and refuses nonsense", () => {
    assert.equal(SpscRing.allocate({ records: 5, recordWords: 2 }).capacity, 8);
    assert.throws(() => SpscRing.allocate({ records: 0, recordWords: 2 }), { code: "RING_ARGUMENT" });
    assert.throws(() => SpscRing.allocate({ records: 4, recordWords: 3 }), { code: "RING_ARGUMENT" });
    assert.throws(() => new SpscRing(new SharedArrayBuffer(1024)), { code: "RING_LAYOUT" });
  });

  it("carries a million records between two threads across 2^32, none torn, none lost", async function () {
    this.timeout(120_000);
    const total = 1_000_000;
    const ring = SpscRing.allocate({ records: 64, recordWords: 4, startAt: 0xffff_ff00 });
    const modulePath = new URL("../../src/media/ring/spsc_ring.js", import.meta.url).href;
    const producer = new Worker(
      `const { workerData } = require("node:worker_threads");
       import(workerData.modulePath).then(({ SpscRing }) => {
         const ring = new SpscRing(workerData.buffer);
         const idle = new Int32Array(new SharedArrayBuffer(4));
         for (let i = 0, turns = 0; i < workerData.total; ) {
           const at = ring.reserve();
           if (at < 0) {
             if (++turns % 1000 === 0) Atomics.wait(idle, 0, 0, 0.1);
             continue;
           }
           ring.words[at] = i; ring.words[at + 1] = ~i; ring.floats[at / 2 + 1] = i * 0.5;
           ring.commit();
           i++;
         }
       });`,
      { eval: true, workerData: { modulePath, buffer: ring.buffer, total } },
    );
    const ended = new Promise((resolve, reject) => producer.once("exit", resolve).once("error", reject));
    await new Promise((resolve) => producer.once("online", resolve));
    // Both turn for a while, and then let the other have the processor: there may be but one.
    const idle = new Int32Array(new SharedArrayBuffer(4));
    for (let expected = 0, turns = 0; expected < total; ) {
      const at = ring.peek();
      if (at < 0) {
        if (++turns % 1000 === 0) Atomics.wait(idle, 0, 0, 0.1);
        if (turns % 100_000 === 0) await new Promise(setImmediate);
        continue;
      }
      if (
        ring.words[at] !== expected ||
        ring.words[at + 1] !== ~expected ||
        ring.floats[at / 2 + 1] !== expected * 0.5
      ) {
        assert.fail(`record ${expected}: found ${ring.words[at]}, ${ring.words[at + 1]}`);
      }
      ring.advance();
      expected++;
    }
    await ended;
    assert.equal(ring.peek(), -1);
  });
});
