import assert from "node:assert/strict";
import { findSps, parseSps, profileLevelId } from "../../../src/protocol/h264/sps.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { annexB, BitWriter } from "./nal_samples.js";

function parse(nal: Uint8Array) {
  return parseSps(nal, 0, nal.length);
}

interface Shape {
  profile?: number;
  chroma?: number;
  widthMbs: number;
  heightUnits: number;
  frameMbsOnly?: boolean;
  crop?: [number, number, number, number];
  pocType?: number;
}

/** Written after ITU-T H.264 §7.3.2.1.1, apart from the parser. */
function writeSps(s: Shape): Uint8Array {
  const w = new BitWriter();
  const profile = s.profile ?? 66;
  w.u(8, profile).u(8, 0xe0).u(8, 31).ue(0);
  if (profile === 100) {
    w.ue(s.chroma ?? 1);
    if (s.chroma === 3) w.u(1, 0);
    w.ue(0).ue(0).u(1, 0).u(1, 1);
    for (let i = 0; i < (s.chroma === 3 ? 12 : 8); i++) {
      if (i !== 1) w.u(1, 0);
      else {
        w.u(1, 1);
        for (let k = 0; k < 16; k++) w.se(k % 2 === 0 ? 3 : -2);
      }
    }
  }
  w.ue(4).ue(s.pocType ?? 0);
  if ((s.pocType ?? 0) === 0) w.ue(6);
  if (s.pocType === 1) w.u(1, 0).se(-3).se(5).ue(2).se(1).se(-1);
  w.ue(1)
    .u(1, 0)
    .ue(s.widthMbs - 1)
    .ue(s.heightUnits - 1);
  w.u(1, s.frameMbsOnly === false ? 0 : 1);
  if (s.frameMbsOnly === false) w.u(1, 1);
  w.u(1, 1).u(1, s.crop ? 1 : 0);
  for (const side of s.crop ?? []) w.ue(side);
  return w.u(1, 0).nal(0x67);
}

describe("parseSps", () => {
  it("reads a baseline stream of 128x96 from elsewhere", () => {
    // The parameter set of Cardinal Peak's "world's smallest H.264 encoder".
    const sps = parse(Uint8Array.of(0x67, 0x42, 0x00, 0x0a, 0xf8, 0x41, 0xa2));
    assert.ok(sps);
    assert.deepEqual([sps.width, sps.height, sps.profileIdc, sps.levelIdc], [128, 96, 66, 10]);
    assert.equal(profileLevelId(sps), "42000a");
  });

  it("reads sizes with cropping", () => {
    const hd = parse(writeSps({ widthMbs: 120, heightUnits: 68, crop: [0, 0, 0, 4] }));
    assert.deepEqual([hd?.width, hd?.height], [1920, 1080]);
    const odd = parse(writeSps({ widthMbs: 80, heightUnits: 45, crop: [1, 2, 3, 4] }));
    assert.deepEqual([odd?.width, odd?.height], [1280 - 6, 720 - 14]);
  });

  it("reads interlaced sizes, other picture order counts and the high profile's part", () => {
    const field = parse(writeSps({ widthMbs: 45, heightUnits: 18, frameMbsOnly: false, crop: [0, 0, 0, 1] }));
    assert.deepEqual([field?.width, field?.height, field?.frameMbsOnly], [720, 572, false]);
    for (const pocType of [0, 1, 2])
      assert.equal(parse(writeSps({ widthMbs: 40, heightUnits: 30, pocType }))?.width, 640);
    for (const chroma of [0, 1, 2, 3]) {
      const sps = parse(
        writeSps({ profile: 100, chroma, widthMbs: 40, heightUnits: 30, crop: [1, 0, 1, 0] }),
      );
      assert.equal(sps?.width, chroma === 1 || chroma === 2 ? 638 : 639, `chroma ${chroma}`);
      assert.equal(sps?.height, chroma === 1 ? 478 : 479);
    }
  });

  it("refuses impossible sizes, truncation and other NAL units", () => {
    assert.equal(parse(writeSps({ widthMbs: 2000, heightUnits: 45 })), undefined);
    assert.equal(parse(writeSps({ widthMbs: 2, heightUnits: 2, crop: [8, 8, 0, 0] })), undefined);
    const good = writeSps({ widthMbs: 80, heightUnits: 45, crop: [0, 1, 0, 1] });
    for (let n = 0; n < good.length - 1; n++) assert.equal(parse(good.subarray(0, n)), undefined, `${n}`);
    assert.equal(parse(Uint8Array.of(0x68, ...good.subarray(1))), undefined);
  });

  it("ends on random bytes without throwing", () => {
    const random = seededRandom(9);
    for (let i = 0; i < 5000; i++) {
      const nal = random.bytes(5 + (random.uint32() % 40));
      nal[0] = 0x67;
      const sps = parse(nal);
      if (sps) assert.ok(sps.width > 0 && sps.width <= 16880 && sps.height > 0 && sps.height <= 16880);
    }
  });

  it("is found inside an access unit", () => {
    const stream = annexB([Uint8Array.of(9, 0xf0), writeSps({ widthMbs: 80, heightUnits: 45 })]);
    assert.equal(findSps(stream)?.height, 720);
    assert.equal(findSps(stream.subarray(0, 8)), undefined);
  });
});
