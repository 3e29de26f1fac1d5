import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { encodeStun, textAttribute } from "../../../src/protocol/stun/index.js";
import { decodeChannelData, encodeChannelData, TurnStreamFramer } from "../../../src/protocol/turn/index.js";

const stun = encodeStun({
  method: 3,
  messageClass: 0,
  transactionId: new Uint8Array(12),
  attributes: [textAttribute(0x8022, "hello")],
  fingerprint: true,
});

describe("TURN framing", () => {
  it("writes ChannelData with padding on streams and without on datagrams", () => {
    assert.deepEqual([...encodeChannelData(0x4001, Uint8Array.of(7), true)], [0x40, 1, 0, 1, 7, 0, 0, 0]);
    assert.deepEqual([...encodeChannelData(0x4001, Uint8Array.of(7), false)], [0x40, 1, 0, 1, 7]);
    assert.deepEqual(decodeChannelData(Uint8Array.of(0x40, 1, 0, 1, 7, 0, 0, 0)), {
      channel: 0x4001,
      data: Uint8Array.of(7),
    });
  });

  it("refuses ChannelData whose length lies and numbers out of range", () => {
    assert.equal(decodeChannelData(Uint8Array.of(0x40, 1, 0, 2, 7)), undefined);
    assert.equal(decodeChannelData(Uint8Array.of(0x40, 1, 0, 0, 1, 2, 3, 4)), undefined);
    assert.equal(decodeChannelData(Uint8Array.of(0x50, 1, 0, 1, 7)), undefined);
    assert.equal(decodeChannelData(Uint8Array.of(0x40)), undefined);
    assert.deepEqual(decodeChannelData(Uint8Array.of(0x40, 0, 0, 0))?.data.length, 0);
  });

  it("finds the frames however the stream is cut", () => {
    const seed = 0x7c9;
    const random = seededRandom(seed);
    for (let round = 0; round < 200; round++) {
      const frames: Uint8Array[] = [];
      const stream: number[] = [];
      for (let i = 0; i < 10; i++) {
        const data = random.bytes(random.uint32() % 50);
        const onWire = i % 2 ? stun : encodeChannelData(0x4000 + i, data, true);
        frames.push(i % 2 ? stun : encodeChannelData(0x4000 + i, data, false));
        stream.push(...onWire);
      }
      const framer = new TurnStreamFramer();
      const got: Uint8Array[] = [];
      for (let at = 0; at < stream.length; ) {
        const n = 1 + (random.uint32() % 30);
        got.push(...framer.push(Uint8Array.from(stream.slice(at, at + n))));
        at += n;
      }
      assert.deepEqual(
        got.map((f) => [...f]),
        frames.map((f) => [...f]),
        `seed ${seed} round ${round}`,
      );
    }
  });

  it("gives up a stream that is neither", () => {
    for (const bad of [
      Uint8Array.of(0x80, 0, 0, 0),
      Uint8Array.of(0x50, 0, 0, 0),
      Uint8Array.of(0, 1, 0, 3),
    ]) {
      const framer = new TurnStreamFramer();
      assert.deepEqual(framer.push(bad), []);
      assert.ok(framer.broken);
      assert.deepEqual(framer.push(stun), []);
    }
  });
});
