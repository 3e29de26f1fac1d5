import assert from "node:assert/strict";
import { randomFloat, seededRandom } from "../../../src/protocol/primitives/random.js";

describe("seededRandom", () => {
  it("repeats its sequence for the same seed and differs for another", () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 100 }, () => random.uint32());
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
  });

  it("gives integers over the whole 32-bit range", () => {
    const random = seededRandom(7);
    let min = Number.POSITIVE_INFINITY;
    let max = 0;
    for (let i = 0; i < 10_000; i++) {
      const value = random.uint32();
      assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    assert.ok(min < 2 ** 22 && max > 2 ** 32 - 2 ** 22);
  });

  it("fills byte arrays with evenly spread values", () => {
    const bytes = seededRandom(3).bytes(256_000);
    const histogram = new Array<number>(256).fill(0);
    for (const byte of bytes) histogram[byte]++;
    for (const count of histogram) assert.ok(count > 800 && count < 1200, `${count}`);
  });

  it("gives floats in [0, 1) with mean one half", () => {
    const random = seededRandom(11);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) {
      const value = randomFloat(random);
      assert.ok(value >= 0 && value < 1);
      sum += value;
    }
    assert.ok(Math.abs(sum / 100_000 - 0.5) < 0.01);
  });
});
