import assert from "node:assert/strict";
import { KeyframeRequester, KeyframeRequestFilter } from "../../../src/protocol/nack/keyframe_requests.js";
import { NackGenerator } from "../../../src/protocol/nack/nack_generator.js";
import { ResendBudget } from "../../../src/protocol/nack/resend_budget.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

const into = new Uint16Array(256);

function poll(generator: NackGenerator, nowUs: number): number[] {
  return [...into.subarray(0, generator.poll(nowUs, into))];
}

describe("NackGenerator", function () {
  this.timeout(60_000);

  it("asks after the wait for reordering, then every round trip, then gives up", () => {
    const g = new NackGenerator({ reorderUs: 5_000, maxRetries: 3 });
    g.rttUs = 40_000;
    for (const seq of [65534, 65535, 2]) g.handlePacket(seq, 0);
    assert.equal(g.nextDeadlineUs(), 5_000);
    assert.deepEqual(poll(g, 4_999), []);
    assert.deepEqual(poll(g, 5_000), [0, 1]);
    assert.equal(g.nextDeadlineUs(), 45_000);
    assert.deepEqual(poll(g, 44_999), []);
    assert.deepEqual(poll(g, 45_000), [0, 1]);
    assert.deepEqual(poll(g, 85_000), [0, 1]);
    assert.equal(g.takeGaveUp(), false);
    assert.deepEqual(poll(g, 125_000), []);
    assert.equal(g.takeGaveUp(), true);
    assert.equal(g.takeGaveUp(), false);
    assert.deepEqual(g.stats, { requested: 6, recovered: 0, givenUp: 2 });
    assert.equal(g.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    assert.equal(g.missingCount, 0);
  });

  it("does not ask for what was only overtaken, and says which arrivals were asked for", () => {
    const g = new NackGenerator();
    g.handlePacket(10, 0);
    g.handlePacket(12, 0);
    assert.equal(g.handlePacket(11, 3_000), false);
    assert.deepEqual(poll(g, 10_000), []);
    g.handlePacket(14, 20_000);
    assert.deepEqual(poll(g, 25_000), [13]);
    assert.equal(g.handlePacket(13, 60_000), true);
    assert.equal(g.handlePacket(13, 61_000), false);
    assert.equal(g.stats.recovered, 1);
  });

  it("forgets what the jitter buffer has passed", () => {
    const g = new NackGenerator();
    g.handlePacket(65530, 0);
    g.handlePacket(10, 0);
    assert.equal(g.missingCount, 15);
    g.discardBefore(5);
    assert.deepEqual(poll(g, 10_000), [5, 6, 7, 8, 9]);
    g.discardBefore(11);
    assert.equal(g.missingCount, 0);
    assert.equal(g.nextDeadlineUs(), Number.POSITIVE_INFINITY);
  });

  it("writes no more than fits and comes back for the rest at once", () => {
    const g = new NackGenerator();
    g.handlePacket(0, 0);
    g.handlePacket(100, 0);
    const small = new Uint16Array(60);
    assert.equal(g.poll(5_000, small), 60);
    assert.ok(g.nextDeadlineUs() <= 5_000);
    assert.equal(g.poll(5_000, small), 39);
    assert.equal(g.poll(5_000, small), 0);
  });

  it("gives a hole larger than its window up instead of asking for all of it", () => {
    const g = new NackGenerator({ capacity: 64 });
    g.handlePacket(0, 0);
    g.handlePacket(500, 0);
    assert.deepEqual(poll(g, 1e6), []);
    assert.equal(g.takeGaveUp(), true);
    g.handlePacket(502, 1e6);
    assert.deepEqual(poll(g, 2e6), [501]);
  });

  it("keeps its books when holes overtake its window", () => {
    const g = new NackGenerator({ capacity: 64 });
    for (let seq = 0; seq < 10_000; seq += 2) g.handlePacket(seq & 0xffff, 0);
    assert.ok(g.missingCount <= 64);
    assert.deepEqual(poll(g, 1e6).length, g.missingCount);
  });

  it("recovers every loss of a seeded network whose retransmissions arrive", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seededRandom(seed);
      const g = new NackGenerator();
      g.rttUs = 30_000;
      const got = new Set<number>();
      // Indices by the half millisecond they arrive in.
      const arrivals = new Map<number, number[]>();
      const schedule = (atUs: number, index: number) => {
        const tick = Math.ceil(atUs / 500);
        const at = arrivals.get(tick);
        if (at) at.push(index);
        else arrivals.set(tick, [index]);
      };
      const lose = () => random.uint32() % 10 < 2;
      const base = 65_000 + seed;
      for (let i = 0; i < 3000; i++)
        if (i === 0 || i > 2990 || !lose()) schedule(i * 1_000 + (random.uint32() % 8_000), i);
      for (let tick = 0; tick < 8_000; tick++) {
        for (const index of arrivals.get(tick) ?? []) {
          got.add(index);
          g.handlePacket((base + index) & 0xffff, tick * 500);
        }
        for (const seq of poll(g, tick * 500))
          if (!lose()) schedule(tick * 500 + 30_000, (seq - base) & 0xffff);
      }
      assert.equal(g.stats.givenUp, 0, `seed ${seed}`);
      assert.equal(g.missingCount, 0, `seed ${seed}`);
      // The very first packet sets the start; all after it must have come.
      const [first] = got;
      for (let i = first; i < 3000; i++) assert.ok(got.has(i), `seed ${seed}: ${i}`);
    }
  });
});

