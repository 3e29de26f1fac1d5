import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { HeaderExtensionWriter } from "../../../src/protocol/rtp/extension_writer.js";
import { isRtcp, parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { writePadding } from "../../support/rtp_packets.js";

const FIELDS = {
  marker: true,
  payloadType: 96,
  sequenceNumber: 0xfffe,
  timestamp: 0xdeadbeef,
  ssrc: 0x80000001,
};

function parse(bytes: readonly number[], header = new RtpHeader()): RtpHeader | undefined {
  // At an offset, so that one forgotten anywhere shows.
  const buf = Uint8Array.of(9, 9, 9, ...bytes, 9);
  return parseRtp(buf, 3, bytes.length, header) ? header : undefined;
}

const FIXED = [0x80, 0xe0, 0xff, 0xfe, 0xde, 0xad, 0xbe, 0xef, 0x80, 0x00, 0x00, 0x01];

function withFirst(first: number, ...rest: number[]): number[] {
  return [first, ...FIXED.slice(1), ...rest];
}

describe("parseRtp", () => {
  it("reads the fixed header", () => {
    const h = parse([...FIXED, 1, 2, 3]);
    assert.ok(h);
    assert.equal(h.marker, true);
    assert.equal(h.payloadType, 96);
    assert.equal(h.sequenceNumber, 0xfffe);
    assert.equal(h.timestamp, 0xdeadbeef);
    assert.equal(h.ssrc, 0x80000001);
    assert.deepEqual([h.headerBytes, h.payloadOffset, h.payloadLength, h.paddingLength], [12, 15, 3, 0]);
    assert.equal(h.extensionProfile, -1);
  });

  it("refuses short packets and other versions", () => {
    for (let n = 0; n < 12; n++) assert.equal(parse(FIXED.slice(0, n)), undefined);
    for (const first of [0x00, 0x40, 0xc0]) assert.equal(parse(withFirst(first)), undefined);
  });

  it("reads contributing sources and refuses a count past the end", () => {
    const bytes = withFirst(0x82, 0, 0, 0, 7, 0xff, 0, 0, 8, 42);
    const h = parse(bytes);
    assert.ok(h);
    assert.equal(h.csrcCount, 2);
    assert.equal(h.csrc(Uint8Array.of(9, 9, 9, ...bytes), 1), 0xff000008);
    assert.equal(h.payloadLength, 1);
    assert.equal(parse(withFirst(0x8f, 0, 0, 0, 7)), undefined);
  });

  it("takes padding off and refuses padding that lies", () => {
    assert.equal(parse(withFirst(0xa0, 5, 0, 0, 3))?.payloadLength, 1);
    const probe = parse(withFirst(0xa0, 0, 0, 0, 4));
    assert.equal(probe?.payloadLength, 0, "padding alone");
    assert.equal(probe?.paddingLength, 4);
    assert.equal(parse(withFirst(0xa0, 5, 0, 0, 0)), undefined, "zero padding");
    assert.equal(parse(withFirst(0xa0, 5, 0, 0, 5)), undefined, "more than there is");
    assert.equal(parse(withFirst(0xa0)), undefined, "no octet to hold the count");
  });

  it("reads one-byte extensions with padding between them", () => {
    // RFC 8285 §4.2's example shape: one element of 1 byte, padding, one of 2, one of 4.
    const h = parse(withFirst(0x90, 0xbe, 0xde, 0, 3, 0x10, 7, 0, 0x21, 8, 9, 0, 0x33, 1, 2, 3, 4, 99));
    assert.ok(h);
    assert.equal(h.extensionCount, 3);
    assert.deepEqual([h.extensionLength(1), h.extensionLength(2), h.extensionLength(3)], [1, 2, 4]);
    assert.equal(h.extensionOffset(3), 3 + 12 + 4 + 8);
    assert.equal(h.extensionOffset(4), -1);
    assert.equal(h.extensionOffset(0), -1, "0 means not negotiated and is never found");
    assert.equal(h.payloadLength, 1);
  });

  it("reads two-byte extensions, an empty one and any application bits", () => {
    const h = parse(withFirst(0x90, 0x10, 0x0f, 0, 2, 200, 0, 0, 15, 2, 5, 6, 0));
    assert.ok(h);
    assert.equal(h.extensionLength(200), 0);
    assert.equal(h.extensionLength(15), 2, "15 is an ordinary id here");
  });

  it("stops the one-byte list at id 15 and at id 0 with a length", () => {
    const stop = parse(withFirst(0x90, 0xbe, 0xde, 0, 2, 0x10, 7, 0xf0, 1, 0x20, 8, 0, 0));
    assert.equal(stop?.extensionLength(1), 1);
    assert.equal(stop?.extensionOffset(2), -1);
    const zero = parse(withFirst(0x90, 0xbe, 0xde, 0, 1, 0x03, 0x10, 7, 0));
    assert.equal(zero?.extensionCount, 0);
  });

  it("keeps the packet when an element claims more than the block holds", () => {
    const one = parse(withFirst(0x90, 0xbe, 0xde, 0, 1, 0x10, 7, 0x2f, 1, 50, 51));
    assert.equal(one?.extensionLength(1), 1);
    assert.equal(one?.extensionOffset(2), -1);
    assert.equal(one?.payloadLength, 2);
    const two = parse(withFirst(0x90, 0x10, 0x00, 0, 1, 1, 1, 7, 2, 50));
    assert.equal(two?.extensionLength(1), 1);
    assert.equal(two?.extensionOffset(2), -1);
  });

  it("refuses an extension block longer than the packet", () => {
    assert.equal(parse(withFirst(0x90, 0xbe, 0xde, 0, 1)), undefined);
    assert.equal(parse(withFirst(0x90, 0xbe, 0xde)), undefined);
    assert.equal(parse(withFirst(0x90, 0xbe, 0xde, 0xff, 0xff, 1, 2, 3, 4)), undefined);
  });

  it("skips the block of an unknown profile", () => {
    const h = parse(withFirst(0x90, 0x12, 0x34, 0, 1, 0x10, 7, 0, 0, 42));
    assert.equal(h?.extensionProfile, 0x1234);
    assert.equal(h?.extensionCount, 0);
    assert.equal(h?.payloadLength, 1);
  });

  it("forgets the last packet's extensions", () => {
    const h = new RtpHeader();
    parse(withFirst(0x90, 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0), h);
    parse(FIXED, h);
    assert.equal(h.extensionOffset(1), -1);
    assert.equal(h.extensionProfile, -1);
  });

  it("never reads outside random bytes", () => {
    const random = seededRandom(20);
    const h = new RtpHeader();
    for (let i = 0; i < 6_000; i++) {
      const bytes = random.bytes(random.uint32() % 120);
      if (bytes.length > 0) bytes[0] = 0x80 | (bytes[0] & 0x3f);
      if (bytes.length > 75 && i % 2 === 0) bytes.set([0xbe, 0xde], 12 + 4 * (bytes[0] & 0xf));
      if (!parseRtp(bytes, 0, bytes.length, h)) continue;
      assert.ok(h.payloadLength >= 0 && h.payloadOffset + h.payloadLength + h.paddingLength === bytes.length);
      for (let n = 0; n < h.extensionCount; n++) {
        const id = h.extensionIdAt(n);
        assert.ok(h.extensionOffset(id) + h.extensionLength(id) <= h.payloadOffset);
      }
    }
  });
});

describe("writeRtpHeader", () => {
  it("writes the bytes of RFC 3550 §5.1", () => {
    const buf = new Uint8Array(16).fill(0x55);
    assert.equal(writeRtpHeader(buf, 2, FIELDS), 12);
    assert.deepEqual([...buf.subarray(2, 14)], FIXED);
    assert.equal(buf[14], 0x55);
  });

  it("writes one-byte extensions padded to a word", () => {
    const ext = new HeaderExtensionWriter();
    ext.addU16(3, 0x0102);
    ext.addU8(1, 0xff);
    ext.addU24(0, 5);
    assert.equal(ext.blockBytes, 12);
    const buf = new Uint8Array(64).fill(0x55);
    assert.equal(writeRtpHeader(buf, 0, FIELDS, ext), 24);
    assert.deepEqual([...buf.subarray(12, 24)], [0xbe, 0xde, 0, 2, 0x31, 1, 2, 0x10, 0xff, 0, 0, 0]);
    assert.equal(buf[0], 0x90);
  });

  it("takes the two-byte form when an id or a length asks for it, and reads back", () => {
    for (const [id, bytes] of [
      [16, 1],
      [1, 17],
      [14, 0],
      [255, 255],
    ] as const) {
      const ext = new HeaderExtensionWriter();
      const value = seededRandom(id).bytes(bytes);
      ext.addBytes(id, value);
      ext.addU64(2, 0x80000001, 0xfffffffe);
      const buf = new Uint8Array(400);
      const length = writeRtpHeader(buf, 0, FIELDS, ext);
      const h = new RtpHeader();
      assert.ok(parseRtp(buf, 0, length, h));
      assert.equal(h.extensionProfile, 0x1000);
      const at = h.extensionOffset(id);
      assert.deepEqual(buf.slice(at, at + h.extensionLength(id)), value);
      const second = h.extensionOffset(2);
      assert.deepEqual([...buf.subarray(second, second + 8)], [0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]);
      assert.equal(length, 12 + ext.blockBytes);
    }
  });

  it("starts over after clear and refuses what cannot be written", () => {
    const ext = new HeaderExtensionWriter();
    ext.addBytes(1, new Uint8Array(17));
    ext.clear();
    assert.equal(ext.blockBytes, 0);
    ext.addU8(1, 1);
    const buf = new Uint8Array(32);
    writeRtpHeader(buf, 0, FIELDS, ext);
    assert.equal(buf[12], 0xbe);
    assert.throws(() => ext.addBytes(1, new Uint8Array(256)), RangeError);
    assert.throws(() => ext.addU8(256, 1), RangeError);
    assert.throws(() => {
      for (let i = 0; i < 20; i++) ext.addU8(2, 0);
    }, RangeError);
  });

  it("takes padding off", () => {
    const buf = new Uint8Array(300).fill(0xaa);
    const headerBytes = writeRtpHeader(buf, 0, FIELDS);
    const length = writePadding(buf, 0, headerBytes, 255);
    const h = new RtpHeader();
    assert.ok(parseRtp(buf, 0, length, h));
    assert.deepEqual([h.payloadLength, h.paddingLength, length], [0, 255, 267]);
  });
});

describe("isRtcp", () => {
  it("tells RTCP from RTP by the second byte (RFC 5761 §4)", () => {
    for (let pt = 0; pt < 256; pt++)
      assert.equal(isRtcp(Uint8Array.of(0x80, pt), 0, 2), pt >= 192 && pt <= 223, `${pt}`);
    assert.equal(isRtcp(Uint8Array.of(0x80, 200), 0, 1), false);
  });
});
