import assert from "node:assert/strict";
import { DatagramTable } from "../../native/addon.js";
import { SlotChannel, SlotConsumer, SlotProducer } from "../../src/media/ring/slot_channel.js";
import { ArrivalLogReader, ArrivalLogWriter, emptyArrival } from "../../src/media/session/arrival_log.js";
import { DatagramCursor } from "../../src/media/session/datagram_cursor.js";
import { classifyDatagram, DatagramKind } from "../../src/media/session/demux.js";
import { MediaReceiver, type MediaSinks } from "../../src/media/session/media_receiver.js";
import { SilenceWatch } from "../../src/media/session/silence_watch.js";
import { deriveSrtpKeys } from "../../src/media/session/srtp_keys.js";
import { ReceiveCounters } from "../../src/media/session/stream_counters.js";
import type { ReceiveStreamOptions } from "../../src/media/transport_api.js";
import { HeaderExtensionWriter } from "../../src/protocol/rtp/extension_writer.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";

describe("telling datagrams apart (RFC 7983, RFC 5761)", () => {
  const kindOf = (...bytes: number[]): number => {
    const datagram = Uint8Array.from([...bytes, ...new Array(20).fill(0)]);
    return classifyDatagram(datagram, 0, datagram.length);
  };

  it("goes by the first byte, RTP and RTCP by the second", () => {
    for (const first of [0, 1, 3]) assert.equal(kindOf(first, 1), DatagramKind.stun);
    for (const first of [20, 22, 63]) assert.equal(kindOf(first, 254), DatagramKind.dtls);
    for (const first of [64, 79]) assert.equal(kindOf(first, 0), DatagramKind.channelData);
    for (const first of [4, 16, 19, 80, 127, 192, 255]) assert.equal(kindOf(first, 0), DatagramKind.unknown);
    for (const first of [128, 191]) {
      for (const second of [0, 96, 127, 191, 224, 255]) assert.equal(kindOf(first, second), DatagramKind.rtp);
      for (const second of [192, 200, 223]) assert.equal(kindOf(first, second), DatagramKind.rtcp);
    }
  });

  it("calls what is too short malformed", () => {
    const bytes = Uint8Array.of(128, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assert.equal(classifyDatagram(bytes, 0, 0), DatagramKind.malformed);
    assert.equal(classifyDatagram(bytes, 0, 1), DatagramKind.malformed);
    assert.equal(classifyDatagram(bytes, 0, 11), DatagramKind.malformed);
    assert.equal(classifyDatagram(bytes, 0, 12), DatagramKind.rtp);
    bytes[1] = 201;
    assert.equal(classifyDatagram(bytes, 0, 7), DatagramKind.malformed);
    assert.equal(classifyDatagram(bytes, 0, 8), DatagramKind.rtcp);
  });
});

describe("SRTP keys from the exporter (RFC 5764 §4.2)", () => {
  for (const [profile, key, salt] of [
    ["AEAD_AES_128_GCM", 16, 12],
    ["AEAD_AES_256_GCM", 32, 12],
    ["AES128_CM_SHA1_80", 16, 14],
  ] as const) {
    it(`are cut in order: client key, server key, client salt, server salt (${profile})`, () => {
      const exporter = (label: string, length: number): Uint8Array => {
        assert.equal(label, "EXTRACTOR-dtls_srtp");
        assert.equal(length, 2 * (key + salt));
        const parts = [key, key, salt, salt].flatMap((size, i) => new Array<number>(size).fill(i + 1));
        return Uint8Array.from(parts);
      };
      const client = deriveSrtpKeys(profile, "client", exporter);
      const server = deriveSrtpKeys(profile, "server", exporter);
      assert.deepEqual(client.send, server.receive);
      assert.deepEqual(client.receive, server.send);
      assert.deepEqual(client.send.masterKey, new Uint8Array(key).fill(1));
      assert.deepEqual(client.send.masterSalt, new Uint8Array(salt).fill(3));
      assert.deepEqual(client.receive.masterKey, new Uint8Array(key).fill(2));
      assert.deepEqual(client.receive.masterSalt, new Uint8Array(salt).fill(4));
    });
  }
});

describe("SilenceWatch", () => {
  it("says nothing before media began", () => {
    const watch = new SilenceWatch(2e6, 20e6);
    assert.equal(watch.heard(5), false);
    assert.equal(watch.check(1e9), undefined);
    assert.equal(watch.nextDeadlineUs(), Number.POSITIVE_INFINITY);
  });

  it("tells unstable once, its end, and failure once", () => {
    const watch = new SilenceWatch(2e6, 20e6);
    watch.start(0);
    assert.equal(watch.nextDeadlineUs(), 2e6);
    assert.equal(watch.check(2e6 - 1), undefined);
    assert.equal(watch.check(2e6), "unstable");
    assert.equal(watch.check(3e6), undefined);
    assert.equal(watch.nextDeadlineUs(), 20e6);
    assert.equal(watch.heard(4e6), true);
    assert.equal(watch.heard(4.1e6), false);
    assert.equal(watch.check(6.1e6), "unstable");
    assert.equal(watch.check(24.1e6), "failed");
    assert.equal(watch.check(60e6), undefined);
  });
});

describe("the arrival log", () => {
  const buffers = () => SlotChannel.allocate({ name: "log", slots: 4, slotBytes: 128 });

  function drained(reader: ArrivalLogReader): { numbers: number[]; compounds: number[][] } {
    const numbers: number[] = [];
    const compounds: number[][] = [];
    reader.drain({
      arrival: ({ sequenceNumber, ssrc, arrivalUs }) => {
        assert.equal(ssrc, 0xfffffff0);
        assert.equal(arrivalUs, sequenceNumber + 0.25);
        numbers.push(sequenceNumber);
      },
      compound: (id, bytes, length, arrivalUs) => compounds.push([id, ...bytes.slice(0, length), arrivalUs]),
    });
    return { numbers, compounds };
  }

  const arrival = (sequenceNumber: number) => ({
    ...emptyArrival(),
    sequenceNumber,
    ssrc: 0xfffffff0,
    arrivalUs: sequenceNumber + 0.25,
  });

  it("hands records over when one is urgent, when a slot is full, and in time", () => {
    const memory = buffers();
    const writer = new ArrivalLogWriter(new SlotProducer(memory));
    const reader = new ArrivalLogReader(new SlotConsumer(memory));
    writer.add(arrival(1), false);
    assert.deepEqual(drained(reader).numbers, []);
    writer.add(arrival(2), true);
    assert.deepEqual(drained(reader).numbers, [1, 2]);
    for (let i = 3; i < 7; i++) writer.add(arrival(i), false);
    assert.deepEqual(drained(reader).numbers, [3, 4, 5, 6]);
    writer.add(arrival(7), false);
    writer.handleTimeout(writer.nextDeadlineUs() - 1);
    assert.deepEqual(drained(reader).numbers, []);
    writer.handleTimeout(writer.nextDeadlineUs());
    assert.deepEqual(drained(reader).numbers, [7]);
    assert.equal(writer.nextDeadlineUs(), Number.POSITIVE_INFINITY);
  });

  it("carries the transport-wide number beside the stream's, all of them and none", () => {
    const memory = buffers();
    const writer = new ArrivalLogWriter(new SlotProducer(memory));
    const reader = new ArrivalLogReader(new SlotConsumer(memory));
    const told: number[][] = [];
    for (const transportSequence of [-1, 0, 0x8000, 0xffff]) {
      writer.add({ ...arrival(0xffff), transportSequence }, true);
      reader.drain({
        arrival: ({ sequenceNumber, transportSequence: read, flags }) =>
          told.push([sequenceNumber, read, flags]),
        compound: () => assert.fail("there is none"),
      });
    }
    const flags = 0;
    assert.deepEqual(
      told,
      [-1, 0, 0x8000, 0xffff].map((sequence) => [0xffff, sequence, flags]),
    );
  });

  it("puts a compound behind the arrivals before it", () => {
    const memory = buffers();
    const writer = new ArrivalLogWriter(new SlotProducer(memory));
    const reader = new ArrivalLogReader(new SlotConsumer(memory));
    writer.add(arrival(1), false);
    writer.compound(9, Uint8Array.of(0, 128, 200, 1), 1, 3, 77);
    assert.deepEqual(drained(reader), { numbers: [1], compounds: [[9, 128, 200, 1, 77]] });
  });

  it("counts what finds no slot, and goes on when there is one again", () => {
    const memory = buffers();
    const writer = new ArrivalLogWriter(new SlotProducer(memory));
    const reader = new ArrivalLogReader(new SlotConsumer(memory));
    for (let i = 0; i < 20; i++) writer.add(arrival(i), false);
    assert.equal(writer.dropped, 4);
    assert.equal(drained(reader).numbers.length, 16);
    writer.add(arrival(30), true);
    assert.deepEqual(drained(reader).numbers, [30]);
  });
});

describe("DatagramCursor", () => {
  it("reads offset, length, arrival and both kinds of address", () => {
    const table = new Int32Array(2 * DatagramTable.words);
    const times = new Float64Array(table.buffer);
    const bytes = new Uint8Array(table.buffer);
    const at = DatagramTable.words;
    table.set([0, 10, 4, 7000], 0);
    bytes.set([192, 0, 2, 7], 4 * DatagramTable.address);
    table.set([100, 20, 6, 7001], at);
    bytes.set([0x20, 1, 0xd, 0xb8], 4 * (at + DatagramTable.address));
    times[(at + DatagramTable.arrival) / 2] = 123.5;
    const cursor = new DatagramCursor(new Uint8Array(200), table);
    cursor.moveTo(0, 5);
    assert.deepEqual(cursor.source(), { family: 4, address: "192.0.2.7", port: 7000 });
    assert.equal(cursor.socketId, 5);
    cursor.moveTo(1, 6);
    assert.deepEqual(cursor.source(), { family: 6, address: "2001:db8::", port: 7001 });
    assert.deepEqual([cursor.offset, cursor.length, cursor.arrivalUs], [100, 20, 123.5]);
  });
});

describe("finding a packet's stream (RFC 8843 §9.2)", () => {
  const options = (mid: string, payloadType: number, ssrcs: number[] = []): ReceiveStreamOptions => ({
    kind: "audio",
    mid,
    payloadTypes: [{ payloadType, codec: "opus", clockRate: 48_000 }],
    ssrcs,
    extensions: { mid: 4 },
    nack: false,
    localSsrc: 1,
    reducedSizeRtcp: true,
  });
  const accepted: string[] = [];
  const sinks: MediaSinks = {
    videoRoom: () => undefined,
    publishVideo: () => assert.fail("there is no video"),
    audio: (stream) => accepted.push(stream.options.mid) > 0,
    tone: () => undefined,
    arrival: () => undefined,
    rtcp: () => undefined,
  };
  let receiver: MediaReceiver;
  let sequenceNumber = 0;
  let nowUs = 0;

  beforeEach(() => {
    receiver = new MediaReceiver(sinks);
    accepted.length = 0;
  });

  function packet(ssrc: number, payloadType: number, mid = ""): string {
    const bytes = new Uint8Array(100);
    const extensions = new HeaderExtensionWriter();
    extensions.clear();
    if (mid !== "") extensions.addBytes(4, new TextEncoder().encode(mid));
    const fields = { marker: false, payloadType, sequenceNumber: sequenceNumber++, timestamp: 0, ssrc };
    writeRtpHeader(bytes, 0, fields, extensions);
    const header = new RtpHeader();
    assert.ok(parseRtp(bytes, 0, bytes.length, header));
    nowUs += 1_000_000;
    return receiver.handlePacket(bytes, header, bytes.length, nowUs) ?? "";
  }

  const add = (id: number, stream: ReceiveStreamOptions): void =>
    receiver.add(id, stream, new Float64Array(ReceiveCounters.words));

  it("goes by SSRC first, then by mid, then by a payload type that names one stream alone", () => {
    add(1, options("x", 100, [5]));
    add(2, options("y", 100));
    add(3, options("z", 101));
    assert.equal(packet(5, 100, "y"), "");
    assert.equal(packet(6, 100, "y"), "");
    assert.equal(packet(6, 100), "", "the SSRC is remembered");
    assert.equal(packet(7, 101), "");
    assert.equal(packet(8, 100), "rtp-unknown-stream", "two streams take this payload type");
    assert.equal(packet(9, 55), "rtp-unknown-stream");
    assert.deepEqual(accepted, ["x", "y", "y", "z"]);
  });

  it("does not let a peer fill the memory with invented sources", () => {
    add(1, options("x", 100));
    for (let ssrc = 1000; ssrc < 3000; ssrc++) packet(ssrc, 100);
    assert.equal(packet(4000, 100), "", "a stream may still change its source");
  });

  it("keeps to one source while it is alive", () => {
    add(1, options("x", 100));
    assert.equal(packet(1, 100), "");
    nowUs -= 900_000;
    assert.equal(packet(2, 100), "rtp-stream-limit");
    assert.equal(packet(2, 100), "", "after a second of silence another may take over");
  });

  it("forgets a removed stream", () => {
    add(1, options("x", 100, [5]));
    receiver.remove(1);
    assert.equal(packet(5, 100), "rtp-unknown-stream");
  });
});
