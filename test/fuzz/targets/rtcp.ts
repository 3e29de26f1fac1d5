/** RTCP compounds of every kind, and the transport-wide feedback inside. */
import assert from "node:assert/strict";
import { writeTemporaryBitrate } from "../../../src/protocol/rtcp/bitrate_feedback.js";
import { writeExtendedReport } from "../../../src/protocol/rtcp/extended_report.js";
import type { RtcpPacket } from "../../../src/protocol/rtcp/packets.js";
import { parseCompound } from "../../../src/protocol/rtcp/parser.js";
import { RtcpWriter } from "../../../src/protocol/rtcp/writer.js";
import { ArrivalRecorder } from "../../../src/protocol/twcc/arrival_recorder.js";
import { TransportFeedbackReader } from "../../../src/protocol/twcc/feedback_reader.js";
import { writeRemb } from "../../support/remb.js";
import type { FuzzTarget } from "../target.js";

/** Not at the beginning of its buffer, as in a slab. */
const OFFSET = 5;

const report = {
  ssrc: 2,
  fractionLost: 3,
  cumulativeLost: -1,
  extendedHighestSequence: 70_000,
  jitter: 4,
  lastSr: 5,
  delaySinceLastSr: 6,
};
const sender = { ssrc: 1, ntpSeconds: 2, ntpFraction: 3, rtpTimestamp: 4, packetCount: 5, octetCount: 6 };

function writeTransportFeedback(writer: RtcpWriter): void {
  const recorder = new ArrivalRecorder();
  for (let i = 0; i < 40; i++)
    if (i % 7 !== 3) recorder.handlePacket(65_530 + i, 1e6 + i * (i > 30 ? 90_000 : 3000));
  recorder.write(writer, 1, 2, 5e6);
}

const WRITES: readonly ((writer: RtcpWriter) => unknown)[] = [
  (w) => w.receiverReport(1, [report, report]),
  (w) => [
    w.senderReport(sender, [report]),
    w.sourceDescription(1, "cname", [{ type: 15, text: "mid" }]),
    w.bye([1, 2], "over"),
  ],
  (w) => w.app(1, 2, "name", new Uint8Array(8)),
  (w) => w.nack(1, 2, [1, 2, 3, 30, 65_535]),
  (w) => [w.pictureLoss(1, 2), w.fullIntraRequest(1, 2, 3)],
  (w) => writeRemb(w, 1, 2_500_000, [2, 3]),
  (w) => writeTemporaryBitrate(w, "tmmbr", 1, [{ ssrc: 2, bitrateBps: 300_000, overheadBytes: 40 }]),
  (w) =>
    writeExtendedReport(w, 1, [
      { type: "rrtr", ntpSeconds: 1, ntpFraction: 2 },
      { type: "dlrr", entries: [{ ssrc: 2, lastRr: 3, delaySinceLastRr: 4 }] },
      {
        type: "statistics",
        ssrc: 2,
        beginSequence: 1,
        endSequence: 9,
        lostPackets: 1,
        duplicatePackets: 0,
        jitter: { min: 1, max: 2, mean: 1, deviation: 0 },
      },
    ]),
  writeTransportFeedback,
];

/** Writes what was read; false: this kind is not written as it is read. */
function rewrite(writer: RtcpWriter, packet: RtcpPacket): boolean {
  switch (packet.type) {
    case "sr":
      return writer.senderReport(packet, packet.reports);
    case "rr":
      return writer.receiverReport(packet.ssrc, packet.reports);
    case "pli":
      return writer.pictureLoss(packet.senderSsrc, packet.mediaSsrc);
    case "xr":
      return writeExtendedReport(writer, packet.ssrc, packet.blocks);
    default:
      return false;
  }
}

/** A compound of every kind. */
export function writtenCompounds(): Uint8Array[] {
  return WRITES.map((write) => {
    const one = new RtcpWriter();
    write(one);
    return one.bytes.slice();
  });
}

const writer = new RtcpWriter(new Uint8Array(65_536));

function checkRewritten(packet: RtcpPacket): void {
  writer.clear();
  if (!rewrite(writer, packet)) return;
  assert.deepEqual(parseCompound(writer.buffer, 0, writer.length), [packet]);
}

const reader = new TransportFeedbackReader();

export const target: FuzzTarget = {
  name: "rtcp",
  sources: ["src/protocol/rtcp/", "src/protocol/twcc/"],
  seeds: writtenCompounds,
  run(input) {
    const buf = new Uint8Array(OFFSET + input.length + 7);
    buf.set(input, OFFSET);
    const packets = parseCompound(buf, OFFSET, input.length);
    assert.ok(packets.length <= input.length / 4);
    for (const packet of packets) {
      checkRewritten(packet);
      if (packet.type === "nack") assert.ok(packet.sequenceNumbers.length <= (17 * input.length) / 4);
      if (packet.type !== "transport-cc" || !reader.read(packet.content)) continue;
      assert.ok(
        reader.count >= reader.received && reader.received >= 0 && Number.isFinite(reader.baseSequence),
      );
    }
  },
};
