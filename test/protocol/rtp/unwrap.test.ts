import assert from "node:assert/strict";
import {
  sequenceDifference,
  TimestampUnwrapper,
  timestampDifference,
} from "../../../src/protocol/rtp/unwrap.js";

describe("sequence number arithmetic", () => {
  it("compares across the wrap", () => {
    assert.equal(sequenceDifference(0, 65535), 1);
    assert.equal(sequenceDifference(65535, 0), -1);
    assert.equal(sequenceDifference(32767, 0), 32767);
    assert.equal(timestampDifference(0, 0xffffffff), 1);
  });
});

describe("TimestampUnwrapper", () => {
  it("counts on through many wraps of 2^32, and back", () => {
    const unwrapper = new TimestampUnwrapper();
    const start = 0xfffff000;
    const step = 0x30000001;
    for (let i = 0; i < 100; i++) {
      const exact = start + i * step;
      assert.equal(unwrapper.unwrap(exact % 2 ** 32), exact);
      assert.equal(unwrapper.peek((exact - 3000) % 2 ** 32), exact - 3000);
    }
  });

  it("goes below zero for what was sent before the first", () => {
    const unwrapper = new TimestampUnwrapper();
    assert.equal(unwrapper.unwrap(100), 100);
    assert.equal(unwrapper.unwrap(0xfffffff0), -16);
    assert.equal(unwrapper.unwrap(0xffffff00), -256);
    assert.equal(unwrapper.unwrap(5), 5);
  });
});
