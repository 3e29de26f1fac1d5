/** usrsctp is one for the process: its threads share it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { finalMessage } from "./final_message.js";

const workerFile = new URL("./sctp_worker.js", import.meta.url);
const start = (worker: number, rounds: number) => new Worker(workerFile, { workerData: { worker, rounds } });

describe("SCTP in many threads", function () {
  this.timeout(120_000);

  it("serves eight workers at once, each with data channels of its own", async () => {
    const workers = Array.from({ length: 8 }, (_, worker) => start(worker, 6));
    assert.deepEqual(await Promise.all(workers.map(finalMessage)), Array(8).fill("done"));
  });

  it("goes on for the others when workers are terminated in the middle, whoever ran the timers", async () => {
    const first = start(0, Number.POSITIVE_INFINITY);
    await once(first, "message");
    const lasting = start(1, 12);
    const outcome = finalMessage(lasting);
    await once(lasting, "message");
    await first.terminate();
    for (let i = 2; i < 6; i++) {
      const worker = start(i, Number.POSITIVE_INFINITY);
      await once(worker, "message");
      await worker.terminate();
    }
    assert.equal(await outcome, "done");
  });
});
