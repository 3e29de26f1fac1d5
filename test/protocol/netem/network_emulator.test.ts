import assert from "node:assert/strict";
import { type LinkOptions, NetworkEmulator } from "../../../src/protocol/netem/index.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

interface Numbered {
  readonly n: number;
  readonly data: Uint8Array;
}

/** Sends `count` datagrams of `bytes` every `gapUs` and gives what arrived, when. */
function run(options: LinkOptions, count: number, { gapUs = 1000, bytes = 1000, seed = 42 } = {}) {
  const net = new NetworkEmulator<Numbered>(seededRandom(seed));
  const link = net.addLink(options);
  for (let n = 0; n < count; n++) net.send(link, { n, data: new Uint8Array(bytes) }, n * gapUs);
  const arrived: { n: number; atUs: number }[] = [];
  for (let now = net.nextDeadlineUs(); now < Infinity; now = net.nextDeadlineUs()) {
    for (let d = net.pollDelivery(now); d; d = net.pollDelivery(now))
      arrived.push({ n: d.datagram.n, atUs: now });
  }
  return { arrived, counters: net.counters(link) };
}

describe("network emulator", () => {
  it("delivers in order after the delay and never before", () => {
    const { arrived } = run({ delayUs: 5000 }, 100);
    assert.deepEqual(
      arrived,
      Array.from({ length: 100 }, (_, n) => ({ n, atUs: n * 1000 + 5000 })),
    );
    const net = new NetworkEmulator<Numbered>(seededRandom(1));
    net.send(net.addLink({ delayUs: 10 }), { n: 0, data: new Uint8Array(1) }, 0);
    assert.equal(net.pollDelivery(9), undefined);
    assert.equal(net.nextDeadlineUs(), 10);
    assert.ok(net.pollDelivery(10));
    assert.equal(net.nextDeadlineUs(), Infinity);
  });

  it("loses independently at the given rate", () => {
    const { arrived, counters } = run({ loss: 0.1 }, 20000);
    assert.equal(arrived.length + counters.lost, 20000);
    assert.ok(Math.abs(counters.lost - 2000) < 200, `${counters.lost} lost`);
  });

  it("loses in bursts under Gilbert–Elliott", () => {
    const { arrived } = run({ loss: { toBad: 0.01, toGood: 0.25, lossInGood: 0, lossInBad: 1 } }, 50000);
    const got = new Set(arrived.map((a) => a.n));
    let bursts = 0;
    for (let n = 1; n < 50000; n++) if (!got.has(n) && got.has(n - 1)) bursts++;
    const meanBurst = (50000 - arrived.length) / bursts;
    assert.ok(meanBurst > 3.5 && meanBurst < 4.5, `mean burst ${meanBurst}`);
  });

  it("keeps order under jitter and breaks it only when told to reorder", () => {
    const inOrder = (list: { n: number }[]) => list.every((a, i) => i === 0 || a.n > list[i - 1].n);
    assert.ok(inOrder(run({ jitterUs: 20000 }, 5000).arrived));
    const { arrived, counters } = run({ reorder: 0.05, reorderUs: 5500 }, 5000);
    assert.ok(!inOrder(arrived));
    assert.ok(counters.reordered > 150 && counters.reordered < 350);
    assert.equal(arrived.length, 5000);
  });

  it("duplicates at the given rate", () => {
    const { arrived, counters } = run({ duplicate: 0.2 }, 5000);
    assert.equal(arrived.length, 5000 + counters.duplicated);
    assert.ok(Math.abs(counters.duplicated - 1000) < 150);
  });

  it("serialises at the rate and drops the tail of a full queue", () => {
    const options = { rateBps: 1_000_000, queueBytes: 10_000, overheadBytes: 0 };
    const { arrived, counters } = run(options, 1000, { gapUs: 0, bytes: 1250 });
    assert.equal(arrived.length, 8);
    assert.equal(counters.queueDropped, 992);
    assert.deepEqual(
      arrived.map((a) => a.atUs),
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => n * 10_000),
    );
  });

  it("drops everything while a link is down and carries again after", () => {
    const net = new NetworkEmulator<Numbered>(seededRandom(1));
    const link = net.addLink();
    net.updateLink(link, { down: true });
    net.send(link, { n: 0, data: new Uint8Array(1) }, 0);
    net.updateLink(link, { down: false });
    net.send(link, { n: 1, data: new Uint8Array(1) }, 0);
    assert.equal(net.pollDelivery(0)?.datagram.n, 1);
    assert.equal(net.pollDelivery(0), undefined);
    assert.throws(() => net.updateLink(7, {}), RangeError);
  });

  it("gives the same result for the same seed and another for another", () => {
    const options = { loss: 0.1, jitterUs: 5000, reorder: 0.1, duplicate: 0.1 };
    assert.deepEqual(run(options, 1000, { seed: 7 }).arrived, run(options, 1000, { seed: 7 }).arrived);
    assert.notDeepEqual(run(options, 1000, { seed: 7 }).arrived, run(options, 1000, { seed: 8 }).arrived);
  });
});
