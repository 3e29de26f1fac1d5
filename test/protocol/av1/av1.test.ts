import assert from "node:assert/strict";
import { Av1Depacketizer } from "../../../src/protocol/av1/depacketizer.js";
import {
  isAv1Keyframe,
  Leb128Reader,
  leb128Bytes,
  ObuReader,
  ObuType,
  writeLeb128,
} from "../../../src/protocol/av1/obu.js";
import { Av1Packetizer } from "../../../src/protocol/av1/packetizer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { PayloadTraits } from "../../../src/protocol/rtp/payload_format.js";
import { assembled, capturedFrames, payloadsOf } from "../rtp/payload_round_trip.js";

interface Obu {
  readonly type: number;
  readonly payload: Uint8Array;
  readonly extension?: number;
}

/** An OBU of the low-overhead format. */
function obu({ type, payload, extension }: Obu): Uint8Array {
  const size = leb128Bytes(payload.length);
  const head = [
    (type << 3) | 2 | (extension === undefined ? 0 : 4),
    ...(extension === undefined ? [] : [extension]),
  ];
  const out = new Uint8Array(head.length + size + payload.length);
  out.set(head);
  writeLeb128(out, head.length, payload.length, size);
  out.set(payload, head.length + size);
  return out;
}

const unit = (obus: readonly Obu[]) => Uint8Array.from(obus.flatMap((one) => [...obu(one)]));

/** Type, extension and payload of each OBU: size fields may be padded. */
function contents(bytes: Uint8Array): unknown[] {
  const reader = new ObuReader();
  reader.start(bytes);
  const out: unknown[] = [];
  while (reader.next()) {
    const { offset, headerBytes, payloadOffset, payloadLength } = reader;
    const extension = headerBytes === 2 ? bytes[offset + 1] : undefined;
    out.push([
      reader.type,
      extension,
      Buffer.from(bytes.subarray(payloadOffset, payloadOffset + payloadLength)),
    ]);
  }
  assert.ok(!reader.damaged);
  return out;
}

const delimiter: Obu = { type: ObuType.temporalDelimiter, payload: new Uint8Array(0) };
const sequence: Obu = { type: ObuType.sequenceHeader, payload: Uint8Array.of(0, 0, 0, 4, 60, 255, 188) };

function frameObu(keyframe: boolean, length: number, seed: number, extension?: number): Obu {
  const payload = seededRandom(seed).bytes(length);
  payload[0] = keyframe ? 0x10 : 0x30;
  return { type: ObuType.frame, payload, ...(extension === undefined ? {} : { extension }) };
}

describe("AV1 leb128", () => {
  it("reads what is written, padded or not, and refuses what does not end or exceeds 32 bits", () => {
    const reader = new Leb128Reader();
    for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 32 - 1])
      for (const bytes of [leb128Bytes(value), 8]) {
        const out = new Uint8Array(8);
        writeLeb128(out, 0, value, bytes);
        assert.ok(reader.read(out, 0, bytes));
        assert.deepEqual([reader.value, reader.bytes], [value, bytes]);
        assert.ok(!reader.read(out, 0, bytes - 1));
      }
    assert.ok(!reader.read(Uint8Array.of(128, 128, 128, 128, 16), 0, 5));
    assert.ok(!reader.read(new Uint8Array(9).fill(128), 0, 9));
  });
});

