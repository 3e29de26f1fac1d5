import assert from "node:assert/strict";
import { isTooNarrow, shareOf } from "../../src/media/encodings/layer_share.js";

const target = 2_400_000;
const layers = [4, 2, 1].map((scaleResolutionDownBy) => ({ scaleResolutionDownBy }));
const shares = (pathBps: number) =>
  layers.map((layer, i) => shareOf(layer, layers.slice(0, i), target, pathBps).bitrateBps);

describe("what layers get of a path", () => {
  it("is as many bits a pixel for each while no limit is known", () => {
    assert.deepEqual(shares(0), [150_000, 600_000, 2_400_000]);
  });

  it("goes to the lower ones first", () => {
    assert.deepEqual(shares(1_000_000), [150_000, 600_000, 250_000]);
    assert.deepEqual(shares(400_000), [150_000, 250_000, 0]);
    assert.deepEqual(shares(100_000), [100_000, 0, 0]);
  });

  it("counts a lower layer by its own limit", () => {
    const limited = { scaleResolutionDownBy: 1, maxBitrateBps: 100_000 };
    assert.equal(shareOf(limited, [], target, 1_000_000).bitrateBps, 100_000);
    assert.equal(shareOf(layers[2], [limited], target, 1_000_000).bitrateBps, 900_000);
  });

  it("rests a layer that gets too little, and wakes it with what an estimate can grow to", () => {
    const top = (pathBps: number) => shareOf(layers[2], layers.slice(0, 2), target, pathBps);
    assert.ok(isTooNarrow(top(900_000), false));
    assert.ok(!isTooNarrow(top(960_000), false));
    assert.ok(isTooNarrow(top(960_000), true), "no sooner than it would be stopped again");
    // bwe: the estimate stops at one and a half times what came through, which is what the lower ones send.
    const below = [1.5 * 750_000, 1.5 * 600_000];
    assert.ok(!isTooNarrow(top(below[0]), true));
    const two = shareOf(layers[2], [layers[1]], target, below[1]);
    assert.ok(!isTooNarrow(two, true));
  });
});
