import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import type { RtcpPacket } from "../../../src/protocol/rtcp/packets.js";
import { parseCompound } from "../../../src/protocol/rtcp/parser.js";
import { RtcpWriter } from "../../../src/protocol/rtcp/writer.js";
import type { ReceptionReport } from "../../../src/protocol/rtp/receive_statistics.js";

const INFO = {
  ssrc: 0x80000001,
  ntpSeconds: 0xe1234567,
  ntpFraction: 0x89abcdef,
  rtpTimestamp: 0xfffffff0,
  packetCount: 1000,
  octetCount: 0xfffffffe,
};

function block(ssrc: number, over: Partial<ReceptionReport> = {}): ReceptionReport {
  return {
    ssrc,
    fractionLost: 64,
    cumulativeLost: -3,
    extendedHighestSequence: 0x0001fffe,
    jitter: 90,
    lastSr: 0xb7052000,
    delaySinceLastSr: 0x54000,
    ...over,
  };
}

function parse(bytes: ArrayLike<number>): RtcpPacket[] {
  const buf = Uint8Array.from([7, 7, ...Array.from(bytes), 7]);
  return parseCompound(buf, 2, bytes.length);
}

function written(write: (w: RtcpWriter) => void): Uint8Array {
  const writer = new RtcpWriter();
  write(writer);
  return writer.bytes.slice();
}

