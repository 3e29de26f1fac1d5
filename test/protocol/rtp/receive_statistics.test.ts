import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { ReceiveStatistics, type ReceptionReport } from "../../../src/protocol/rtp/receive_statistics.js";

function emptyReport(): ReceptionReport {
  return {
    ssrc: 0,
    fractionLost: 0,
    cumulativeLost: 0,
    extendedHighestSequence: 0,
    jitter: 0,
    lastSr: 0,
    delaySinceLastSr: 0,
  };
}

function report(stats: ReceiveStatistics): ReceptionReport {
  const into = emptyReport();
  stats.fillReport(into);
  return into;
}

describe("ReceiveStatistics", function () {
  this.timeout(60_000);

  it("agrees with a straightforward RFC 3550 §6.4.1 jitter over reordered, wrapping timestamps", () => {
    const random = seededRandom(31);
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    let expected = 0;
    let previous: { arrival: bigint; timestamp: bigint } | undefined;
    for (let i = 0; i < 3000; i++) {
      // A nanosecond grid in exact integers on this side, doubles on the other.
      const sent = BigInt(i - (i % 7 === 3 ? 2 : 0));
      const timestamp = 0xffff0000n + sent * 3000n;
      const arrivalNs = BigInt(i) * 33_333_333n + BigInt(random.uint32() % 20_000_000);
      stats.update(
        (65000 + Number(sent)) & 0xffff,
        Number(timestamp & 0xffffffffn),
        Number(arrivalNs) / 1000,
      );
      if (previous) {
        const dArrival = Number(arrivalNs - previous.arrival) * 90e-6;
        const d = dArrival - Number(timestamp - previous.timestamp);
        expected = expected + (Math.abs(d) - expected) / 16;
      }
      previous = { arrival: arrivalNs, timestamp };
    }
    assert.ok(expected > 100);
    assert.ok(Math.abs(report(stats).jitter - expected) <= 1, `${report(stats).jitter} ${expected}`);
    assert.ok(Math.abs(stats.jitterUs - expected / 0.09) < 1);
  });

  it("has no jitter when packets come as evenly as they were sent", () => {
    const stats = new ReceiveStatistics({ clockRate: 48000 });
    for (let i = 0; i < 100; i++) stats.update(i, i * 960, i * 20_000);
    assert.ok(stats.jitterUs < 1e-6);
  });

  it("counts loss per interval and since the start", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    for (let seq = 0; seq < 100; seq++) if (seq % 4 !== 3) stats.update(seq, 0, 0);
    stats.update(100, 0, 0);
    const first = report(stats);
    assert.equal(first.cumulativeLost, 25);
    assert.equal(first.extendedHighestSequence, 100);
    assert.equal(first.fractionLost, Math.floor((25 * 256) / 101));
    for (let seq = 101; seq < 201; seq++) stats.update(seq, 0, 0);
    const second = report(stats);
    assert.equal(second.fractionLost, 0);
    assert.equal(second.cumulativeLost, 25);
    assert.equal(stats.lastFractionLost, 0);
  });

  it("counts wraps of the sequence number, in order and reordered", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    for (let i = 0; i < 200_000; i++) {
      const swapped = i ^ 1;
      stats.update((65000 + swapped) & 0xffff, 0, 0);
    }
    assert.equal(stats.extendedHighestSequence, 65000 + 199_999);
    // The very first packet was overtaken, so one before the base arrived.
    assert.equal(stats.cumulativeLost, -1);
  });

  it("lets duplicates offset loss, even below zero", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    for (let seq = 0; seq < 10; seq++) {
      stats.update(seq, 0, 0);
      stats.update(seq, 0, 0);
    }
    const r = report(stats);
    assert.equal(r.cumulativeLost, -10);
    assert.equal(r.fractionLost, 0);
  });

  it("ignores one wild sequence number and follows two in a row", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    for (let seq = 0; seq < 50; seq++) stats.update(seq, 0, 0);
    assert.equal(stats.update(30_000, 0, 0), false);
    assert.equal(stats.update(50, 0, 0), true);
    assert.equal(stats.cumulativeLost, 0);
    assert.equal(stats.update(40_000, 0, 0), false);
    assert.equal(stats.update(40_001, 0, 0), true);
    assert.equal(stats.extendedHighestSequence, 40_001);
    assert.equal(stats.cumulativeLost, 0);
  });

  it("keeps the losses of a dropout that is not a restart", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    stats.update(1, 0, 0);
    stats.update(2900, 0, 0);
    assert.equal(stats.cumulativeLost, 2898);
    assert.equal(report(stats).fractionLost, Math.floor((2898 * 256) / 2900));
  });

  it("holds a source on probation until packets come in sequence", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000, probation: 2 });
    assert.equal(stats.update(5, 0, 0), false);
    assert.equal(stats.update(9, 0, 0), false);
    assert.equal(stats.active, false);
    assert.equal(stats.update(10, 0, 0), true);
    assert.equal(stats.expected, 1);
  });

  it("leaves the jitter to packets that did not wait for a request", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    stats.update(1, 0, 0);
    stats.update(3, 6000, 66_666.67);
    stats.update(2, 3000, 500_000, 100, false);
    assert.ok(stats.jitterUs < 1);
    assert.equal(stats.received, 3);
  });

  it("clamps cumulative loss to 24 bits", () => {
    const stats = new ReceiveStatistics({ clockRate: 90000 });
    for (let i = 0; i < 4000; i++) stats.update((i * 2999) & 0xffff, 0, 0);
    assert.equal(report(stats).cumulativeLost, 0x7fffff);
  });
});
