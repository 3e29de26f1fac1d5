import assert from "node:assert/strict";
import {
  compactNtp,
  compactToUs,
  ntpToUnixUs,
  unixUsToNtp,
  usToCompact,
  WallClock,
} from "../../../src/protocol/rtp/ntp.js";

describe("NTP time", () => {
  it("knows the Unix epoch and RFC 3550 figure 2's middle word", () => {
    const ntp = { seconds: 0, fraction: 0 };
    unixUsToNtp(0, ntp);
    assert.deepEqual(ntp, { seconds: 2208988800, fraction: 0 });
    // RFC 3550 §6.4.1: SR at b44d:b705 2000:0000 → LSR b705:2000.
    assert.equal(compactNtp(0xb44db705, 0x20000000), 0xb7052000);
  });

  it("round-trips today's time within a microsecond", () => {
    const ntp = { seconds: 0, fraction: 0 };
    for (let us = 1_790_000_000_000_000; us < 1_790_000_003_000_000; us += 99_991.25) {
      unixUsToNtp(us, ntp);
      assert.ok(Math.abs(ntpToUnixUs(ntp.seconds, ntp.fraction) - us) < 0.5);
    }
  });

  it("crosses the era change of 2036", () => {
    const wrapUs = (2 ** 32 - 2208988800) * 1e6;
    const ntp = { seconds: 0, fraction: 0 };
    unixUsToNtp(wrapUs + 500_000, ntp);
    assert.deepEqual(ntp, { seconds: 0, fraction: 0x80000000 });
    assert.equal(ntpToUnixUs(ntp.seconds, ntp.fraction), wrapUs + 500_000);
  });

  it("measures RFC 3550 §6.4.1's example round trip", () => {
    // A = 0xb710:8000, DLSR = 5.250 s, LSR = 0xb705:2000: 6.125 s.
    const roundTrip = (0xb7108000 - 0x00054000 - 0xb7052000) >>> 0;
    assert.equal(compactToUs(roundTrip), 6_125_000);
    assert.equal(usToCompact(5_250_000), 0x54000);
    assert.equal(usToCompact(-1), 0);
    assert.equal(usToCompact(1e12), 0xffffffff);
  });

  it("keeps the wall clock at one offset", () => {
    const clock = new WallClock(1_000_000);
    assert.equal(clock.unixUs(5), 1_000_005);
    assert.equal(clock.monotonicUs(1_000_005), 5);
    const ntp = { seconds: 0, fraction: 0 };
    clock.ntp(0, ntp);
    assert.equal(ntp.seconds, 2208988801);
  });
});
