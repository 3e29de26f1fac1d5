import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { native } from "../../native/addon.js";

const workerFile = new URL("./encoding_worker.js", import.meta.url);

interface Report {
  /** Of the whole encoded stream, hex. */
  readonly digest: string;
  readonly damaged: number;
}

function start(frames: number): Worker {
  return new Worker(workerFile, { workerData: { frames } });
}

async function reportOf(worker: Worker): Promise<Report> {
  const [[report]] = (await Promise.all([once(worker, "message"), once(worker, "exit")])) as [
    [Report],
    unknown,
  ];
  return report;
}

describe("the addon in several threads", () => {
  it("encodes the same stream in four workers at once", async () => {
    const reports = await Promise.all([1, 2, 3, 4].map(() => reportOf(start(15))));
    for (const report of reports) assert.deepEqual(report, reports[0]);
    assert.equal(reports[0].damaged, 0);
  });

  it("survives workers that are terminated in the middle of encoding", async () => {
    for (let round = 0; round < 8; round++) {
      const workers = [start(1_000_000), start(1_000_000)];
      await Promise.all(workers.map((worker) => once(worker, "message")));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    assert.equal((await reportOf(start(5))).damaged, 0);
    assert.match(native.openH264Version(), /^\d/);
  });
});
