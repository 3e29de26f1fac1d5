import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import { AnnexBReader } from "../../src/protocol/h264/nal_unit.js";
import { findSps, profileLevelId, type SequenceParameterSet } from "../../src/protocol/h264/sps.js";
import { h264Capabilities } from "../../src/protocol/sdp/codec_capabilities.js";
import { h264Matches, parseH264Fmtp, parseProfileLevelId } from "../../src/protocol/sdp/h264_fmtp.js";
import { drawMoving, i420Bytes, i420Layout } from "./pictures.js";

/** Macroblocks a second, macroblocks a frame, kbit/s (ITU-T H.264 table A-1). */
const LEVELS: Readonly<Record<number, readonly [number, number, number]>> = {
  10: [1485, 99, 64],
  11: [3000, 396, 192],
  12: [6000, 396, 384],
  13: [11_880, 396, 768],
  20: [11_880, 396, 2000],
  21: [19_800, 792, 4000],
  22: [20_250, 1620, 4000],
  30: [40_500, 1620, 10_000],
  31: [108_000, 3600, 14_000],
  32: [216_000, 5120, 20_000],
  40: [245_760, 8192, 20_000],
};

interface Wish {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly bitrateBps: number;
  readonly maxNalBytes?: number;
}

function lowestLevel({ width, height, frameRate, bitrateBps }: Wish): number {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const level = Object.keys(LEVELS).find((key) => {
    const [rate, frame, kbps] = LEVELS[Number(key)];
    return macroblocks * frameRate <= rate && macroblocks <= frame && bitrateBps <= kbps * 1000;
  });
  return Number(level);
}

/** What our encoder really puts before its first picture, and the longest NAL unit of that. */
function encoded(wish: Wish): { sps: SequenceParameterSet; longestNal: number } {
  const { width, height } = wish;
  const encoder = new native.H264Encoder({ ...wish, idrInterval: 0 });
  try {
    const picture = new Uint8Array(i420Bytes(width, height));
    drawMoving(picture, width, height, 1);
    const out = new Uint8Array(1 << 20);
    const bytes = encoder.encode(picture, i420Layout(width, height), 1e6, true, out);
    const sps = findSps(out, 0, bytes);
    assert.ok(sps);
    const nals = new AnnexBReader();
    nals.start(out, 0, bytes);
    let longestNal = 0;
    while (nals.next()) longestNal = Math.max(longestNal, nals.length);
    return { sps, longestNal };
  } finally {
    encoder.close();
  }
}

const hd: Wish = { width: 1280, height: 720, frameRate: 30, bitrateBps: 2_000_000 };

describe("the SPS of our encoder and what was negotiated (RFC 6184 §8)", () => {
  it("is of the offered profile and at most of the offered level, at the size of the default call", () => {
    const { sps } = encoded(hd);
    const sent = parseProfileLevelId(profileLevelId(sps));
    const [first] = h264Capabilities();
    const offered = parseH264Fmtp(first.fmtp);
    assert.ok(sent && offered);
    assert.ok(h264Matches({ ...offered, ...sent }, offered), profileLevelId(sps));
    assert.ok(sent.level <= offered.level, `${sent.level}`);
    assert.deepEqual([sps.width, sps.height, sps.frameMbsOnly], [1280, 720, true]);
  });

  it("states the lowest level of table A-1 that the stream needs: another wish, another level", () => {
    const wishes: [Wish, number][] = [
      [{ ...hd, width: 320, height: 180, bitrateBps: 500_000 }, 13],
      [{ ...hd, width: 352, height: 288, bitrateBps: 1_000_000 }, 20],
      [{ ...hd, width: 640, height: 360, bitrateBps: 1_000_000 }, 30],
      [hd, 31],
      [{ ...hd, frameRate: 60 }, 32],
      [{ ...hd, width: 1920, height: 1080, bitrateBps: 4_000_000 }, 40],
    ];
    for (const [wish, level] of wishes) {
      const { sps } = encoded(wish);
      assert.equal(lowestLevel(wish), level, "the table");
      assert.equal(sps.levelIdc, level, `${wish.width}x${wish.height} at ${wish.frameRate}`);
      assert.equal(parseProfileLevelId(profileLevelId(sps))?.profile, "constrained-baseline");
    }
  });

  it("is the same in packetization mode 0, whose NAL units fit a packet", () => {
    const { sps, longestNal } = encoded({ ...hd, maxNalBytes: 1100 });
    assert.equal(profileLevelId(sps), profileLevelId(encoded(hd).sps));
    assert.ok(longestNal <= 1100, `${longestNal}`);
  });
});
