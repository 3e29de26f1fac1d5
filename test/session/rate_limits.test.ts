import assert from "node:assert/strict";
import { RtcpSession } from "../../src/media/session/rtcp_session.js";
import { SendCounters } from "../../src/media/session/stream_counters.js";
import type { SendStreamOptions } from "../../src/media/transport_api.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { writeTemporaryBitrate } from "../../src/protocol/rtcp/bitrate_feedback.js";
import type { TemporaryBitrate } from "../../src/protocol/rtcp/packets.js";
import { parseCompound } from "../../src/protocol/rtcp/parser.js";
import { RtcpWriter } from "../../src/protocol/rtcp/writer.js";
import { writeRemb } from "../support/remb.js";

const PEER = 0x9001;
const OTHER = 0x9002;
const OURS = 0x1001;

const sendOptions: SendStreamOptions = {
  kind: "video",
  mid: "0",
  ssrc: OURS,
  cname: "us",
  payloadType: 96,
  codec: "VP8",
  clockRate: 90_000,
  extensions: {},
  nack: true,
  reducedSizeRtcp: true,
};

describe("limits that a peer asks for", () => {
  let nowUs: number;
  let told: number[];
  let notified: TemporaryBitrate[];
  let session: RtcpSession;

  beforeEach(() => {
    nowUs = 1_000_000;
    told = [];
    notified = [];
    session = new RtcpSession({
      random: seededRandom(5),
      wallOffsetUs: 0,
      sinks: {
        compound: (bytes, length) => {
          for (const packet of parseCompound(bytes, 0, length))
            if (packet.type === "tmmbn") notified.push(packet);
        },
        resend: () => {},
        rateLimit: (bps) => told.push(bps),
        transportFeedback: () => {},
        keyframe: () => {},
        bye: () => {},
        collision: () => {},
      },
    });
    session.start(nowUs);
    session.addSendStream(1, sendOptions, new Float64Array(SendCounters.words));
  });

  function receive(write: (writer: RtcpWriter) => void): void {
    const writer = new RtcpWriter();
    write(writer);
    session.handleCompound(writer.buffer, 0, writer.length, nowUs);
    if (session.nextDeadlineUs() <= nowUs) session.handleTimeout(nowUs);
  }

  const request = (owner: number, bitrateBps: number, overheadBytes = 0, ssrc = OURS) =>
    receive((writer) => writeTemporaryBitrate(writer, "tmmbr", owner, [{ ssrc, bitrateBps, overheadBytes }]));
  const remb = (bitrateBps: number, ssrcs: readonly number[]) =>
    receive((writer) => writeRemb(writer, PEER, bitrateBps, ssrcs));

  it("TMMBR limits the stream, and is answered at once by a TMMBN that names who asked", () => {
    request(PEER, 500_000);
    assert.deepEqual(told, [500_000]);
    assert.deepEqual(notified, [
      {
        type: "tmmbn",
        senderSsrc: OURS,
        entries: [{ ssrc: PEER, bitrateBps: 500_000, overheadBytes: 0 }],
      },
    ]);
  });

  it("counts the overhead that is asked for against packets of 1200 bytes", () => {
    request(PEER, 620_000, 40);
    assert.equal(Math.round(told[0]), 600_000);
  });

  it("keeps the tightest request, which its owner may loosen and nobody else, and answers each", () => {
    request(PEER, 500_000);
    request(OTHER, 800_000);
    assert.deepEqual(told, [500_000], "a looser one of somebody else changes nothing");
    assert.equal(notified.length, 2);
    assert.equal(notified[1].entries[0].ssrc, PEER, "the bound that holds");
    request(OTHER, 300_000);
    request(PEER, 900_000);
    assert.deepEqual(told, [500_000, 300_000]);
    request(OTHER, 700_000);
    assert.deepEqual(told, [500_000, 300_000, 700_000]);
  });

  it("ends with the owner's BYE, and with the stream", () => {
    request(PEER, 500_000);
    receive((writer) => writer.bye([PEER]));
    assert.deepEqual(told, [500_000, Number.POSITIVE_INFINITY]);
    request(PEER, 400_000);
    session.removeSendStream(1, nowUs);
    assert.deepEqual(told.at(-1), Number.POSITIVE_INFINITY);
  });

  it("REMB limits all streams together, in either direction, where it names one of ours or none", () => {
    remb(400_000, [OURS]);
    remb(900_000, []);
    remb(100_000, [0x7777]);
    // 18 bits of mantissa.
    assert.deepEqual(
      told.map((bps) => Math.round(bps / 1000)),
      [400, 900],
    );
    assert.equal(notified.length, 0, "nobody is told of a REMB");
  });

  it("passes over what is about others, and what is cut", () => {
    request(PEER, 10_000, 0, 0x7777);
    const writer = new RtcpWriter();
    writeTemporaryBitrate(writer, "tmmbr", PEER, [{ ssrc: OURS, bitrateBps: 1, overheadBytes: 0 }]);
    for (let length = 0; length < writer.length; length++)
      session.handleCompound(writer.buffer, 0, length, nowUs);
    assert.deepEqual([told, notified], [[], []]);
  });
});
