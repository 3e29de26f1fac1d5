import assert from "node:assert/strict";
import {
  isNewerSequence,
  isNewerTimestamp,
  SequenceUnwrapper,
  sequenceDifference,
  TimestampUnwrapper,
  timestampDifference,
} from "../../../src/protocol/rtp/unwrap.js";

describe("sequence number arithmetic", () => {
  it("compares across the wrap", () => {
    assert.equal(sequenceDifference(0, 65535), 1);
    assert.equal(sequenceDifference(65535, 0), -1);
    assert.equal(sequenceDifference(32767, 0), 32767);
    assert.ok(isNewerSequence(5, 65530) && !isNewerSequence(65530, 5));
    assert.equal(timestampDifference(0, 0xffffffff), 1);
    assert.ok(isNewerTimestamp(10, 0xfffffff0));
  });
});

describe("SequenceUnwrapper", function () {
  this.timeout(60_000);

  it("counts on through every wrap, whatever the start", () => {
    for (let start = 0; start < 65536; start += 4099) {
      const unwrapper = new SequenceUnwrapper();
      for (let i = 0; i < 200_000; i += 37) assert.equal(unwrapper.unwrap((start + i) & 0xffff), start + i);
    }
  });

  it("keeps reordered packets in their cycle, before the first one too", () => {
    const unwrapper = new SequenceUnwrapper();
    assert.deepEqual(
      [0, 65535, 1, 65534].map((s) => unwrapper.unwrap(s)),
      [0, -1, 1, -2],
    );
    assert.equal(unwrapper.unwrap(0), 0);
  });

  it("peeks without moving and forgets on reset", () => {
    const unwrapper = new SequenceUnwrapper();
    unwrapper.unwrap(65535);
    assert.equal(unwrapper.peek(0), 65536);
    assert.equal(unwrapper.unwrap(65534), 65534);
    unwrapper.reset();
    assert.equal(unwrapper.unwrap(7), 7);
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
