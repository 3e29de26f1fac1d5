import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { RoundTripEstimator, SenderReportTracker } from "../../../src/protocol/rtcp/round_trip.js";
import { RtcpScheduler } from "../../../src/protocol/rtcp/scheduler.js";
import { compactNtp, WallClock } from "../../../src/protocol/rtp/ntp.js";
import type { ReceptionReport } from "../../../src/protocol/rtp/receive_statistics.js";

function report(): ReceptionReport {
  return {
    ssrc: 1,
    fractionLost: 0,
    cumulativeLost: 0,
    extendedHighestSequence: 0,
    jitter: 0,
    lastSr: 0,
    delaySinceLastSr: 0,
  };
}

describe("round-trip time", () => {
  it("is what the path took, not what the peer waited", () => {
    const clock = new WallClock(1_790_000_000_000_000);
    const ntp = { seconds: 0, fraction: 0 };
    const tracker = new SenderReportTracker();
    const estimator = new RoundTripEstimator(clock);
    for (let i = 0; i < 200; i++) {
      const sentUs = i * 997_000;
      clock.ntp(sentUs, ntp);
      // The peer's clock is its own: only differences count.
      const peerUs = 5e9 + sentUs + 30_000;
      tracker.handleSenderReport(ntp.seconds, ntp.fraction, peerUs);
      const block = report();
      tracker.fillReport(block, peerUs + 700_000);
      assert.ok(
        estimator.handleReport(block.lastSr, block.delaySinceLastSr, sentUs + 30_000 + 700_000 + 20_000),
      );
      assert.ok(Math.abs(estimator.lastUs - 50_000) < 50, `${estimator.lastUs}`);
    }
    assert.ok(Math.abs(estimator.smoothedUs - 50_000) < 50);
    assert.equal(estimator.measurements, 200);
  });

  it("has no opinion before a sender report, and none of lies", () => {
    const estimator = new RoundTripEstimator(new WallClock(1_790_000_000_000_000));
    const block = report();
    new SenderReportTracker().fillReport(block, 5);
    assert.deepEqual([block.lastSr, block.delaySinceLastSr], [0, 0]);
    assert.equal(estimator.handleReport(0, 0, 10), false);
    const ntp = { seconds: 0, fraction: 0 };
    new WallClock(1_790_000_000_000_000).ntp(1_000_000, ntp);
    assert.equal(estimator.handleReport(compactNtp(ntp.seconds, ntp.fraction), 0x10000, 1_100_000), false);
    assert.equal(estimator.smoothedUs, 0);
  });

  it("is at least a microsecond when rounding says less", () => {
    const clock = new WallClock(1_790_000_000_000_000);
    const ntp = { seconds: 0, fraction: 0 };
    clock.ntp(1_000_000, ntp);
    const estimator = new RoundTripEstimator(clock);
    assert.ok(estimator.handleReport(compactNtp(ntp.seconds, ntp.fraction), 3, 1_000_010));
    assert.equal(estimator.lastUs, 1);
  });
});

function intervals(scheduler: RtcpScheduler, count: number): number[] {
  const out: number[] = [];
  let last = 0;
  scheduler.start(0);
  while (out.length < count) {
    const due = scheduler.nextDeadlineUs();
    assert.ok(due > last);
    assert.equal(scheduler.handleTimeout(due - 1), false, "never early");
    if (!scheduler.handleTimeout(due)) continue;
    out.push(due - last);
    last = due;
    scheduler.handleSent(100);
    scheduler.handleReceived(100);
  }
  return out;
}

describe("RtcpScheduler", () => {
  it("spreads reports between half and one and a half intervals, compensated (RFC 3550 §6.3.1)", () => {
    const gaps = intervals(new RtcpScheduler({ random: seededRandom(1) }), 2000).slice(1);
    const scale = 1e6 / (Math.E - 1.5);
    for (const us of gaps) assert.ok(us >= 0.5 * scale && us <= 1.5 * scale, `${us}`);
    const mean = gaps.reduce((a, b) => a + b) / gaps.length;
    assert.ok(Math.abs(mean / scale - 1) < 0.03, `${mean}`);
    assert.ok(new Set(gaps).size > 1900, "randomised");
  });

  it("sends the first report after half an interval", () => {
    for (let seed = 1; seed < 50; seed++) {
      const [first] = intervals(new RtcpScheduler({ random: seededRandom(seed) }), 1);
      assert.ok(first <= 750_000 / (Math.E - 1.5));
    }
  });

  it("stays within its bandwidth when many are in the session", () => {
    const scheduler = new RtcpScheduler({ random: seededRandom(2), bandwidthBps: 8000 });
    scheduler.members = 101;
    scheduler.senders = 1;
    scheduler.weSend = false;
    // 100 receivers share three quarters: 100 packets of ~128 bytes at 6000 bit/s.
    const expected = (100 * 128 * 8 * 1e6) / 6000;
    assert.ok(Math.abs(scheduler.deterministicIntervalUs() / expected - 1) < 1e-9);
    scheduler.weSend = true;
    assert.ok(scheduler.deterministicIntervalUs() < expected / 10, "a sender gets its quarter");
  });

  it("puts a report off when the session grew meanwhile (timer reconsideration)", () => {
    const scheduler = new RtcpScheduler({ random: seededRandom(3), bandwidthBps: 8000 });
    scheduler.start(0);
    const due = scheduler.nextDeadlineUs();
    scheduler.members = 1000;
    assert.equal(scheduler.handleTimeout(due), false);
    assert.ok(scheduler.nextDeadlineUs() > due);
  });

  it("lets feedback go at once between two, and once an interval in a group", () => {
    const scheduler = new RtcpScheduler({ random: seededRandom(4) });
    scheduler.start(0);
    for (let i = 0; i < 5; i++) assert.ok(scheduler.requestEarly(i));
    scheduler.members = 10;
    const regular = scheduler.nextDeadlineUs();
    assert.ok(scheduler.requestEarly(10));
    assert.ok(scheduler.nextDeadlineUs() > regular, "the regular one makes room");
    assert.equal(scheduler.requestEarly(20), false);
  });

  it("is silent until started and after being stopped", () => {
    const scheduler = new RtcpScheduler({ random: seededRandom(5) });
    assert.equal(scheduler.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    assert.equal(scheduler.handleTimeout(1e12), false);
    scheduler.start(0);
    scheduler.stop();
    assert.equal(scheduler.handleTimeout(1e12), false);
  });
});
