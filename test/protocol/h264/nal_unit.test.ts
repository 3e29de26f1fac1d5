import assert from "node:assert/strict";
import { AnnexBReader, isFirstSlice, isKeyframe } from "../../../src/protocol/h264/nal_unit.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { annexB, makeNal } from "./nal_samples.js";

function nalsOf(bytes: Uint8Array, offset?: number, length?: number): number[][] {
  const reader = new AnnexBReader();
  reader.start(bytes, offset, length);
  const out: number[][] = [];
  while (reader.next()) out.push([...bytes.subarray(reader.offset, reader.offset + reader.length)]);
  return out;
}

describe("AnnexBReader", () => {
  it("takes 3- and 4-byte start codes", () => {
    assert.deepEqual(nalsOf(Uint8Array.of(0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65)), [
      [0x67, 1],
      [0x68, 2],
      [0x65],
    ]);
  });

  it("skips leading bytes, trailing zeros and empty units", () => {
    assert.deepEqual(nalsOf(Uint8Array.of(7, 7, 0, 0, 1, 0x61, 9, 0, 0, 0)), [[0x61, 9]]);
    assert.deepEqual(nalsOf(Uint8Array.of(0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x61)), [[0x61]]);
    assert.deepEqual(nalsOf(Uint8Array.of(0, 0, 1, 0x61, 0, 0, 1)), [[0x61]]);
  });

  it("finds nothing in nothing", () => {
    for (const bytes of [[], [0], [0, 0], [0, 0, 1], [1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 2, 1]])
      assert.deepEqual(nalsOf(Uint8Array.from(bytes)), []);
  });

  it("leaves emulation prevention bytes where they are", () => {
    const nal = [0x65, 0, 0, 3, 1, 0, 0, 3, 0, 0, 3];
    assert.deepEqual(nalsOf(Uint8Array.of(0, 0, 1, ...nal)), [nal]);
  });

  it("stays inside its window", () => {
    const bytes = Uint8Array.of(0, 0, 1, 0x61, 5, 6, 0, 0, 1, 0x62);
    assert.deepEqual(nalsOf(bytes, 3, 4), [], "the window holds no start code");
    assert.deepEqual(nalsOf(bytes, 0, 6), [[0x61, 5, 6]]);
    assert.deepEqual(nalsOf(bytes, 1), [[0x62]]);
  });

  it("agrees with a plain search on random streams full of zeros and ones", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 3000; round++) {
      const bytes = random.bytes(random.uint32() % 60).map((b) => (b < 150 ? 0 : b < 220 ? 1 : b));
      const text = [...bytes].map((b) => String.fromCharCode(b)).join("");
      const expected = text
        .split("\u0000\u0000\u0001")
        .slice(1)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: zero bytes are the subject
        .map((part) => part.replace(/\u0000+$/, ""))
        .filter((part) => part !== "")
        .map((part) => [...part].map((c) => c.charCodeAt(0)));
      assert.deepEqual(nalsOf(bytes), expected, [...bytes].join(" "));
    }
  });
});

describe("isKeyframe and isFirstSlice", () => {
  it("tell IDR access units", () => {
    const random = seededRandom(1);
    const sps = makeNal(random, 0x67, 10);
    assert.ok(isKeyframe(annexB([sps, makeNal(random, 0x68, 4), makeNal(random, 0x65, 50)])));
    assert.ok(!isKeyframe(annexB([sps, makeNal(random, 0x41, 50)])));
    assert.ok(!isKeyframe(new Uint8Array(0)));
  });

  it("tell the first slice of a picture by first_mb_in_slice", () => {
    assert.ok(isFirstSlice(Uint8Array.of(0x65, 0x88), 0, 2));
    assert.ok(!isFirstSlice(Uint8Array.of(0x65, 0x48), 0, 2));
    assert.ok(!isFirstSlice(Uint8Array.of(0x65), 0, 1));
  });
});
