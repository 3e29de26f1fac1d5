import assert from "node:assert/strict";
import { encodeAck, encodeOpen, parseDcep } from "../../../src/protocol/dcep/dcep.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("DCEP (RFC 8832)", () => {
  it("lays DATA_CHANNEL_OPEN out as §5.1 draws it", () => {
    const open = { ordered: false, maxRetransmits: 3, priority: 256, label: "chat", protocol: "x" };
    assert.equal(
      hex(encodeOpen(open)),
      `03810100${"00000003"}00040001${Buffer.from("chatx").toString("hex")}`,
    );
  });

  for (const reliability of [
    { ordered: true },
    { ordered: false },
    { ordered: true, maxRetransmits: 0 },
    { ordered: false, maxPacketLifeTimeMs: 4_294_967_295 },
  ]) {
    it(`gives back what it was given: ${JSON.stringify(reliability)}`, () => {
      const open = { ...reliability, priority: 1024, label: "grün", protocol: "" };
      assert.deepEqual(parseDcep(encodeOpen(open)), { type: "open", open });
    });
  }

  it("knows the acknowledgement", () => {
    assert.deepEqual(parseDcep(encodeAck()), { type: "ack" });
    assert.equal(parseDcep(Uint8Array.of(2, 0)), undefined);
  });

  it("refuses lying lengths, unknown types and text that is not UTF-8", () => {
    const good = encodeOpen({ ordered: true, priority: 256, label: "ab", protocol: "c" });
    const broken = (change: (bytes: Uint8Array) => void) => {
      const bytes = good.slice();
      change(bytes);
      return parseDcep(bytes);
    };
    assert.ok(parseDcep(good));
    for (let length = 0; length < good.length; length++)
      assert.equal(parseDcep(good.subarray(0, length)), undefined);
    assert.equal(
      broken((bytes) => (bytes[9] = 200)),
      undefined,
    );
    assert.equal(
      broken((bytes) => (bytes[11] = 0)),
      undefined,
    );
    assert.equal(
      broken((bytes) => (bytes[1] = 3)),
      undefined,
    );
    assert.equal(
      broken((bytes) => (bytes[0] = 4)),
      undefined,
    );
    assert.equal(
      broken((bytes) => (bytes[12] = 0xff)),
      undefined,
    );
  });

  it("refuses a label beyond 65535 bytes", () => {
    assert.throws(
      () => encodeOpen({ ordered: true, priority: 0, label: "ä".repeat(40_000), protocol: "" }),
      RangeError,
    );
  });

  it("takes any bytes without throwing", () => {
    const seed = 21;
    console.log(`      seed ${seed}`);
    const random = seededRandom(seed);
    for (let i = 0; i < 20_000; i++) {
      const bytes = random.bytes(random.uint32() % 40);
      if (bytes.length > 0 && i % 2) bytes[0] = 3;
      parseDcep(bytes);
    }
  });
});
