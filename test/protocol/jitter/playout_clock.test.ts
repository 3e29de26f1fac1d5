import assert from "node:assert/strict";
import { PlayoutClock } from "../../../src/protocol/jitter/playout_clock.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

/** Feeds 30 frames a second; returns how far after arrival each was due. */
function run(clock: PlayoutClock, frames: number, transitUs: (i: number) => number, drift = 1): number[] {
  const out: number[] = [];
  for (let i = 0; i < frames; i++) {
    const arrivalUs = (i * 1e6 * drift) / 30 + transitUs(i);
    clock.update(i * 3000, arrivalUs);
    out.push(clock.playoutUs(i * 3000) - arrivalUs);
  }
  return out;
}

describe("PlayoutClock", () => {
  it("adds nothing on a path without jitter", () => {
    const slack = run(new PlayoutClock({ clockRate: 90000 }), 300, () => 40_000);
    for (const us of slack) assert.ok(Math.abs(us) < 1e-3, `${us}`);
  });

  it("delays so that nearly every frame is in time, and not by much more than the jitter", () => {
    const random = seededRandom(4);
    const clock = new PlayoutClock({ clockRate: 90000 });
    const slack = run(clock, 3000, () => random.uint32() % 30_000).slice(300);
    const late = slack.filter((us) => us < 0).length;
    assert.ok(late < slack.length * 0.15, `${late}`);
    assert.ok(slack.every((us) => us > -12_000));
    assert.ok(clock.delayUs > 15_000 && clock.delayUs <= 30_000, `${clock.delayUs}`);
  });

  it("forgets a burst of lateness within half a minute", () => {
    const clock = new PlayoutClock({ clockRate: 90000 });
    run(clock, 940, (i) => (i > 30 && i < 40 ? 300_000 : 0));
    assert.ok(clock.delayUs < 20_000, `${clock.delayUs}`);
  });

  it("follows clock drift both ways", () => {
    for (const drift of [1 - 300e-6, 1 + 300e-6]) {
      const slack = run(new PlayoutClock({ clockRate: 90000 }), 30 * 600, () => 0, drift);
      for (const us of slack) assert.ok(us > -2_000 && us < 6_000, `${us}`);
    }
  });

  it("keeps the delays it was told", () => {
    const clock = new PlayoutClock({ clockRate: 90000, minDelayUs: 50_000, maxDelayUs: 200_000 });
    assert.ok(Math.abs(run(clock, 10, () => 0)[9] - 50_000) < 1e-3);
    clock.extraDelayUs = 30_000;
    assert.equal(clock.delayUs, 80_000);
    clock.extraDelayUs = 1e9;
    assert.equal(clock.delayUs, 200_000);
  });

  it("starts over after reset", () => {
    const clock = new PlayoutClock({ clockRate: 90000 });
    run(clock, 100, () => 0);
    clock.reset();
    clock.update(0, 9e9);
    assert.equal(clock.playoutUs(0), 9e9);
  });
});
