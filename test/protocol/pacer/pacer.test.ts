import assert from "node:assert/strict";
import { Pacer } from "../../../src/protocol/pacer/pacer.js";

/** Sends packets of 1200 bytes as early as allowed; returns when each went. */
function send(pacer: Pacer, count: number, fromUs: number): number[] {
  const out: number[] = [];
  let nowUs = fromUs;
  for (let i = 0; i < count; i++) {
    nowUs = Math.max(nowUs, pacer.nextSendUs(nowUs));
    assert.ok(pacer.canSend(nowUs));
    pacer.handleSent(1200, nowUs);
    out.push(nowUs);
  }
  return out;
}

describe("Pacer", () => {
  it("holds everything back that goes beyond a burst, at the rate", () => {
    const pacer = new Pacer({ rateBps: 9_600_000, burstUs: 5_000 });
    // 1.2 bytes a µs: a packet a millisecond; the burst lets debt reach 6000 bytes.
    const times = send(pacer, 100, 0);
    assert.equal(times.filter((t) => t === 0).length, 6);
    assert.ok(Math.abs(times[99] - (100 - 6) * 1_000) < 1e-3, `${times[99]}`);
  });

  it("forgets what was not sent in a pause", () => {
    const pacer = new Pacer({ rateBps: 9_600_000, burstUs: 5_000 });
    send(pacer, 50, 0);
    assert.equal(send(pacer, 20, 10e6).filter((t) => t === 10e6).length, 6);
  });

  it("always lets one packet go, however low the rate", () => {
    const pacer = new Pacer({ rateBps: 1, burstUs: 0 });
    assert.ok(pacer.canSend(0));
    pacer.handleSent(1200, 0);
    assert.equal(pacer.canSend(1e6), false);
    assert.ok(Math.abs(pacer.nextSendUs(1e6) - 9600e6) < 100);
  });

  it("names a later time whenever it holds back, at any rate and however long the clock has counted", () => {
    for (let rateBps = 1e5; rateBps < 1e12; rateBps *= 3) {
      const pacer = new Pacer({ rateBps });
      let nowUs = 1e12 + 1 / 3;
      for (let i = 0; i < 2000; i++) {
        while (!pacer.canSend(nowUs)) {
          const nextUs = pacer.nextSendUs(nowUs);
          assert.ok(nextUs > nowUs, `${rateBps} bit/s`);
          nowUs = nextUs;
        }
        pacer.handleSent(40 + ((i * 7919) % 1200), nowUs);
      }
    }
  });

  it("is no obstacle without a rate, and follows a new one", () => {
    const pacer = new Pacer();
    assert.deepEqual(new Set(send(pacer, 1000, 5)), new Set([5]));
    pacer.rateBps = 9_600_000;
    send(pacer, 10, 10);
    assert.equal(pacer.canSend(10), false);
    pacer.rateBps = Number.POSITIVE_INFINITY;
    assert.equal(pacer.canSend(10), true);
  });
});
