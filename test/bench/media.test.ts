import assert from "node:assert/strict";
import { measureStages, mediaStages, plainPackets } from "../../bench/media_stages.js";

describe("bench: the stages of a packet", () => {
  it("take whole pictures through every stage, in figures for each", () => {
    const stages = mediaStages();
    assert.ok(stages.length >= 12);
    // One run of each: they throw where what is measured does not work.
    for (const { run } of stages) run();
    assert.equal(plainPackets().length, stages[0].packets);
    const [figures] = measureStages(stages.slice(0, 1), 2, () => undefined);
    assert.equal(figures.nsPerPacket.length, 2);
    assert.ok(figures.nsPerPacket.every((ns) => ns > 0) && figures.bytesPerPacket >= 0);
  });
});
