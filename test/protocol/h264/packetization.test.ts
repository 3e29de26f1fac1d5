import assert from "node:assert/strict";
import { H264Depacketizer, inspectPayload } from "../../../src/protocol/h264/depacketizer.js";
import { AnnexBReader } from "../../../src/protocol/h264/nal_unit.js";
import { H264Packetizer } from "../../../src/protocol/h264/packetizer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { PayloadTraits } from "../../../src/protocol/rtp/payload_format.js";
import { annexB, makeNal } from "./nal_samples.js";

const random = seededRandom(264);

interface Payload {
  bytes: Uint8Array;
  last: boolean;
}

function packetize(accessUnit: Uint8Array, max: number, mode: 0 | 1): Payload[] {
  const packetizer = new H264Packetizer();
  assert.ok(packetizer.start(accessUnit, max, mode));
  const out: Payload[] = [];
  const target = new Uint8Array(max + 20).fill(0xee);
  for (;;) {
    const n = packetizer.next(target, 10);
    if (n === 0) break;
    assert.ok(n <= max, `${n} of ${max}`);
    assert.equal(target[10 + n], 0xee, "wrote past the payload");
    out.push({ bytes: target.slice(10, 10 + n), last: packetizer.isLast });
    target.fill(0xee);
  }
  out.forEach((p, i) => {
    assert.equal(p.last, i === out.length - 1, "exactly the last packet is marked");
  });
  return out;
}

function depacketize(
  payloads: readonly Uint8Array[],
  room = 1 << 20,
): { bytes: Uint8Array; d: H264Depacketizer } {
  const out = new Uint8Array(room + 7);
  const d = new H264Depacketizer();
  d.start(out, 7);
  for (const p of payloads) d.push(Uint8Array.of(1, 2, ...p), 2, p.length);
  return { bytes: out.slice(7, 7 + d.finish()), d };
}

function nalsOf(stream: Uint8Array): Uint8Array[] {
  const reader = new AnnexBReader();
  reader.start(stream);
  const out: Uint8Array[] = [];
  while (reader.next()) out.push(stream.slice(reader.offset, reader.offset + reader.length));
  return out;
}

