import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { unixUsToNtp } from "../../../src/protocol/rtp/ntp.js";
import { SenderClock } from "../../../src/protocol/sync/sender_clock.js";

const START_UNIX_US = 1_790_000_000_000_000;

function feed(clock: SenderClock, unixUs: number, rtpTimestamp: number): void {
  const ntp = { seconds: 0, fraction: 0 };
  unixUsToNtp(unixUs, ntp);
  clock.handleSenderReport(ntp.seconds, ntp.fraction, ((rtpTimestamp % 2 ** 32) + 2 ** 32) % 2 ** 32);
}

describe("SenderClock", () => {
  it("knows nothing before a report, nor from a sender without a clock", () => {
    const clock = new SenderClock(90000);
    clock.handleSenderReport(0, 0, 77);
    assert.equal(clock.known, false);
    assert.ok(Number.isNaN(clock.captureUnixUs(0)));
  });

  it("puts sound and picture of different clocks and offsets on one, across timestamp wraps", () => {
    const random = seededRandom(6);
    const video = new SenderClock(90000);
    const audio = new SenderClock(48000);
    const videoAt = (us: number) => 2 ** 32 - 100_000 + (us * 90000) / 1e6;
    const audioAt = (us: number) => 2 ** 32 - 900_000 + (us * 48000) / 1e6;
    for (let us = 0; us < 60e6; us += 1e6) {
      // Sender reports are stamped up to a millisecond off.
      feed(video, START_UNIX_US + us + (random.uint32() % 1000), videoAt(us));
      feed(audio, START_UNIX_US + us + (random.uint32() % 1000), audioAt(us));
      const captured = us + 500_000;
      const v = video.captureUnixUs(Math.round(videoAt(captured)) % 2 ** 32);
      const a = audio.captureUnixUs(Math.round(audioAt(captured)) % 2 ** 32);
      assert.ok(Math.abs(v - a) < 1_100, `${v - a}`);
      assert.ok(Math.abs(v - START_UNIX_US - captured) < 1_100);
    }
  });

  it("smooths small disagreements and follows a clock that was set", () => {
    const clock = new SenderClock(90000);
    feed(clock, START_UNIX_US, 0);
    feed(clock, START_UNIX_US + 1e6 + 8_000, 90000);
    assert.ok(Math.abs(clock.captureUnixUs(90000) - (START_UNIX_US + 1e6 + 2_000)) < 1);
    feed(clock, START_UNIX_US + 3600e6, 180000);
    assert.ok(Math.abs(clock.captureUnixUs(180000) - (START_UNIX_US + 3600e6)) < 1);
  });
});