describe("KeyframeRequester", () => {
  it("asks at once, then at its pace while a keyframe is wanted", () => {
    const r = new KeyframeRequester({ minIntervalUs: 100_000 });
    assert.equal(r.poll(false, 0), false);
    assert.equal(r.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    assert.equal(r.poll(true, 10), true);
    assert.equal(r.poll(true, 100_000), false);
    assert.equal(r.nextDeadlineUs(), 100_010);
    assert.equal(r.poll(true, 100_010), true);
    r.rttUs = 200_000;
    assert.equal(r.poll(true, 300_000), false);
    assert.equal(r.poll(true, 400_010), true);
    assert.equal(r.sent, 3);
  });
});

describe("KeyframeRequestFilter", () => {
  it("answers a flood of requests with one keyframe an interval", () => {
    const f = new KeyframeRequestFilter({ minIntervalUs: 300_000 });
    let keyframes = 0;
    for (let nowUs = 0; nowUs < 3_000_000; nowUs += 1_000) {
      f.handlePli();
      if (f.poll(nowUs)) keyframes++;
    }
    assert.equal(keyframes, 10);
    assert.ok(f.nextDeadlineUs() >= 2_700_000 + 300_000);
  });

  it("answers a request that came too early as soon as it may", () => {
    const f = new KeyframeRequestFilter({ minIntervalUs: 300_000 });
    f.handlePli();
    assert.ok(f.poll(0));
    f.handlePli();
    assert.equal(f.poll(1_000), false);
    assert.equal(f.nextDeadlineUs(), 300_000);
    assert.ok(f.poll(300_000));
    assert.equal(f.poll(900_000), false);
  });

  it("takes a repeated FIR for the same request and a new number for another", () => {
    const f = new KeyframeRequestFilter();
    assert.equal(f.handleFir(1, 255), true);
    assert.ok(f.poll(0));
    assert.equal(f.handleFir(1, 255), false);
    assert.equal(f.poll(1e6), false);
    assert.equal(f.handleFir(2, 255), true);
    assert.equal(f.handleFir(1, 0), true);
    assert.ok(f.poll(1e6));
  });
});

describe("ResendBudget", () => {
  it("lets a burst be repeated, and then a share of what is sent", () => {
    const budget = new ResendBudget({ share: 0.25, burstBytes: 3000 });
    assert.deepEqual(
      [1000, 2000, 1].map((bytes) => budget.take(bytes)),
      [true, true, false],
    );
    budget.note(4000);
    assert.deepEqual(
      [1001, 1000, 1].map((bytes) => budget.take(bytes)),
      [false, true, false],
    );
    budget.note(1e9);
    assert.deepEqual(
      [3001, 3000].map((bytes) => budget.take(bytes)),
      [false, true],
    );
  });
});