describe("H264Packetizer", () => {
  it("round-trips NAL units of every size around the limit, in pieces of nearly equal size", () => {
    for (const max of [3, 4, 50, 1200])
      for (let size = Math.max(1, max - 3); size <= max + 3; size++)
        for (const count of [1, 2, 3]) {
          const nals = Array.from({ length: count }, () => makeNal(random, 0x65, size));
          const payloads = packetize(annexB(nals, [3, 4]), max, 1);
          assert.deepEqual(depacketize(payloads.map((p) => p.bytes)).bytes, annexB(nals));
          const fragments = payloads.filter((p) => (p.bytes[0] & 31) === 28).map((p) => p.bytes.length);
          if (size > max)
            assert.ok(Math.max(...fragments) - Math.min(...fragments) <= 2 + (max > 10 ? 0 : 1));
        }
  });

  it("sends a NAL unit of one byte", () => {
    const stream = annexB([Uint8Array.of(0x0a)]);
    const payloads = packetize(stream, 100, 1);
    assert.deepEqual(
      payloads.map((p) => [...p.bytes]),
      [[0x0a]],
    );
    assert.deepEqual(depacketize([payloads[0].bytes]).bytes, stream);
  });

  it("gives no packet for an empty access unit", () => {
    for (const empty of [[], [0, 0, 1], [0, 0, 0, 1, 0, 0, 1], [5, 5, 5]])
      assert.equal(packetize(Uint8Array.from(empty), 100, 1).length, 0);
  });

  it("aggregates SPS and PPS and what else fits, with the highest NRI and any F", () => {
    const nals = [
      makeNal(random, 0x67, 12),
      makeNal(random, 0x28, 4),
      makeNal(random, 0x06, 3),
      makeNal(random, 0x65, 500),
    ];
    const [stap, ...rest] = packetize(annexB(nals), 300, 1).map((p) => p.bytes);
    assert.equal(stap[0], 0x78, "type 24, NRI 3");
    assert.deepEqual([stap[1], stap[2]], [0, 12]);
    assert.equal(stap.length, 1 + 2 + 12 + 2 + 4 + 2 + 3);
    assert.deepEqual(
      rest.map((p) => p[0] & 31),
      [28, 28],
    );
    const low = packetize(annexB([Uint8Array.of(0x86, 1), Uint8Array.of(0x06, 1)]), 300, 1)[0].bytes;
    assert.equal(low[0], 0x80 | 24, "F is the OR");
  });

  it("fills an aggregate to the last byte and not beyond", () => {
    const pair = annexB([makeNal(random, 0x67, 10), makeNal(random, 0x68, 10)]);
    assert.equal(packetize(pair, 25, 1).length, 1);
    assert.equal(packetize(pair, 24, 1).length, 2);
  });

  it("writes RFC 6184 §5.8's FU header: start, middle, end, type in the second byte", () => {
    const nal = makeNal(random, 0x41, 100);
    const payloads = packetize(annexB([nal]), 40, 1).map((p) => p.bytes);
    assert.deepEqual(
      payloads.map((p) => p[0]),
      [0x5c, 0x5c, 0x5c],
    );
    assert.deepEqual(
      payloads.map((p) => p[1]),
      [0x81, 0x01, 0x41],
    );
    assert.deepEqual(
      payloads.flatMap((p) => [...p.subarray(2)]),
      [...nal.subarray(1)],
    );
  });

  it("sends single NAL unit packets alone in mode 0", () => {
    const nals = [makeNal(random, 0x67, 10), makeNal(random, 0x68, 4), makeNal(random, 0x65, 100)];
    const payloads = packetize(annexB(nals), 100, 0).map((p) => p.bytes);
    assert.deepEqual(payloads, nals);
  });

  it("refuses in mode 0 what would need fragments, and says how large it is", () => {
    const packetizer = new H264Packetizer();
    const stream = annexB([makeNal(random, 0x67, 10), makeNal(random, 0x65, 101)]);
    assert.equal(packetizer.start(stream, 100, 0), false);
    assert.equal(packetizer.oversizedNalBytes, 101);
    assert.equal(packetizer.next(new Uint8Array(200), 0), 0);
    assert.equal(packetizer.start(stream, 101, 0), true);
    assert.equal(packetizer.oversizedNalBytes, 0);
  });

  it("leaves delimiters, filler and types that are no NAL units behind", () => {
    const slice = makeNal(random, 0x41, 20);
    const stream = annexB([
      Uint8Array.of(9, 0xf0),
      slice,
      Uint8Array.of(12, 0xff, 0x80),
      Uint8Array.of(24, 1),
      Uint8Array.of(0x40, 1),
    ]);
    assert.deepEqual(
      packetize(stream, 100, 1).map((p) => p.bytes),
      [slice],
    );
  });

  it("keeps emulation prevention bytes through fragments", () => {
    const nal = Uint8Array.of(0x65, ...Array.from({ length: 50 }, () => [0, 0, 3, 1]).flat());
    for (let max = 3; max < 60; max++)
      assert.deepEqual(nalsOf(depacketize(packetize(annexB([nal]), max, 1).map((p) => p.bytes)).bytes), [
        nal,
      ]);
  });

  it("handles access units of many slices in a window of a larger buffer", () => {
    const nals = Array.from({ length: 300 }, (_, i) => makeNal(random, 0x41, 1 + (i % 90)));
    const stream = annexB(nals);
    const buffer = new Uint8Array(stream.length + 100).fill(1);
    buffer.set(stream, 50);
    const packetizer = new H264Packetizer();
    packetizer.start(buffer, 64, 1, 50, stream.length);
    const target = new Uint8Array(64);
    const payloads: Uint8Array[] = [];
    for (let n = packetizer.next(target, 0); n > 0; n = packetizer.next(target, 0))
      payloads.push(target.slice(0, n));
    assert.deepEqual(depacketize(payloads).bytes, stream);
  });

  it("refuses a limit nothing fits", () => {
    assert.throws(() => new H264Packetizer().start(annexB([]), 2, 1), RangeError);
  });
});

