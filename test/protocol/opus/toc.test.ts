import assert from "node:assert/strict";
import {
  opusFrameCount,
  opusIsDtx,
  opusIsStereo,
  opusPacketSamples,
} from "../../../src/protocol/opus/toc.js";

function samples(...bytes: number[]): number {
  return opusPacketSamples(Uint8Array.from([9, ...bytes]), 1, bytes.length);
}

describe("Opus TOC", () => {
  it("knows every configuration's frame (RFC 6716 table 2)", () => {
    const ms = [
      ...[10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 40, 60],
      ...[10, 20, 10, 20],
      ...[2.5, 5, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10, 20],
    ];
    ms.forEach((duration, config) => {
      assert.equal(samples(config << 3), duration * 48, `configuration ${config}`);
    });
  });

  it("counts frames by the code (RFC 6716 §3.2)", () => {
    assert.equal(samples(15 << 3), 960);
    assert.equal(samples((15 << 3) | 1, 0), 1920);
    assert.equal(samples((15 << 3) | 2, 0), 1920);
    assert.equal(samples((15 << 3) | 3, 6), 5760);
    assert.equal(samples((31 << 3) | 3, 0xc3), 2880, "flags of code 3 are not the count");
    assert.equal(opusFrameCount(Uint8Array.of(3, 48), 0, 2), 48);
  });

  it("refuses empty packets, none or too many frames", () => {
    assert.equal(samples(), 0);
    assert.equal(samples((15 << 3) | 3), 0);
    assert.equal(samples((15 << 3) | 3, 0), 0);
    assert.equal(samples((15 << 3) | 3, 7), 0, "140 ms");
    assert.equal(samples((3 << 3) | 3, 3), 0, "180 ms");
  });

  it("tells stereo and DTX", () => {
    assert.ok(opusIsStereo(Uint8Array.of(0x04), 0) && !opusIsStereo(Uint8Array.of(0xfb), 0));
    assert.ok(opusIsDtx(1) && opusIsDtx(2) && !opusIsDtx(3));
  });
});