describe("AV1 packets", () => {
  it("carry temporal units there and back for every packet size", () => {
    const units = [
      [delimiter, sequence, frameObu(true, 4000, 1)],
      [delimiter, frameObu(false, 1, 2)],
      [delimiter, frameObu(false, 300, 3, 0x08), frameObu(false, 700, 4, 0x10)],
      [
        delimiter,
        sequence,
        { type: ObuType.metadata, payload: Uint8Array.of(1, 2) },
        { type: ObuType.frameHeader, payload: Uint8Array.of(0x10, 1) },
        ...[5, 6, 7].map((seed) => ({ type: ObuType.tileGroup, payload: seededRandom(seed).bytes(90) })),
      ],
    ];
    for (const max of [6, 7, 8, 20, 100, 101, 1200, 70_000]) {
      const packetizer = new Av1Packetizer();
      const depacketizer = new Av1Depacketizer();
      units.forEach((obus, i) => {
        const bytes = unit(obus);
        const payloads = payloadsOf(packetizer, bytes, max);
        const back = assembled(depacketizer, payloads);
        assert.deepEqual(contents(back), contents(bytes), `${max} bytes, unit ${i}`);
        const keyframe = i === 0 || i === 3;
        assert.equal(depacketizer.keyframe, keyframe);
        assert.equal(isAv1Keyframe(back), keyframe);
        payloads.forEach((payload, k) => {
          const begins =
            (depacketizer.inspect(payload, 0, payload.length) & PayloadTraits.randomAccess) !== 0;
          assert.equal(begins, payload.length > 1 && keyframe && k === 0);
        });
      });
    }
  });

  it("are of nearly one length", () => {
    const payloads = payloadsOf(
      new Av1Packetizer(),
      unit([delimiter, sequence, frameObu(true, 5000, 1)]),
      1200,
    );
    const lengths = payloads.map((payload) => payload.length);
    assert.equal(lengths.length, 5);
    assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 10, lengths.join(" "));
  });

  it("leave delimiters, tile lists and padding behind", () => {
    const bytes = unit([
      delimiter,
      { type: ObuType.tileList, payload: Uint8Array.of(1) },
      frameObu(false, 20, 1),
      { type: ObuType.padding, payload: Uint8Array.of(0, 0) },
    ]);
    const back = assembled(new Av1Depacketizer(), payloadsOf(new Av1Packetizer(), bytes, 1200));
    assert.deepEqual(contents(back), contents(unit([delimiter, frameObu(false, 20, 1)])));
  });

  it("of Chromium give temporal units whose OBUs add up, with its keyframes, and go out again the same", () => {
    const frames = capturedFrames("av1_chromium.rtpdump");
    const depacketizer = new Av1Depacketizer();
    const packetizer = new Av1Packetizer();
    const keyframes = frames.map((payloads) => {
      const bytes = assembled(depacketizer, payloads);
      const { keyframe } = depacketizer;
      assert.ok(contents(bytes).length >= 2);
      assert.equal(isAv1Keyframe(bytes), keyframe);
      assert.deepEqual(
        contents(assembled(depacketizer, payloadsOf(packetizer, bytes, 1200))),
        contents(bytes),
      );
      return keyframe;
    });
    assert.deepEqual(
      keyframes.map((keyframe, i) => (keyframe ? i : -1)).filter((i) => i >= 0),
      [0, 6],
    );
  });

  it("with W 0 and with size fields inside OBUs are read too", () => {
    const d = new Av1Depacketizer();
    const expected = contents(unit([delimiter, sequence, frameObu(true, 5, 1)]));
    const { payload } = frameObu(true, 5, 1);
    const lengths = Uint8Array.of(0x08, 8, 0x08, ...sequence.payload, 6, 0x30, ...payload);
    assert.deepEqual(contents(assembled(d, [lengths])), expected);
    const sizes = Uint8Array.of(0x28, 9, 0x0a, 7, ...sequence.payload, 0x32, 5, ...payload);
    assert.deepEqual(contents(assembled(d, [sizes])), expected);
  });

  it("are refused when pieces are missing, lengths lie, or a sequence begins in the middle", () => {
    const d = new Av1Depacketizer();
    const payloads = payloadsOf(new Av1Packetizer(), unit([delimiter, frameObu(false, 300, 1)]), 104);
    assert.equal(payloads.length, 3);
    const refused: Uint8Array[][] = [
      payloads.slice(0, 2),
      payloads.slice(1),
      [payloads[0], payloads[0]],
      [],
      [Uint8Array.of(0x10)],
      // W 2 with one element; an element longer than the packet; an empty one; a forbidden bit; a stated size that is none.
      [Uint8Array.of(0x20, 2, 0x30, 1)],
      [Uint8Array.of(0x00, 9, 0x30, 1)],
      [Uint8Array.of(0x00, 0, 2, 0x30, 1)],
      [Uint8Array.of(0x10, 0xb0, 1)],
      [Uint8Array.of(0x10, 0x32, 5, 1)],
      [Uint8Array.of(0x10, 0x34)],
      [payloads[0], Uint8Array.of(0x98, 1), payloads[2]],
    ];
    for (const each of refused) assert.equal(assembled(d, each).length, 0, each.map((p) => p[0]).join(" "));
    assert.equal(assembled(d, payloads, 200).length, 0);
    assert.ok(d.overflow);
    assert.ok(assembled(d, payloads).length > 300);
  });

  it("are not made of OBUs whose sizes lie, nor of nothing", () => {
    const packetizer = new Av1Packetizer();
    assert.deepEqual(payloadsOf(packetizer, Uint8Array.of(0x32, 200, 1), 1200), []);
    assert.deepEqual(payloadsOf(packetizer, obu(delimiter), 1200), []);
    assert.throws(() => packetizer.begin(new Uint8Array(9), 9, 5), RangeError);
  });

  it("survive random payloads (seed 11)", () => {
    const random = seededRandom(11);
    const d = new Av1Depacketizer();
    for (let i = 0; i < 8000; i++) {
      const payloads = Array.from({ length: 1 + (random.uint32() % 3) }, () =>
        random.bytes(random.uint32() % 24),
      );
      for (const payload of payloads) d.inspect(payload, 0, payload.length);
      const bytes = assembled(d, payloads, 60);
      if (bytes.length > 0) contents(bytes);
    }
  });
});
