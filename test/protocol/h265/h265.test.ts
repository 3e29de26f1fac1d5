import assert from "node:assert/strict";
import { AnnexBReader } from "../../../src/protocol/h264/nal_unit.js";
import { H265Depacketizer } from "../../../src/protocol/h265/depacketizer.js";
import { h265NalType, isH265Keyframe } from "../../../src/protocol/h265/nal_unit.js";
import { H265Packetizer } from "../../../src/protocol/h265/packetizer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { PayloadTraits } from "../../../src/protocol/rtp/payload_format.js";
import { assembled, capturedFrames, payloadsOf, rtpFixture } from "../rtp/payload_round_trip.js";

function nalsOf(stream: Uint8Array): Buffer[] {
  const reader = new AnnexBReader();
  reader.start(stream);
  const out: Buffer[] = [];
  while (reader.next()) out.push(Buffer.from(stream.subarray(reader.offset, reader.offset + reader.length)));
  return out;
}

/** What x265 wrote, access unit by access unit as FFmpeg sent them. */
function accessUnits(): Uint8Array[] {
  const depacketizer = new H265Depacketizer();
  return capturedFrames("h265_x265.rtpdump").map((payloads) => assembled(depacketizer, payloads));
}

const nal = (type: number, length: number, seed = type, layer = 0, temporal = 1): number[] => {
  const payload = seededRandom(seed).bytes(length);
  return [type << 1, (layer << 3) | temporal, ...payload.map((byte) => byte | 0x80)];
};
const annexB = (...nals: number[][]) => Uint8Array.from(nals.flatMap((one) => [0, 0, 0, 1, ...one]));

describe("H.265 packets", () => {
  it("of FFmpeg give what x265 wrote, NAL unit for NAL unit", () => {
    const units = accessUnits();
    assert.equal(units.length, 12);
    assert.deepEqual(units.flatMap(nalsOf), nalsOf(rtpFixture("h265_x265.h265")));
    const depacketizer = new H265Depacketizer();
    capturedFrames("h265_x265.rtpdump").forEach((payloads, i) => {
      const unit = assembled(depacketizer, payloads);
      const keyframe = i % 6 === 0;
      assert.deepEqual([depacketizer.keyframe, isH265Keyframe(unit)], [keyframe, keyframe]);
      assert.equal(depacketizer.hasParameterSets, keyframe);
    });
  });

  it("carry x265's access units there and back for every packet size", () => {
    const units = accessUnits();
    for (const max of [4, 50, 1200, 65_000]) {
      const packetizer = new H265Packetizer();
      for (const unit of units) {
        const back = assembled(new H265Depacketizer(), payloadsOf(packetizer, unit, max));
        assert.deepEqual(nalsOf(back), nalsOf(unit));
      }
    }
  });

  it("aggregate small neighbours under the lowest layer and temporal id, and fragment large ones evenly", () => {
    const unit = annexB(nal(32, 10, 1, 2, 3), nal(33, 20, 2, 5, 2), nal(19, 300), nal(35, 1), nal(38, 5));
    const payloads = payloadsOf(new H265Packetizer(), unit, 104);
    assert.deepEqual(
      payloads.map((payload) => h265NalType(payload[0])),
      [48, 49, 49, 49],
    );
    assert.deepEqual([payloads[0][1] >> 3, payloads[0][1] & 7], [2, 2]);
    assert.deepEqual(
      payloads.slice(1).map((payload) => [payload[2] & 0xc0, payload.length]),
      [
        [0x80, 103],
        [0, 103],
        [0x40, 103],
      ],
    );
    const back = assembled(new H265Depacketizer(), payloads);
    assert.deepEqual(nalsOf(back), nalsOf(unit).slice(0, 3), "without delimiter and filler data");
  });

  it("show parameter sets and random access pictures", () => {
    const d = new H265Depacketizer();
    const traits = (...bytes: number[]) => d.inspect(Uint8Array.from(bytes), 0, bytes.length);
    const { keyframe, keyframeStart, parameterSet, randomAccess, reference } = PayloadTraits;
    assert.equal(traits(...nal(32, 5)), randomAccess);
    assert.equal(traits(...nal(34, 5)), parameterSet);
    assert.equal(traits(...nal(21, 5)), keyframe | keyframeStart | reference);
    assert.equal(traits(...nal(1, 5)), reference);
    assert.equal(traits(...nal(0, 5)), 0);
    assert.equal(traits(98, 1, 0x80 | 19, 0x80), keyframe | keyframeStart | reference);
    assert.equal(traits(98, 1, 19, 0x80), keyframe | reference);
    assert.equal(
      traits(96, 1, 0, 3, ...nal(33, 1), 0, 3, ...nal(19, 1)),
      parameterSet | traits(...nal(19, 1)),
    );
    assert.equal(traits(96, 1, 0, 9, ...nal(33, 1)), 0);
    assert.equal(traits(98, 1, 19), 0);
  });

  it("are refused: PACI, forbidden bit, no temporal id, sizes that lie, fragments out of place", () => {
    const d = new H265Depacketizer();
    const start = [98, 1, 0x80 | 1, 5];
    const middle = [98, 1, 1, 6];
    const end = [98, 1, 0x40 | 1, 7];
    assert.ok(
      assembled(
        d,
        [start, middle, end].map((p) => Uint8Array.from(p)),
      ).length === 9,
    );
    const refused: number[][][] = [
      [[100, 1, 0, 0, 2, 1, 1]],
      [[0x82, 1, 9]],
      [[2, 0, 9]],
      [[2, 1]],
      [[126, 1, 9]],
      [[96, 1, 0, 3, ...nal(1, 1)]],
      [[96, 1, 0, 3, ...nal(1, 1), 0, 9, ...nal(1, 1)]],
      [[96, 1, 0, 0, 0, 3, ...nal(1, 1)]],
      [[96, 1, 0, 3, ...nal(1, 1), 0, 3, 98, 1, 5]],
      [start, middle],
      [middle, end],
      [start, start, end],
      [start, nal(1, 3), end],
      [start, [98, 1, 0x40 | 2, 7]],
      [[98, 1, 0xc0 | 1, 5]],
      [
        [98, 1, 0x80 | 48, 5],
        [98, 1, 0x40 | 48, 5],
      ],
      [],
    ];
    for (const payloads of refused)
      assert.equal(
        assembled(
          d,
          payloads.map((p) => Uint8Array.from(p)),
        ).length,
        0,
        JSON.stringify(payloads),
      );
    assert.equal(assembled(d, [Uint8Array.from(nal(1, 100))], 50).length, 0);
    assert.ok(d.overflow);
  });

  it("are not made of what holds no NAL unit to send", () => {
    assert.deepEqual(payloadsOf(new H265Packetizer(), annexB(nal(50, 9), [2, 1]), 1200), []);
    assert.throws(() => new H265Packetizer().begin(new Uint8Array(9), 9, 3), RangeError);
  });

  it("survive random payloads (seed 12)", () => {
    const random = seededRandom(12);
    const d = new H265Depacketizer();
    for (let i = 0; i < 8000; i++) {
      const payloads = Array.from({ length: 1 + (random.uint32() % 3) }, () =>
        random.bytes(random.uint32() % 24),
      );
      for (const payload of payloads) {
        if (payload.length > 0) payload[0] = [2, 96, 98, 100, payload[0]][random.uint32() % 5];
        d.inspect(payload, 0, payload.length);
      }
      assert.ok(assembled(d, payloads, 60).length <= 60);
    }
  });
});