describe("RTCP on the wire", () => {
  it("writes a receiver report as RFC 3550 §6.4.2 draws it", () => {
    const bytes = written((w) => w.receiverReport(0x01020304, [block(0x0a0b0c0d)]));
    assert.deepEqual(
      [...bytes],
      [
        ...[0x81, 201, 0, 7, 1, 2, 3, 4, 0x0a, 0x0b, 0x0c, 0x0d, 64, 0xff, 0xff, 0xfd],
        ...[0, 1, 0xff, 0xfe, 0, 0, 0, 90, 0xb7, 0x05, 0x20, 0, 0, 5, 0x40, 0],
      ],
    );
  });

  it("writes NACK with its bitmask as RFC 4585 §6.2.1 draws it", () => {
    const bytes = written((w) => assert.equal(w.nack(1, 2, [65530, 65531, 10, 11, 30]), 5));
    assert.deepEqual(
      [...bytes],
      [0x81, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 255, 250, 0x80, 0x01, 0, 11, 0, 0, 0, 30, 0, 0],
    );
    const packet = parse(bytes)[0];
    assert.ok(packet.type === "nack");
    assert.deepEqual(packet.sequenceNumbers, [65530, 65531, 10, 11, 30]);
  });

  it("writes PLI and FIR as RFC 4585 §6.3.1 and RFC 5104 §4.3.1 draw them", () => {
    assert.deepEqual([...written((w) => w.pictureLoss(1, 2))], [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    assert.deepEqual(
      [...written((w) => w.fullIntraRequest(1, 2, 255))],
      [0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 255, 0, 0, 0],
    );
  });

  it("pads SDES chunks to a word with at least one null", () => {
    for (let n = 0; n < 9; n++) {
      const cname = "x".repeat(n);
      const bytes = written((w) => w.sourceDescription(5, cname, [{ type: 6, text: "tool" }]));
      assert.equal(bytes.length % 4, 0);
      assert.equal(bytes[bytes.length - 1], 0);
      const packet = parse(bytes)[0];
      assert.ok(packet.type === "sdes");
      assert.deepEqual(packet.chunks, [
        {
          ssrc: 5,
          items: [
            { type: 1, text: cname },
            { type: 6, text: "tool" },
          ],
        },
      ]);
    }
  });

  it("round-trips a full compound", () => {
    const bytes = written((w) => {
      assert.ok(w.senderReport(INFO, [block(1), block(2, { cumulativeLost: 0x7fffff })]));
      assert.ok(w.receiverReport(9));
      assert.ok(w.sourceDescription(INFO.ssrc, "käse"));
      assert.ok(w.nack(1, 2, [5]));
      assert.ok(w.pictureLoss(1, 2));
      assert.ok(w.fullIntraRequest(1, 2, 7));
      assert.ok(w.app(4, 3, "room", Uint8Array.of(1, 2, 3)));
      assert.ok(w.bye([1, 2], "tired"));
    });
    assert.deepEqual(parse(bytes), [
      { type: "sr", ...INFO, reports: [block(1), block(2, { cumulativeLost: 0x7fffff })] },
      { type: "rr", ssrc: 9, reports: [] },
      { type: "sdes", chunks: [{ ssrc: INFO.ssrc, items: [{ type: 1, text: "käse" }] }] },
      { type: "nack", senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: [5] },
      { type: "pli", senderSsrc: 1, mediaSsrc: 2 },
      { type: "fir", senderSsrc: 1, entries: [{ ssrc: 2, sequenceNumber: 7 }] },
      { type: "app", subtype: 3, ssrc: 4, name: "room", data: Uint8Array.of(1, 2, 3, 0) },
      { type: "bye", ssrcs: [1, 2], reason: "tired" },
    ]);
  });

  it("reads a goodbye without reason and one whose reason lies", () => {
    assert.deepEqual(parse([0x81, 203, 0, 1, 0, 0, 0, 1]), [{ type: "bye", ssrcs: [1], reason: "" }]);
    assert.deepEqual(parse([0x81, 203, 0, 2, 0, 0, 0, 1, 200, 65, 66, 67]), [
      { type: "bye", ssrcs: [1], reason: "" },
    ]);
  });

  it("hands packets of unknown kind on as they are", () => {
    const packets = parse([0x8e, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 210, 0, 0]);
    assert.deepEqual(packets, [
      { type: "unknown", packetType: 205, count: 14, body: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2) },
      { type: "unknown", packetType: 210, count: 0, body: new Uint8Array(0) },
    ]);
  });

  it("takes padding off, of words or less, and refuses more than there is", () => {
    const rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
    assert.equal(parse([...rr, 0xa0, 210, 0, 2, 9, 9, 9, 9, 0, 0, 0, 4]).length, 2);
    const last = parse([...rr, 0xa0, 210, 0, 2, 9, 9, 9, 9, 0, 0, 0, 4])[1];
    assert.ok(last.type === "unknown");
    assert.equal(last.body.length, 4);
    const lengths = [1, 3].map((padding) => {
      const [first, second] = parse([0xa0, 210, 0, 2, 9, 9, 9, 9, 0, 0, 0, padding, ...rr]);
      assert.ok(first.type === "unknown" && second.type === "rr");
      return first.body.length;
    });
    assert.deepEqual(lengths, [7, 5]);
    for (const padding of [0, 12, 255])
      assert.deepEqual(parse([...rr, 0xa0, 210, 0, 2, 9, 9, 9, 9, 0, 0, 0, padding]), [], `${padding}`);
  });

  it("refuses a compound whose lengths or versions do not add up", () => {
    const rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
    for (const bad of [
      [],
      [0x80],
      [0x80, 201, 0],
      [...rr, 0x80],
      [0x80, 201, 0, 2, 0, 0, 0, 1],
      [0x40, 201, 0, 1, 0, 0, 0, 1],
      [0x80, 96, 0, 1, 0, 0, 0, 1],
      [...rr, 0x80, 201, 255, 255, 0, 0, 0, 1],
    ])
      assert.deepEqual(parse(bad), [], bad.join(" "));
  });

  it("leaves out a packet that claims more than its length holds and keeps the others", () => {
    const rr = [0x80, 201, 0, 1, 0, 0, 0, 1];
    const liars = [
      [0x9f, 200, 0, 6, ...new Array(24).fill(0)],
      [0x81, 201, 0, 1, 0, 0, 0, 1],
      [0x9f, 202, 0, 1, 0, 0, 0, 1],
      [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 65, 66],
      [0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 65, 66],
      [0x82, 203, 0, 1, 0, 0, 0, 1],
      [0x80, 204, 0, 1, 0, 0, 0, 1],
      [0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
      [0x81, 206, 0, 1, 0, 0, 0, 1],
      [0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
    ];
    for (const liar of liars)
      assert.deepEqual(
        parse([...liar, ...rr]).map((p) => p.type),
        ["rr"],
        liar.join(" "),
      );
  });

  it("ends on random and on damaged packets without throwing", () => {
    const random = seededRandom(8);
    const good = written((w) => {
      w.senderReport(INFO, [block(1), block(2)]);
      w.sourceDescription(1, "someone@somewhere");
      w.nack(1, 2, [1, 2, 3, 500]);
      w.fullIntraRequest(1, 2, 7);
      w.bye([1], "bye");
    });
    for (let i = 0; i < 6_000; i++) {
      const bytes = good.slice();
      for (let k = 0; k < 1 + (i % 4); k++) bytes[random.uint32() % bytes.length] = random.uint32();
      parse(bytes);
      parse(random.bytes(random.uint32() % 60));
    }
  });

  it("writes nothing where there is no room, and as many NACKs as fit", () => {
    const w = new RtcpWriter(new Uint8Array(20));
    assert.equal(w.senderReport(INFO), false);
    assert.equal(w.sourceDescription(1, "a long canonical name"), false);
    assert.equal(w.length, 0);
    const every40 = Array.from({ length: 10 }, (_, i) => i * 40);
    assert.equal(w.nack(1, 2, every40), 2);
    assert.equal(w.length, 20);
    assert.equal(w.pictureLoss(1, 2), false);
    const packet = parse(w.bytes)[0];
    assert.ok(packet.type === "nack");
    assert.deepEqual(packet.sequenceNumbers, [0, 40]);
    w.clear();
    assert.equal(w.nack(1, 2, []), 0);
    assert.equal(w.length, 0);
  });

  it("limits a report to 31 blocks", () => {
    const blocks = Array.from({ length: 40 }, (_, i) => block(i));
    const rr = parse(written((w) => w.receiverReport(1, blocks)))[0];
    assert.ok(rr.type === "rr");
    assert.equal(rr.reports.length, 31);
  });
});
