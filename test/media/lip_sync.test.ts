import assert from "node:assert/strict";
import { RestartPolicy } from "../../src/media/restart_policy.js";
import { ControlBlock } from "../../src/media/ring/control_block.js";
import { LipSync } from "../../src/media/stages/lip_sync.js";

const WALL = 1.7e15;

describe("LipSync", () => {
  function pair(videoDelayUs: number, audioDelayUs: number) {
    const control = ControlBlock.allocate();
    const video = new LipSync(control, 3, [4]);
    const audio = new LipSync(control, 4, [3]);
    for (let i = 0; i < 50; i++) {
      video.observe(i * 20_000 + videoDelayUs, WALL + i * 20_000);
      audio.observe(i * 20_000 + audioDelayUs, WALL + i * 20_000);
    }
    return { control, video, audio };
  }

  it("the faster stream waits for the slower one, and only that one", () => {
    const { video, audio } = pair(10_000, 70_000);
    assert.ok(Math.abs(video.extraDelayUs() - 60_000) < 100);
    assert.equal(audio.extraDelayUs(), 0);
  });

  it("waits at most half a second, and not at all when the clocks cannot be compared", () => {
    assert.equal(pair(0, 900_000).video.extraDelayUs(), 500_000);
    assert.equal(pair(0, 60_000_000).video.extraDelayUs(), 0);
  });

  it("does not wait for a stream of which nothing is known, or that left", () => {
    const { video, control } = pair(0, 80_000);
    video.setCompanions([5]);
    assert.equal(video.extraDelayUs(), 0);
    video.setCompanions([4]);
    assert.ok(video.extraDelayUs() > 0);
    control.resetStream(4);
    assert.equal(video.extraDelayUs(), 0);
  });

  it("follows a jump of the sender's clock at once", () => {
    const { video, audio } = pair(10_000, 70_000);
    video.observe(10_000, WALL - 3600e6);
    audio.observe(70_000, WALL - 3600e6);
    assert.ok(Math.abs(video.extraDelayUs() - 60_000) < 100);
  });
});

describe("RestartPolicy", () => {
  it("allows three restarts within half a minute, per worker", () => {
    const policy = new RestartPolicy();
    const allowed = [0, 1, 2, 3].map((second) => policy.allows("camera", second * 1e6));
    assert.deepEqual(allowed, [true, true, true, false]);
    assert.equal(policy.allows("decoder", 4e6), true);
    assert.equal(policy.allows("camera", 40e6), true);
  });
});
