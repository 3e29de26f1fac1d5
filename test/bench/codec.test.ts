import assert from "node:assert/strict";
import { measureBareCodec, type Spread } from "../../bench/codec.js";
import { native } from "../../native/addon.js";

const small = { width: 160, height: 96, frameRate: 30, bitrateBps: 200_000, seconds: 1 };

function draw(frame: number, picture: Uint8Array): void {
  for (let i = 0; i < picture.length; i++) picture[i] = 128 + 60 * Math.sin(i / 37 + frame / 5);
}

function assertOrdered({ p50, p95, p99, max }: Spread): void {
  assert.ok(p50 > 0 && p50 <= p95 && p95 <= p99 && p99 <= max, `${p50} ${p95} ${p99} ${max}`);
}

describe("bench: measureBareCodec", () => {
  it("draws each frame once, in order, and loses none", () => {
    const drawn: number[] = [];
    const result = measureBareCodec({
      ...small,
      paced: false,
      frames: (frame, picture) => {
        drawn.push(frame);
        draw(frame, picture);
      },
    });
    assert.deepEqual(
      drawn,
      Array.from({ length: 30 }, (_, i) => i),
    );
    assert.deepEqual([result.frames, result.missing], [30, 0]);
    for (const spread of [result.totalUs, result.convertUs, result.encodeUs, result.decodeUs])
      assertOrdered(spread);
    assert.ok(result.bitrateBps > 0 && result.cpuSecondsPerSecond > 0);
  });

  it("counts no time spent drawing", () => {
    const burnUs = 50_000;
    const result = measureBareCodec({
      ...small,
      seconds: 0.2,
      paced: false,
      frames: (frame, picture) => {
        const untilUs = native.threadCpuUs() + burnUs;
        while (native.threadCpuUs() < untilUs) draw(frame, picture);
      },
    });
    assert.ok(result.cpuSecondsPerSecond * 0.2 * 1e6 < burnUs * result.frames);
  });

  it("takes a paced run's time", () => {
    const startUs = native.monotonicUs();
    measureBareCodec({ ...small, seconds: 0.2, paced: true, frames: draw });
    assert.ok(native.monotonicUs() - startUs >= 190_000);
  });

  it("takes sources of other formats", () => {
    const sourceLayout = {
      format: "YUY2",
      width: 160,
      height: 96,
      planes: [{ offset: 0, stride: 320 }],
    } as const;
    const result = measureBareCodec({
      ...small,
      seconds: 0.1,
      paced: false,
      sourceLayout,
      sourceBytes: 320 * 96,
      frames: draw,
    });
    assert.deepEqual([result.frames, result.missing], [3, 0]);
  });
});
