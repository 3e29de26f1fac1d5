import assert from "node:assert/strict";
import { DatagramTable, native } from "../../native/addon.js";
import type { EncodedFrame } from "../../src/media/session/encoded_frame.js";
import type { SrtpKeys } from "../../src/media/session/messages.js";
import type { DatagramSender } from "../../src/media/session/packet_output.js";
import { SendTransport } from "../../src/media/session/send_transport.js";
import { SendCounters, TransportCounters } from "../../src/media/session/stream_counters.js";
import type { SendStreamOptions } from "../../src/media/transport_api.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import {
  readPlayoutDelayUs,
  readTransportSequence,
  readVideoOrientation,
} from "../../src/protocol/rtp/header_extensions.js";
import { parseRtp, RtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { decodeChannelData } from "../../src/protocol/turn/index.js";
import { textExtension } from "../support/rtp_packets.js";
import { madeUpAccessUnit } from "./virtual_call.js";

const VIDEO: SendStreamOptions = {
  kind: "video",
  mid: "v",
  ssrc: 77,
  cname: "c",
  payloadType: 96,
  codec: "H264",
  clockRate: 90_000,
  packetizationMode: 1,
  extensions: { mid: 3, absCaptureTime: 4 },
  nack: true,
  reducedSizeRtcp: true,
};
const AUDIO: SendStreamOptions = {
  ...VIDEO,
  kind: "audio",
  mid: "a",
  ssrc: 78,
  payloadType: 111,
  codec: "opus",
  clockRate: 48_000,
};
const KEYS: SrtpKeys = {
  profile: "AEAD_AES_128_GCM",
  masterKey: new Uint8Array(16).fill(1),
  masterSalt: new Uint8Array(12).fill(2),
};
const ROUTE = { fd: -1, family: 4, address: "192.0.2.9", port: 4000 } as const;

/** A socket that keeps what it is given, as far as it has room. */
class RecordingSocket implements DatagramSender {
  readonly datagrams: Uint8Array[] = [];
  readonly entries: Int32Array[] = [];
  calls = 0;
  room = Number.POSITIVE_INFINITY;

  send(slab: Uint8Array, table: Int32Array, first: number, count: number): number {
    this.calls++;
    const taken = Math.min(count, this.room);
    this.room -= taken;
    for (let i = first; i < first + taken; i++) {
      const entry = table.slice(i * DatagramTable.words, (i + 1) * DatagramTable.words);
      const offset = entry[DatagramTable.offset];
      this.entries.push(entry);
      this.datagrams.push(slab.slice(offset, offset + entry[DatagramTable.length]));
    }
    return taken;
  }
}

function frame(bytes: Uint8Array, fields: Partial<EncodedFrame> = {}): EncodedFrame {
  return {
    bytes,
    length: bytes.length,
    captureTimeUs: 0,
    codec: "H264",
    keyframe: false,
    rtpTimestamp: 0,
    durationUs: 0,
    ...fields,
  };
}

describe("SendTransport", () => {
  const random = seededRandom(5);
  let transport: SendTransport;
  let socket: RecordingSocket;
  let counters: Float64Array;
  let transportCounters: Float64Array;
  let keyframesAsked: number;

  const picture = (keyframe: boolean, size = 6000, captureTimeUs = 1e6): EncodedFrame =>
    frame(madeUpAccessUnit(random, keyframe, size), { keyframe, captureTimeUs });

  /** Unprotects as the peer would. */
  function packets(): { bytes: Uint8Array; header: RtpHeader }[] {
    const peer = new native.SrtpContext(KEYS);
    const found = socket.datagrams.map((datagram) => {
      const bytes = datagram.slice();
      const length = peer.unprotectRtp(bytes, 0, bytes.length);
      const header = new RtpHeader();
      assert.ok(length > 0 && parseRtp(bytes, 0, length, header));
      return { bytes, header };
    });
    peer.close();
    return found;
  }

  const headers = (): RtpHeader[] => packets().map(({ header }) => header);

  beforeEach(() => {
    keyframesAsked = 0;
    socket = new RecordingSocket();
    counters = new Float64Array(SendCounters.words);
    transportCounters = new Float64Array(TransportCounters.words);
    transport = new SendTransport({
      maxPacketBytes: 1200,
      random,
      wallOffsetUs: 0,
      counters: transportCounters,
      createSrtp: (keys) => new native.SrtpContext(keys),
      onKeyframeNeeded: () => keyframesAsked++,
    });
  });

  afterEach(() => transport.close());

  it("names the layer in every packet, and in a repetition the layer that it repeats (RFC 8852)", () => {
    const extensions = { mid: 3, rid: 7, repairedRid: 8 };
    connect({ ...VIDEO, layer: "low", extensions, rtx: { ssrc: 99, payloadType: 97 } });
    const count = transport.sendFrame("video", picture(true), 0);
    const [{ sequenceNumber }] = headers();
    transport.resend(77, Uint8Array.of(sequenceNumber >> 8, sequenceNumber), 1, 1e6);
    const said = packets().map(({ bytes, header }) => [
      header.ssrc,
      textExtension(bytes, header, extensions.mid),
      textExtension(bytes, header, extensions.rid),
      textExtension(bytes, header, extensions.repairedRid),
    ]);
    const first = Array.from({ length: count }, () => [77, "v", "low", undefined]);
    assert.deepEqual(said, [...first, [99, "v", undefined, "low"]]);
  });

  it("tells a picture's turning and delay with keyframes, and the turning where it changes", () => {
    const extensions = { videoOrientation: 5, playoutDelay: 6 };
    connect({ ...VIDEO, extensions, playoutDelay: { minUs: 20_000, maxUs: 400_000 } });
    const told = (keyframe: boolean, quarterTurns: number) => {
      socket.datagrams.length = 0;
      transport.sendFrame("video", { ...picture(keyframe, 3000), quarterTurns }, 2e6);
      const said = packets().map(({ bytes, header }) => [
        readVideoOrientation(bytes, header, 5),
        readPlayoutDelayUs(bytes, header, 6, 0),
        readPlayoutDelayUs(bytes, header, 6, 1),
      ]);
      assert.ok(said.length > 1);
      assert.deepEqual(new Set(said.map(String)).size, 1, "every packet of the picture says the same");
      return said[0];
    };
    assert.deepEqual(told(true, 0), [-1, 20_000, 400_000], "upright goes without saying");
    assert.deepEqual(told(false, 0), [-1, -1, -1]);
    assert.deepEqual(told(false, 1), [1, -1, -1]);
    assert.deepEqual(told(false, 1), [-1, -1, -1]);
    assert.deepEqual(told(true, 1), [1, 20_000, 400_000]);
    assert.deepEqual(told(false, 0), [0, -1, -1], "upright again");
  });

  function connect(stream: SendStreamOptions = VIDEO): void {
    transport.addStream(1, stream, counters);
    transport.setKeys(KEYS);
    transport.setRoute(ROUTE, socket);
  }

  it("sends nothing without keys and a route, then asks for one keyframe and begins with it", () => {
    transport.addStream(1, VIDEO, counters);
    assert.equal(transport.sendFrame("video", picture(true), 0), 0);
    transport.setKeys(KEYS);
    assert.equal(keyframesAsked, 0);
    transport.setRoute(ROUTE, socket);
    assert.equal(keyframesAsked, 1);
    assert.equal(transport.sendFrame("video", picture(false), 0), 0);
    assert.ok(transport.sendFrame("video", picture(true), 0) > 0);
    assert.ok(transport.sendFrame("video", picture(false), 0) > 0);
    assert.equal(counters[SendCounters.framesSkipped], 1);
    assert.equal(counters[SendCounters.framesSent], 2);
  });

  it("hands a whole frame to the socket in one call, no datagram above the limit, the last one marked", () => {
    connect();
    const count = transport.sendFrame("video", picture(true, 20_000), 0);
    assert.equal(socket.calls, 1);
    assert.equal(socket.datagrams.length, count);
    assert.ok(socket.datagrams.every(({ length }) => length <= 1200));
    assert.deepEqual(
      headers().map(({ marker }) => marker),
      socket.datagrams.map((_, i) => i === count - 1),
    );
    const bytes = socket.datagrams.reduce((sum, { length }) => sum + length, 0);
    assert.equal(transportCounters[TransportCounters.bytesSent], bytes);
  });

  it("sends to the address of the route, and to the new one after a change, repeats too", () => {
    connect();
    transport.sendFrame("video", picture(true), 0);
    const [{ sequenceNumber }] = headers();
    transport.setRoute({ ...ROUTE, address: "192.0.2.10", port: 4001 }, socket);
    transport.resend(77, Uint8Array.of(sequenceNumber >> 8, sequenceNumber), 1, 1e6);
    const [first, last] = [socket.entries[0], socket.entries.at(-1) as Int32Array];
    assert.equal(first[DatagramTable.port], 4000);
    assert.equal(last[DatagramTable.port], 4001);
    const address = new Uint8Array(last.buffer, 4 * DatagramTable.address, 4);
    assert.deepEqual([...address], [192, 0, 2, 10]);
  });

  it("makes ChannelData of every packet while the route is a relay's channel, repeats too, and plain ones again", () => {
    transport.addStream(1, VIDEO, counters);
    transport.setKeys(KEYS);
    transport.setRoute({ ...ROUTE, channel: 0x4003 }, socket);
    const count = transport.sendFrame("video", picture(true), 0);
    transport.sendRtcp(Uint8Array.of(0x80, 200, 0, 1, 0, 0, 0, 77), 8);
    const wrapped = socket.datagrams.splice(0);
    assert.equal(wrapped.length, count + 1);
    const plain = wrapped.map((datagram) => {
      const inside = decodeChannelData(datagram);
      assert.ok(inside && inside.channel === 0x4003 && inside.data.length === datagram.length - 4);
      return inside.data;
    });
    socket.datagrams.push(...plain.slice(0, count));
    const [{ sequenceNumber }] = headers();
    socket.datagrams.length = 0;
    const number = Uint8Array.of(sequenceNumber >> 8, sequenceNumber);
    transport.resend(77, number, 1, 1e6);
    transport.setRoute(ROUTE, socket);
    transport.resend(77, number, 1, 2e6);
    assert.deepEqual(socket.datagrams, [wrapped[0], plain[0]]);
  });

  it("goes on with the numbers of a stream that was taken away and comes back, so that both SRTP contexts take them", () => {
    connect();
    for (let round = 0; round < 8; round++) {
      if (round > 0) transport.removeStream(round);
      transport.addStream(round + 1, VIDEO, counters);
      assert.ok(transport.sendFrame("video", picture(true), 0) > 0, `round ${round}`);
    }
    const numbers = headers().map(({ sequenceNumber }) => sequenceNumber);
    for (let i = 1; i < numbers.length; i++) assert.equal(numbers[i], (numbers[i - 1] + 1) & 0xffff);
  });

  it("keeps packets across the ring's and the sequence number's wrap", () => {
    connect();
    for (let i = 0; i < 300; i++) transport.sendFrame("video", picture(i === 0, 9000), i * 33_333);
    const numbers = headers().map(({ sequenceNumber }) => sequenceNumber);
    for (let i = 1; i < numbers.length; i++) {
      assert.equal(numbers[i], (numbers[i - 1] + 1) & 0xffff);
    }
    assert.ok(numbers.length > 2048);
  });

  it("sends again the very same bytes, not twice within 5 ms, and counts what it no longer has", () => {
    connect();
    for (let i = 0; i < 300; i++) transport.sendFrame("video", picture(i === 0, 9000), 0);
    const sent = headers();
    const numbers = sent.map(({ sequenceNumber }) => sequenceNumber);
    const originals = socket.datagrams.length;
    const asked = [numbers.at(-1), numbers.at(-5), numbers[0]] as number[];
    const bytes = new Uint8Array(asked.flatMap((n) => [n >> 8, n & 0xff]));
    transport.resend(77, bytes, 3, 50_000);
    transport.resend(77, bytes, 3, 51_000);
    const again = socket.datagrams.slice(originals);
    assert.deepEqual(again, [socket.datagrams[originals - 1], socket.datagrams[originals - 5]]);
    assert.equal(counters[SendCounters.retransmitted], 2);
    assert.equal(counters[SendCounters.retransmitMisses], 2);
    assert.equal(
      counters[SendCounters.retransmittedBytes],
      sent[originals - 1].payloadLength + sent[originals - 5].payloadLength,
      "payload alone, without headers and what protects them",
    );
  });

  it("offers again what a full socket did not take, in order, and gives up after a while", () => {
    connect();
    socket.room = 3;
    const frameToSend = picture(true, 12_000);
    assert.equal(transport.sendFrame("video", frameToSend, 0), 3);
    assert.ok(transport.nextDeadlineUs() < 5_000);
    socket.room = 2;
    transport.handleTimeout(transport.nextDeadlineUs());
    assert.equal(socket.datagrams.length, 5);
    socket.room = Number.POSITIVE_INFINITY;
    transport.handleTimeout(transport.nextDeadlineUs());
    assert.equal(transport.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    const numbers = headers().map(({ sequenceNumber }) => sequenceNumber);
    assert.ok(numbers.every((n, i) => i === 0 || n === ((numbers[i - 1] + 1) & 0xffff)));
    assert.equal(counters[SendCounters.packetsSent], numbers.length);

    socket.room = 0;
    transport.sendFrame("video", picture(false), 1e6);
    for (let i = 0; i < 100 && transport.nextDeadlineUs() < Number.POSITIVE_INFINITY; i++) {
      transport.handleTimeout(transport.nextDeadlineUs());
    }
    assert.equal(transport.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    assert.ok(counters[SendCounters.packetsDropped] > 0);
  });

  it("takes video timestamps from the capture time, on one line with what reports say", () => {
    connect();
    transport.sendFrame("video", picture(true, 100, 1e6), 0);
    transport.sendFrame("video", picture(false, 100, 1e6 + 40_000), 0);
    const stamps = headers().map(({ timestamp }) => timestamp);
    assert.equal((stamps.at(-1) as number) - stamps[0], 3600);
    const line = (counters[SendCounters.rtpOffset] + 1e6 * 0.09) % 2 ** 32;
    assert.ok(Math.abs(line - stamps[0]) <= 1);
  });

  it("counts sound by samples and marks the first packet after a silence", () => {
    connect(AUDIO);
    const bytes = random.bytes(50);
    for (const rtpTimestamp of [0, 960, 1920, 9600]) {
      transport.sendFrame("audio", frame(bytes, { codec: "opus", rtpTimestamp, durationUs: 20_000 }), 0);
    }
    const found = headers();
    const base = found[0].timestamp;
    assert.deepEqual(
      found.map(({ timestamp, marker }) => [(timestamp - base) >>> 0, marker]),
      [
        [0, true],
        [960, false],
        [1920, false],
        [9600, true],
      ],
    );
  });

  it("sends no picture in packetization mode 0 that would have to be cut", () => {
    connect({ ...VIDEO, packetizationMode: 0 });
    assert.equal(transport.sendFrame("video", picture(true, 5000), 0), 0);
    assert.ok(transport.sendFrame("video", picture(true, 600), 0) >= 4);
  });

  it("protects RTCP and refuses a compound beyond the limit", () => {
    connect();
    const compound = Uint8Array.of(0x80, 201, 0, 1, 0, 0, 0, 77);
    assert.ok(transport.sendRtcp(compound, compound.length));
    const peer = new native.SrtpContext(KEYS);
    const [datagram] = socket.datagrams;
    assert.equal(peer.unprotectRtcp(datagram, 0, datagram.length), 8);
    assert.deepEqual(datagram.subarray(0, 8), compound);
    peer.close();
    assert.equal(transport.sendRtcp(new Uint8Array(1300), 1300), false);
  });

  describe("on a path with a limit", () => {
    const extensions = { mid: 3, transportCc: 5, absSendTime: 6 };
    const RATE_BPS = 2_000_000;

    beforeEach(() => {
      connect({ ...VIDEO, extensions });
      transport.addStream(2, { ...AUDIO, extensions }, new Float64Array(SendCounters.words));
      transport.setRateLimit(RATE_BPS, 0);
    });

    /** Lets time pass until nothing waits; the datagrams that left at each moment. */
    function leave(): { readonly us: number; readonly count: number }[] {
      const moments = [];
      for (let us = transport.nextDeadlineUs(); us < 1e9; us = transport.nextDeadlineUs()) {
        const before = socket.datagrams.length;
        transport.handleTimeout(us);
        moments.push({ us, count: socket.datagrams.length - before });
      }
      return moments;
    }

    const stamps = () =>
      packets().map(({ bytes, header }) => {
        const at = header.extensionOffset(extensions.absSendTime);
        const sentUs = (((bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]) * 1e6) / 2 ** 18;
        return { number: readTransportSequence(bytes, header, extensions.transportCc), sentUs };
      });

    it("lets a large picture go in bursts, each packet numbered and timed when it leaves, sound in between", () => {
      const count = transport.sendFrame("video", picture(true, 20_000), 0);
      const first = socket.datagrams.length;
      assert.ok(first > 1 && first < count, `${first} of ${count} at once`);
      transport.sendFrame("audio", frame(random.bytes(80), { codec: "opus", durationUs: 20_000 }), 1000);
      assert.equal(socket.datagrams.length, first + 1, "sound waits for nothing");
      const moments = leave();
      assert.equal(socket.datagrams.length, count + 1);
      const { us: lastUs } = moments.at(-1) as { us: number };
      const atTwice = (8e6 * 20_000) / (2 * RATE_BPS);
      assert.ok(Math.abs(lastUs - atTwice) < 10_000, `the last left after ${lastUs} µs`);
      const seen = stamps();
      assert.deepEqual(
        seen.map(({ number }) => number),
        seen.map((_, i) => i),
        "in the order of leaving",
      );
      const expected = [
        ...Array(first).fill(0),
        1000,
        ...moments.flatMap(({ us, count }) => Array(count).fill(us)),
      ];
      for (const [i, { sentUs }] of seen.entries()) assert.ok(Math.abs(sentUs - expected[i]) < 5, `${i}`);
      const waited = moments.reduce((sum, { us, count }) => sum + us * count, 0);
      assert.ok(Math.abs(counters[SendCounters.packetSendDelayUs] - waited) < 1);
    });

    it("lets go within 100 ms, however narrow the path is", () => {
      transport.setRateLimit(50_000, 0);
      const count = transport.sendFrame("video", picture(true, 60_000), 0);
      assert.ok((leave().at(-1)?.us ?? 0) <= 101_000);
      assert.equal(socket.datagrams.length, count);
    });

    it("lets pictures go in time though the peer allows nothing at all, after much sound too", () => {
      transport.setRateLimit(0, 0);
      for (let i = 0; i < 500; i++) {
        const sound = frame(random.bytes(80), { codec: "opus", durationUs: 20_000, rtpTimestamp: 960 * i });
        transport.sendFrame("audio", sound, i * 20_000);
      }
      const { length } = socket.datagrams;
      const count = transport.sendFrame("video", picture(true, 60_000), 10e6);
      const moments = leave();
      assert.equal(socket.datagrams.length, length + count);
      assert.ok((moments.at(-1)?.us ?? 0) <= 10.101e6);
    });

    it("lets everything go when the limit is gone", () => {
      const count = transport.sendFrame("video", picture(true, 60_000), 0);
      assert.ok(socket.datagrams.length < count);
      transport.setRateLimit(Number.POSITIVE_INFINITY, 50);
      transport.handleTimeout(100);
      assert.equal(socket.datagrams.length, count);
      assert.equal(transport.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    });

    it("repeats nothing that has yet to leave", () => {
      transport.sendFrame("video", picture(true, 60_000), 0);
      const { length } = socket.datagrams;
      const { sequenceNumber } = headers().at(-1) as RtpHeader;
      const next = (sequenceNumber + 1) & 0xffff;
      transport.resend(77, Uint8Array.of(next >> 8, next, sequenceNumber >> 8, sequenceNumber), 2, 50_000);
      assert.deepEqual(
        socket.datagrams.slice(length),
        [socket.datagrams[length - 1]],
        "only the one that left",
      );
    });

    it("keeps pictures apart and whole that come faster than they may leave", () => {
      let count = 0;
      for (let i = 0; i < 200; i++) {
        count += transport.sendFrame("video", picture(i === 0, 9_000), i * 1000);
        transport.handleTimeout(i * 1000);
      }
      leave();
      const numbers = headers().map(({ sequenceNumber }) => sequenceNumber);
      assert.equal(numbers.length, count);
      assert.ok(numbers.every((n, i) => i === 0 || n === ((numbers[i - 1] + 1) & 0xffff)));
    });

    it("forgets what waits of a stream that is taken away", () => {
      transport.sendFrame("video", picture(true, 60_000), 0);
      const { length } = socket.datagrams;
      transport.removeStream(1);
      assert.deepEqual(leave(), []);
      transport.addStream(1, { ...VIDEO, extensions }, counters);
      assert.ok(transport.sendFrame("video", picture(true, 600), 1e6) > 0);
      leave();
      assert.ok(socket.datagrams.length > length);
      assert.equal(packets().length, socket.datagrams.length, "the peer's SRTP takes them");
    });
  });
});
