import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { HeaderExtensionWriter, relabelExtension } from "../../../src/protocol/rtp/extension_writer.js";
import { readTransportSequence } from "../../../src/protocol/rtp/header_extensions.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { RtxSender, unwrapRtx } from "../../../src/protocol/rtx/rtx.js";
import { textExtension, writePadding } from "../../support/rtp_packets.js";

const random = seededRandom(4588);

function original(payloadBytes: number, extended: boolean, padding: number): Uint8Array {
  const ext = new HeaderExtensionWriter();
  if (extended) ext.addU16(3, 0x1234);
  const buf = new Uint8Array(600);
  const fields = {
    marker: payloadBytes % 2 === 0,
    payloadType: 96,
    sequenceNumber: 0xfffe,
    timestamp: 0x89abcdef,
    ssrc: 11,
  };
  let length = writeRtpHeader(buf, 0, fields, ext);
  buf.set(random.bytes(payloadBytes), length);
  length += payloadBytes;
  if (padding > 0) length = writePadding(buf, 0, length, padding);
  return buf.slice(0, length);
}

function sender(): RtxSender {
  return new RtxSender({ ssrc: 22, payloadTypes: new Map([[96, 97]]), firstSequenceNumber: 0xffff });
}

describe("RTX (RFC 4588)", () => {
  it("puts the original sequence number before the payload", () => {
    const rtx = sender();
    const header = new RtpHeader();
    const packet = original(3, false, 0);
    assert.ok(parseRtp(packet, 0, packet.length, header));
    const out = new Uint8Array(100).fill(0xee);
    assert.equal(rtx.wrap(packet, header, out, 5), packet.length + 2);
    assert.ok(parseRtp(out, 5, packet.length + 2, header));
    assert.deepEqual(
      [header.payloadType, header.sequenceNumber, header.ssrc, header.timestamp],
      [97, 0xffff, 22, 0x89abcdef],
    );
    assert.deepEqual([...out.subarray(17, 22)], [0xff, 0xfe, ...packet.subarray(12)]);
    assert.equal(out[5 + packet.length + 2], 0xee);
    assert.ok(parseRtp(packet, 0, packet.length, header));
    rtx.wrap(packet, header, out, 0);
    assert.ok(parseRtp(out, 0, packet.length + 2, header));
    assert.equal(header.sequenceNumber, 0, "its numbers wrap on their own");
  });

  it("gives the original back byte for byte, without its padding", () => {
    for (const extended of [false, true])
      for (const padding of [0, 7])
        for (let size = 0; size < 200; size += 13) {
          const packet = original(size, extended, padding);
          const bare = packet.slice(0, packet.length - padding);
          bare[0] &= ~0x20;
          const header = new RtpHeader();
          assert.ok(parseRtp(packet, 0, packet.length, header));
          const wire = new Uint8Array(700);
          let length = sender().wrap(packet, header, wire, 9);
          if (size % 2 === 1) length = writePadding(wire, 9, length, 20);
          assert.ok(parseRtp(wire, 9, length, header));
          const end = header.payloadOffset + header.payloadLength;
          const at = unwrapRtx(wire, header, 11, 96);
          assert.equal(at, 11);
          assert.deepEqual(wire.slice(at, end), bare);
          assert.ok(parseRtp(wire, at, end - at, header));
          assert.equal(header.sequenceNumber, 0xfffe);
        }
  });

  it("tells which layer it repeats in place of which it is (RFC 8852 §3.2)", () => {
    const rid = new TextEncoder().encode("low");
    for (const { id, repaired } of [
      { id: 4, repaired: 5 },
      { id: 4, repaired: 0 },
      { id: 20, repaired: 21 },
      { id: 20, repaired: 0 },
    ]) {
      const ext = new HeaderExtensionWriter();
      ext.addBytes(id, rid);
      ext.addU16(3, 0x1234);
      const packet = new Uint8Array(60);
      writeRtpHeader(
        packet,
        7,
        { marker: true, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3 },
        ext,
      );
      const header = new RtpHeader();
      assert.ok(parseRtp(packet, 7, 40, header));
      relabelExtension(packet, 7, header.extensionOffset(id) - 7, repaired);
      assert.ok(parseRtp(packet, 7, 40, header));
      assert.equal(header.extensionOffset(id), -1);
      if (repaired > 0) assert.equal(textExtension(packet, header, repaired), "low");
      assert.equal(readTransportSequence(packet, header, 3), 0x1234, "the rest stays");
    }
  });

  it("knows packets without an original, and payload types without RTX", () => {
    const header = new RtpHeader();
    const packet = original(1, false, 50);
    assert.ok(parseRtp(packet, 0, packet.length, header));
    assert.equal(unwrapRtx(packet, header, 1, 96), -1);
    const none = new RtxSender({ ssrc: 1, payloadTypes: new Map(), firstSequenceNumber: 0 });
    assert.equal(none.wrap(packet, header, new Uint8Array(100), 0), 0);
    assert.equal(none.packetsSent, 0);
  });
});