describe("H264Depacketizer", () => {
  const fragments = packetize(annexB([makeNal(random, 0x65, 100)]), 30, 1).map((p) => p.bytes);

  it("refuses an access unit whose fragments lack start, middle type or end", () => {
    assert.ok(depacketize(fragments).bytes.length > 0);
    for (const broken of [
      fragments.slice(1),
      fragments.slice(0, -1),
      [fragments[0], fragments[0]],
      [fragments[2]],
    ]) {
      const { bytes, d } = depacketize(broken);
      assert.equal(bytes.length, 0);
      assert.ok(d.damaged);
    }
    const otherType = fragments.map((f, i) => (i === 1 ? Uint8Array.of(f[0], 0x01, ...f.subarray(2)) : f));
    assert.ok(depacketize(otherType).d.damaged);
  });

  it("refuses another packet in the middle of a fragmented unit", () => {
    const single = makeNal(random, 0x41, 5);
    assert.ok(depacketize([fragments[0], single, ...fragments.slice(1)]).d.damaged);
  });

  it("accepts a fragmented unit of one piece", () => {
    const { bytes } = depacketize([Uint8Array.of(0x7c, 0xc5, 1, 2)]);
    assert.deepEqual([...bytes], [0, 0, 0, 1, 0x65, 1, 2]);
  });

  it("refuses STAP-A whose sizes lie", () => {
    const bad: number[][] = [
      [24],
      [24, 0],
      [24, 0, 1],
      [24, 0, 0, 0x67],
      [24, 0, 5, 0x67, 1],
      [24, 0, 1, 0x67, 0],
      [24, 0, 1, 0x67, 0, 2, 0x68],
      [24, 255, 255, 0x67],
      [24, 0, 1, 0x78],
      [24, 0, 1, 0xe7],
    ];
    for (const payload of bad) {
      const { bytes, d } = depacketize([makeNal(random, 0x41, 5), Uint8Array.from(payload)]);
      assert.ok(d.damaged, payload.join(" "));
      assert.equal(bytes.length, 0);
      assert.equal(inspectPayload(Uint8Array.from(payload), 0, payload.length), 0);
    }
  });

  it("refuses the forbidden bit, empty payloads and types of the interleaved mode", () => {
    for (const payload of [
      [0xe5, 1],
      [],
      [0x00, 1],
      [25, 0, 0, 1],
      [26, 1],
      [27, 1],
      [29, 0x85, 1],
      [30, 1],
      [31, 1],
      [28],
      [28, 0x85],
      [28, 0x9c, 1],
    ])
      assert.ok(depacketize([Uint8Array.from(payload)]).d.damaged, payload.join(" "));
  });

  it("reports what it saw", () => {
    const nals = [makeNal(random, 0x67, 9), makeNal(random, 0x68, 4), makeNal(random, 0x65, 300)];
    const { d } = depacketize(packetize(annexB(nals), 100, 1).map((p) => p.bytes));
    assert.deepEqual([d.keyframe, d.hasSps, d.hasPps, d.nalCount], [true, true, true, 3]);
    const plain = depacketize([makeNal(random, 0x41, 9)]).d;
    assert.deepEqual([plain.keyframe, plain.hasSps, plain.hasPps], [false, false, false]);
  });

  it("stops at the end of the buffer", () => {
    const nal = makeNal(random, 0x65, 100);
    for (const room of [0, 3, 4, 5, 60, 103]) {
      const { bytes, d } = depacketize([nal], room);
      assert.equal(bytes.length, 0);
      assert.ok(d.overflow);
    }
    assert.equal(depacketize([nal], 104).bytes.length, 104);
  });

  it("survives random payloads", () => {
    const out = new Uint8Array(3000);
    const d = new H264Depacketizer();
    for (let i = 0; i < 8_000; i++) {
      if (i % 5 === 0) d.start(out, 0);
      const payload = random.bytes(random.uint32() % 40);
      if (payload.length > 0 && i % 3 === 0) payload[0] = i % 2 === 0 ? 0x78 : 0x7c;
      d.push(payload, 0, payload.length);
      inspectPayload(payload, 0, payload.length);
      assert.ok(d.finish() <= out.length);
    }
  });
});

describe("inspectPayload", () => {
  const {
    keyframe: idr,
    randomAccess: sps,
    parameterSet: pps,
    keyframeStart: idrStart,
    reference,
  } = PayloadTraits;
  const cases: [string, number[], number][] = [
    ["SPS", [0x67, 1, 2, 3], sps],
    ["PPS", [0x68, 1], pps],
    [
      "STAP-A of SPS, PPS and IDR",
      [0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 0x88],
      sps | pps | idr | idrStart | reference,
    ],
    ["first IDR slice", [0x65, 0x88], idr | idrStart | reference],
    ["later IDR slice", [0x65, 0x48], idr | reference],
    ["first fragment of an IDR", [0x7c, 0x85, 0x88, 1], idr | idrStart | reference],
    ["first fragment of a later IDR slice", [0x7c, 0x85, 0x48, 1], idr | reference],
    ["later fragment of an IDR", [0x7c, 0x05, 0x88, 1], idr | reference],
    ["reference slice", [0x41, 0x88], reference],
    ["non-reference slice", [0x01, 0x88], 0],
    ["SEI", [0x06, 1], 0],
    ["nothing", [], 0],
  ];
  for (const [name, bytes, expected] of cases)
    it(`sees ${name}`, () => {
      assert.equal(inspectPayload(Uint8Array.from(bytes), 0, bytes.length), expected);
    });
});
