import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { RedReader, RedWriter } from "../../../src/protocol/red/red.js";

function blocks(payload: Uint8Array): { pt: number; ago: number; data: number[] }[] | undefined {
  const reader = new RedReader();
  const buf = Uint8Array.of(1, 1, ...payload);
  if (!reader.parse(buf, 2, payload.length)) return undefined;
  return Array.from({ length: reader.count }, (_, i) => ({
    pt: reader.payloadType(i),
    ago: reader.timestampOffset(i),
    data: [...buf.subarray(reader.offset(i), reader.offset(i) + reader.length(i))],
  }));
}

describe("RED (RFC 2198)", () => {
  it("reads the layout of RFC 2198 §3: redundant heads, primary head, data in order", () => {
    // One block of 3 bytes 960 units back, then the primary.
    const payload = Uint8Array.of(0x80 | 111, 960 >> 6, ((960 & 63) << 2) | 0, 3, 111, 7, 8, 9, 1, 2);
    assert.deepEqual(blocks(payload), [
      { pt: 111, ago: 960, data: [7, 8, 9] },
      { pt: 111, ago: 0, data: [1, 2] },
    ]);
    assert.deepEqual(blocks(Uint8Array.of(0, 5)), [{ pt: 0, ago: 0, data: [5] }]);
  });

  it("refuses lengths that lie and heads without end", () => {
    for (const bad of [
      [],
      [0x80],
      [0x80, 0, 0, 0],
      [0x80, 0, 0, 2, 0, 1],
      [0x80, 0, 3, 255, 0],
      new Array(80).fill(0x80),
    ])
      assert.equal(blocks(Uint8Array.from(bad)), undefined, bad.join(" "));
  });

  it("repeats the last payloads, across timestamp wraps", () => {
    const writer = new RedWriter(2);
    const out = new Uint8Array(200);
    const all: ReturnType<typeof blocks>[] = [];
    for (let i = 0; i < 5; i++) {
      const n = writer.write(
        Uint8Array.of(0, i, i, i),
        1,
        3,
        111,
        (2 ** 32 - 1920 + i * 960) % 2 ** 32,
        out,
        10,
        100,
      );
      all.push(blocks(out.slice(10, 10 + n)));
    }
    const block = (value: number, ago: number) => ({ pt: 111, ago, data: [value, value, value] });
    assert.deepEqual(all[0], [block(0, 0)]);
    assert.deepEqual(all[1], [block(0, 960), block(1, 0)]);
    assert.deepEqual(all[4], [block(2, 1920), block(3, 960), block(4, 0)]);
  });

  it("leaves out what is too old, too long, or does not fit", () => {
    const out = new Uint8Array(3000);
    const write = (w: RedWriter, bytes: number, timestamp: number, max = 3000) =>
      blocks(out.slice(0, w.write(new Uint8Array(bytes).fill(1), 0, bytes, 0, timestamp, out, 0, max)))?.map(
        (b) => b.data.length,
      );
    const old = new RedWriter(1);
    write(old, 3, 0);
    assert.deepEqual(write(old, 4, 0x3fff), [3, 4]);
    assert.deepEqual(write(old, 5, 0x8000), [5]);
    const long = new RedWriter(1);
    write(long, 1024, 0);
    assert.deepEqual(write(long, 4, 10), [0, 4]);
    const tight = new RedWriter(2);
    write(tight, 10, 0);
    write(tight, 10, 1);
    assert.deepEqual(write(tight, 10, 2, 25), [10, 10]);
    assert.deepEqual(write(tight, 10, 3, 24), [10]);
    assert.equal(tight.write(new Uint8Array(10), 0, 10, 0, 4, out, 0, 10), 0);
    assert.throws(() => new RedWriter(0), RangeError);
  });

  it("survives random payloads", () => {
    const random = seededRandom(2198);
    const reader = new RedReader();
    for (let i = 0; i < 8_000; i++) {
      const bytes = random.bytes(random.uint32() % 50);
      if (!reader.parse(bytes, 0, bytes.length)) continue;
      const last = reader.count - 1;
      assert.equal(reader.offset(last) + reader.length(last), bytes.length);
    }
  });
});
