import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { writeTemporaryBitrate } from "../../../src/protocol/rtcp/bitrate_feedback.js";
import { writeExtendedReport } from "../../../src/protocol/rtcp/extended_report.js";
import type { ExtendedReportBlock, RtcpPacket } from "../../../src/protocol/rtcp/packets.js";
import { parseCompound } from "../../../src/protocol/rtcp/parser.js";
import { RtcpWriter } from "../../../src/protocol/rtcp/writer.js";
import { writeRemb } from "../../support/remb.js";

function parse(bytes: ArrayLike<number>): RtcpPacket[] {
  return parseCompound(Uint8Array.from(bytes), 0, bytes.length);
}

function written(write: (w: RtcpWriter) => void): Uint8Array {
  const writer = new RtcpWriter();
  write(writer);
  return writer.bytes.slice();
}

describe("REMB", () => {
  it("is read as the draft draws it", () => {
    const bytes = written((w) => writeRemb(w, 1, 8_927_168, [1215622422]));
    // 8 927 168 = 139 487 · 2^6.
    assert.deepEqual(
      [...bytes],
      [
        0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0x52, 0x45, 0x4d, 0x42, 1, 0x1a, 0x20, 0xdf, 72, 116, 237,
        22,
      ],
    );
    assert.deepEqual(parse(bytes), [
      { type: "remb", senderSsrc: 1, bitrateBps: 8_927_168, ssrcs: [1215622422] },
    ]);
  });

  it("is read of any bitrate as 18 bits say it", () => {
    for (let bps = 1; bps < 1e15; bps = Math.ceil(bps * 1.37)) {
      const [packet] = parse(written((w) => writeRemb(w, 1, bps, [])));
      assert.ok(packet.type === "remb");
      assert.ok(packet.bitrateBps <= bps && packet.bitrateBps > bps * (1 - 2 ** -17), `${bps}`);
    }
  });

  it("is nothing we know when its name or its count lies", () => {
    const bytes = written((w) => writeRemb(w, 1, 1000, [2]));
    bytes[16] = 2;
    assert.deepEqual(
      parse(bytes).map((p) => p.type),
      ["unknown"],
    );
    bytes[16] = 1;
    bytes[12] = 0;
    assert.deepEqual(
      parse(bytes).map((p) => p.type),
      ["unknown"],
    );
  });
});

describe("TMMBR and TMMBN", () => {
  it("round-trip entries as RFC 5104 §4.2.1.1 packs them", () => {
    const entries = [
      { ssrc: 0xffffffff, bitrateBps: 0x1ffff * 2 ** 45, overheadBytes: 511 },
      { ssrc: 2, bitrateBps: 100_000, overheadBytes: 40 },
    ];
    for (const type of ["tmmbr", "tmmbn"] as const) {
      const bytes = written((w) => writeTemporaryBitrate(w, type, 9, entries));
      assert.equal(bytes[0] & 31, type === "tmmbr" ? 3 : 4);
      assert.deepEqual(parse(bytes), [{ type, senderSsrc: 9, entries }]);
    }
    assert.deepEqual(
      [
        ...written((w) =>
          writeTemporaryBitrate(w, "tmmbr", 0, [{ ssrc: 1, bitrateBps: 6, overheadBytes: 1 }]),
        ).slice(16),
      ],
      [0, 0, 6 << 1, 1],
    );
  });
});

describe("extended reports", () => {
  const blocks: ExtendedReportBlock[] = [
    { type: "rrtr", ntpSeconds: 0xe0000000, ntpFraction: 0xffffffff },
    {
      type: "dlrr",
      entries: [
        { ssrc: 1, lastRr: 2, delaySinceLastRr: 3 },
        { ssrc: 4, lastRr: 5, delaySinceLastRr: 6 },
      ],
    },
    {
      type: "statistics",
      ssrc: 7,
      beginSequence: 65530,
      endSequence: 10,
      lostPackets: 3,
      duplicatePackets: undefined,
      jitter: { min: 1, max: 9, mean: 4, deviation: 2 },
    },
    { type: "unknown", blockType: 1, typeSpecific: 5, body: Uint8Array.of(1, 2, 3, 4) },
  ];

  it("round-trip every block", () => {
    assert.deepEqual(parse(written((w) => assert.ok(writeExtendedReport(w, 77, blocks)))), [
      { type: "xr", ssrc: 77, blocks },
    ]);
  });

  it("lay RRTR and DLRR out as RFC 3611 §4.4 and §4.5 do", () => {
    const bytes = written((w) => writeExtendedReport(w, 1, blocks.slice(0, 1)));
    assert.deepEqual(
      [...bytes],
      [0x80, 207, 0, 4, 0, 0, 0, 1, 4, 0, 0, 2, 0xe0, 0, 0, 0, 255, 255, 255, 255],
    );
    const dlrr = written((w) => writeExtendedReport(w, 1, blocks.slice(1, 2)));
    assert.deepEqual([...dlrr.slice(8, 12)], [5, 0, 0, 6]);
  });

  it("keep the blocks before one whose length lies", () => {
    const bytes = written((w) => writeExtendedReport(w, 1, blocks));
    bytes[8 + 12 + 3] = 200;
    const [packet] = parse(bytes);
    assert.ok(packet.type === "xr");
    assert.deepEqual(packet.blocks, blocks.slice(0, 1));
  });

  it("survive damage", () => {
    const random = seededRandom(12);
    const good = written((w) => {
      writeExtendedReport(w, 1, blocks);
      writeRemb(w, 1, 5e6, [1, 2]);
      writeTemporaryBitrate(w, "tmmbr", 1, [{ ssrc: 1, bitrateBps: 5, overheadBytes: 1 }]);
    });
    for (let i = 0; i < 6_000; i++) {
      const bytes = good.slice();
      for (let k = 0; k < 3; k++) bytes[random.uint32() % bytes.length] = random.uint32();
      parse(bytes);
    }
  });

  it("write nothing where there is no room", () => {
    const w = new RtcpWriter(new Uint8Array(19));
    assert.equal(writeExtendedReport(w, 1, blocks.slice(0, 1)), false);
    assert.equal(writeTemporaryBitrate(w, "tmmbr", 1, [{ ssrc: 1, bitrateBps: 5, overheadBytes: 1 }]), false);
    assert.equal(w.length, 0);
  });
});
