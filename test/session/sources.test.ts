import assert from "node:assert/strict";
import type { Arrival } from "../../src/media/session/arrival_log.js";
import { readContributors } from "../../src/media/session/contributors.js";
import { MediaReceiver, type MediaSinks } from "../../src/media/session/media_receiver.js";
import { RtcpSession } from "../../src/media/session/rtcp_session.js";
import { ReceiveCounters, SendCounters } from "../../src/media/session/stream_counters.js";
import type { ReceiveStreamOptions, SendStreamOptions } from "../../src/media/transport_api.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { RtcpWriter } from "../../src/protocol/rtcp/writer.js";
import { parseRtp, RtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { writePadding } from "../support/rtp_packets.js";

const OPUS = 111;
const receiveOptions: ReceiveStreamOptions = {
  kind: "audio",
  mid: "0",
  payloadTypes: [
    { payloadType: OPUS, codec: "opus", clockRate: 48_000 },
    { payloadType: 0, codec: "PCMU", clockRate: 8000 },
  ],
  ssrcs: [],
  extensions: {},
  nack: false,
  localSsrc: 7,
  reducedSizeRtcp: true,
};

/** An RTP packet that names these contributing sources. */
function packetFrom(
  ssrc: number,
  sequenceNumber: number,
  csrcs: readonly number[],
  payloadType = OPUS,
): Buffer {
  const packet = Buffer.alloc(12 + 4 * csrcs.length + 20);
  packet[0] = 0x80 | csrcs.length;
  packet[1] = payloadType;
  packet.writeUInt16BE(sequenceNumber, 2);
  packet.writeUInt32BE(960 * sequenceNumber, 4);
  packet.writeUInt32BE(ssrc, 8);
  csrcs.forEach((csrc, i) => {
    packet.writeUInt32BE(csrc, 12 + 4 * i);
  });
  return packet;
}

describe("the sources of received packets", () => {
  let receiver: MediaReceiver;
  let counters: Float64Array;
  let heard: string[];

  beforeEach(() => {
    heard = [];
    counters = new Float64Array(ReceiveCounters.words);
    const sinks: MediaSinks = {
      videoRoom: () => assert.fail("there is no picture"),
      publishVideo: () => assert.fail("there is no picture"),
      tone: () => assert.fail("no key was pressed"),
      audio: (_stream, _bytes, { payloadType, payloadLength }) =>
        heard.push(`${payloadType}: ${payloadLength} bytes`) > 0,
      arrival: () => {},
      rtcp: () => {},
    };
    receiver = new MediaReceiver(sinks);
    receiver.add(1, receiveOptions, counters);
  });

  function receive(packet: Uint8Array, nowUs: number): void {
    const header = new RtpHeader();
    assert.ok(parseRtp(packet, 0, packet.length, header));
    receiver.handlePacket(packet, header, packet.length, nowUs);
  }

  const contributors = () => readContributors(counters, ReceiveCounters.contributors);

  it("are those that a mixer names, the latest first (RFC 3550 §5.1)", () => {
    receive(packetFrom(9, 1, [101, 102]), 1000);
    receive(packetFrom(9, 2, [0xfffffff0]), 2000);
    receive(packetFrom(9, 3, [101]), 3000);
    receive(packetFrom(9, 4, []), 4000);
    assert.deepEqual(contributors(), [
      { ssrc: 101, rtpTimestamp: 2880, receivedUs: 3000 },
      { ssrc: 0xfffffff0, rtpTimestamp: 1920, receivedUs: 2000 },
      { ssrc: 102, rtpTimestamp: 960, receivedUs: 1000 },
    ]);
  });

  it("are forgotten in a flood of names, the oldest first", () => {
    for (let i = 0; i < 500; i++) {
      const csrcs = Array.from({ length: 15 }, (_, k) => 1000 + 15 * i + k);
      receive(packetFrom(9, i, csrcs), 1000 + i);
    }
    assert.equal(contributors().length, 16);
    assert.deepEqual(
      new Set(
        contributors()
          .slice(0, 15)
          .map(({ receivedUs }) => receivedUs),
      ),
      new Set([1499]),
    );
  });

  it("may change their payload type from packet to packet, and pad", () => {
    receive(packetFrom(9, 1, []), 1000);
    receive(packetFrom(9, 2, [], 0), 2000);
    const padded = Buffer.alloc(60);
    packetFrom(9, 3, []).copy(padded);
    receive(padded.subarray(0, writePadding(padded, 0, 32, 20)), 3000);
    const alone = Buffer.alloc(60);
    packetFrom(9, 4, []).copy(alone);
    receive(alone.subarray(0, writePadding(alone, 0, 12, 30)), 4000);
    receive(packetFrom(9, 5, [], 77), 5000);
    assert.deepEqual(heard, ["111: 20 bytes", "0: 20 bytes", "111: 20 bytes"]);
    assert.equal(counters[ReceiveCounters.packetsReceived], 4);
  });
});

describe("an SSRC of ours that the peer sends under (RFC 3550 §8.2)", () => {
  const sendOptions: SendStreamOptions = {
    kind: "audio",
    mid: "0",
    ssrc: 8,
    cname: "c",
    payloadType: OPUS,
    codec: "opus",
    clockRate: 48_000,
    extensions: {},
    nack: false,
    reducedSizeRtcp: true,
  };
  let collisions: number[];
  let session: RtcpSession;

  beforeEach(() => {
    collisions = [];
    session = new RtcpSession({
      random: seededRandom(8),
      wallOffsetUs: 0,
      sinks: {
        compound: () => {},
        resend: () => {},
        rateLimit: () => {},
        transportFeedback: () => {},
        keyframe: () => {},
        bye: () => {},
        collision: (ssrc) => collisions.push(ssrc),
      },
    });
    session.addReceiveStream(2, receiveOptions, new Float64Array(ReceiveCounters.words));
    session.start(0);
  });

  const send = (ssrc: number) =>
    session.addSendStream(1, { ...sendOptions, ssrc }, new Float64Array(SendCounters.words));

  function arrive(ssrc: number): void {
    const arrival: Partial<Arrival> = {
      streamId: 2,
      flags: 0,
      ssrc,
      sequenceNumber: 1,
      transportSequence: -1,
    };
    session.handleArrival({ rtpTimestamp: 0, bytes: 100, arrivalUs: 1, ...arrival } as Arrival);
  }

  it("is found in packets, once, and when a stream of ours begins under it", () => {
    send(8);
    arrive(9);
    assert.deepEqual(collisions, []);
    arrive(8);
    arrive(8);
    assert.deepEqual(collisions, [8]);
    session.removeSendStream(1, 2);
    send(8);
    assert.deepEqual(collisions, [8, 8]);
  });

  it("is found in sender reports, not in feedback, where some peers put whatever they like", () => {
    send(8);
    const tell = (write: (writer: RtcpWriter) => void) => {
      const writer = new RtcpWriter(new Uint8Array(200));
      write(writer);
      session.handleCompound(writer.buffer, 0, writer.length, 5);
    };
    tell((writer) => writer.receiverReport(8, []));
    tell((writer) => writer.pictureLoss(8, 8));
    assert.deepEqual(collisions, []);
    tell((writer) =>
      writer.senderReport(
        { ssrc: 8, ntpSeconds: 1, ntpFraction: 0, rtpTimestamp: 0, packetCount: 1, octetCount: 1 },
        [],
      ),
    );
    assert.deepEqual(collisions, [8]);
  });
});
