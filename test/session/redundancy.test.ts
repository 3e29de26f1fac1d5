/** What redundancy brings back of what a path loses, and what it makes of redundancy that lies. */
import assert from "node:assert/strict";
import { MediaReceiver, type MediaSinks } from "../../src/media/session/media_receiver.js";
import { ReceiveCounters, SendCounters } from "../../src/media/session/stream_counters.js";
import type { ReceiveStreamOptions } from "../../src/media/transport_api.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { VirtualCall, type VirtualPeer } from "./virtual_call.js";

const SEED = Number(process.env.SEED ?? 29);

/** The sound that was spoken and the share of it that was heard, by content. */
function heard(from: VirtualPeer, at: VirtualPeer): number {
  const digests = new Set(at.audio.map(({ digest }) => digest));
  // What is on its way yet is not lost.
  const spoken = from.madeAudio.slice(0, -10);
  return spoken.filter((digest) => digests.has(digest)).length / spoken.length;
}

describe(`sound with redundancy over a path that loses a tenth (SEED=${SEED})`, function () {
  this.timeout(120_000);
  let call: VirtualCall | undefined;
  afterEach(() => {
    call?.close();
    call = undefined;
  });

  function talk(red: boolean): VirtualCall {
    call = new VirtualCall({ seed: SEED, link: { delayUs: 20_000 }, a: { red }, b: { red } });
    const { a, b } = call;
    assert.ok(call.run(5, () => b.audio.length > 5 && a.audio.length > 5));
    call.setLink({ delayUs: 20_000, jitterUs: 5_000, loss: 0.1 });
    call.run(30);
    return call;
  }

  it("loses a tenth of it without, a hundredth with RED, and counts what was brought back (RFC 2198)", () => {
    const plain = talk(false);
    assert.ok(heard(plain.a, plain.b) < 0.92);
    assert.equal(plain.b.audioReceiveCounters[ReceiveCounters.fecPackets], 0);
    plain.close();
    const { a, b } = talk(true);
    const counters = b.audioReceiveCounters;
    assert.ok(heard(a, b) > 0.98, `${heard(a, b)}`);
    const lost = counters[ReceiveCounters.packetsLost];
    const recovered = counters[ReceiveCounters.recovered];
    assert.ok(recovered > 0.8 * lost && recovered <= lost + 2, `${recovered} of ${lost}`);
    assert.equal(
      recovered + counters[ReceiveCounters.fecDiscarded],
      counters[ReceiveCounters.fecPackets],
      "every copy is used or not",
    );
    // Every packet was heard once: nothing came twice because it was carried twice.
    assert.equal(new Set(b.audio.map(({ digest }) => digest)).size, b.audio.length);
    assert.ok(b.audioReceiveCounters[ReceiveCounters.packetsReceived] > 1000);
    assert.equal(a.audioSendCounters[SendCounters.packetsDropped], 0);
  });
});

describe(`pictures with parity over a path that loses packets (SEED=${SEED})`, function () {
  this.timeout(120_000);
  let call: VirtualCall | undefined;
  afterEach(() => {
    call?.close();
    call = undefined;
  });

  /** Twenty seconds of VP8 over a way so long that loses so much. */
  function show(options: { ulpfec: boolean; delayUs: number; loss: number }): VirtualCall {
    const { ulpfec, delayUs, loss } = options;
    const peer = { codec: "VP8", rtx: true, ulpfec } as const;
    call = new VirtualCall({ seed: SEED, link: { delayUs }, a: peer, b: peer });
    const { b } = call;
    assert.ok(call.run(5, () => b.units.length > 5));
    call.setLink({ delayUs, loss });
    call.run(20);
    return call;
  }

  /** Of the pictures, the share that was whole so long after its capture. */
  const within = ({ b }: VirtualCall, us: number, wallUs = 1.7e15) =>
    b.units.filter(({ atUs, captureWallUs }) => atUs + wallUs - captureWallUs < us).length / b.units.length;

  it("mends most losses without waiting for a repetition, and no keyframe is needed (RFC 5109)", () => {
    const long = { delayUs: 80_000, loss: 0.03 };
    const repeated = show({ ulpfec: false, ...long });
    const quick = within(repeated, 120_000);
    repeated.close();
    const mended = show({ ulpfec: true, ...long });
    const { a, b } = mended;
    assert.ok(b.units.length > 600 && b.units.every(({ digest }) => a.made.includes(digest)));
    const [lost, recovered, parity] = [
      b.receiveCounters[ReceiveCounters.packetsLost],
      b.receiveCounters[ReceiveCounters.recovered],
      b.receiveCounters[ReceiveCounters.fecPackets],
    ];
    assert.ok(recovered > 0.5 * lost, `${recovered} of ${lost} lost`);
    assert.ok(parity > recovered && parity <= a.sendCounters[SendCounters.parityPackets]);
    assert.ok(within(mended, 120_000) > quick + 0.05, `${within(mended, 120_000)}, without ${quick}`);
    // Lost parity was not waited for.
    assert.equal(b.receiveCounters[ReceiveCounters.pliCount], 0);
    assert.equal(b.units.filter(({ keyframe }) => keyframe).length, 1);
    // And less was repeated than without.
    assert.ok(
      a.sendCounters[SendCounters.retransmitted] < repeated.a.sendCounters[SendCounters.retransmitted],
    );
  });

  it("mends them by a stream of its own in H.264 too, which has no numbers of pictures (RFC 8627)", () => {
    const peer = { rtx: true, flexfec: true };
    call = new VirtualCall({ seed: SEED, link: { delayUs: 80_000 }, a: peer, b: peer });
    const { a, b } = call;
    assert.ok(call.run(5, () => b.units.length > 5));
    call.setLink({ delayUs: 80_000, loss: 0.03 });
    call.run(20);
    const counters = b.receiveCounters;
    const [lost, recovered] = [counters[ReceiveCounters.packetsLost], counters[ReceiveCounters.recovered]];
    assert.ok(recovered > 0.5 * lost, `${recovered} of ${lost} lost`);
    assert.ok(counters[ReceiveCounters.fecPackets] <= a.sendCounters[SendCounters.parityPackets]);
    assert.ok(b.units.length > 600 && b.units.every(({ digest }) => a.made.includes(digest)));
    assert.equal(counters[ReceiveCounters.pliCount], 0);
    // Parity is none of the stream's packets.
    assert.ok(a.sendCounters[SendCounters.packetsSent] >= counters[ReceiveCounters.packetsReceived] + lost);
    assert.equal(counters[ReceiveCounters.fecSsrc], 0x1201);
  });

  it("costs nothing where nothing is lost, or where repetitions are quick", () => {
    const quiet = show({ ulpfec: true, delayUs: 80_000, loss: 0 });
    assert.equal(quiet.a.sendCounters[SendCounters.parityPackets], 0);
    quiet.close();
    const near = show({ ulpfec: true, delayUs: 5_000, loss: 0.03 });
    assert.equal(near.a.sendCounters[SendCounters.parityPackets], 0);
    assert.ok(near.a.sendCounters[SendCounters.retransmitted] > 20);
  });
});

const RED = 63;
const OPUS = 111;
const EVENT = 110;
const audio: ReceiveStreamOptions = {
  kind: "audio",
  mid: "0",
  payloadTypes: [
    { payloadType: OPUS, codec: "opus", clockRate: 48_000, channels: 2 },
    { payloadType: EVENT, codec: "telephone-event", clockRate: 48_000 },
  ],
  red: { payloadType: RED },
  ssrcs: [],
  extensions: {},
  nack: false,
  localSsrc: 1,
  reducedSizeRtcp: true,
};

/** A receiver of sound alone, and what it hands to the speaker: number, time, first byte. */
function listen(options = audio) {
  const heard: [sequence: number, timestamp: number, first: number][] = [];
  const sinks: MediaSinks = {
    videoRoom: () => undefined,
    publishVideo: () => undefined,
    audio: (_stream, bytes, { sequenceNumber, timestamp, payloadOffset, payloadLength }) => {
      assert.ok(payloadOffset >= 0 && payloadOffset + payloadLength <= bytes.length);
      heard.push([sequenceNumber, timestamp, bytes[payloadOffset]]);
      return true;
    },
    tone: () => undefined,
    arrival: () => undefined,
    rtcp: () => undefined,
  };
  const receiver = new MediaReceiver(sinks);
  const counters = new Float64Array(ReceiveCounters.words);
  receiver.add(1, options, counters);
  const header = new RtpHeader();
  const packet = (payloadType: number, sequenceNumber: number, timestamp: number, payload: number[]) => {
    const bytes = new Uint8Array(12 + payload.length);
    writeRtpHeader(bytes, 0, { marker: false, payloadType, sequenceNumber, timestamp, ssrc: 7 });
    bytes.set(payload, 12);
    assert.ok(parseRtp(bytes, 0, bytes.length, header));
    return receiver.handlePacket(bytes, header, bytes.length, 0);
  };
  return { heard, counters, packet };
}

/** A block that is not the last: payload type, how long ago, length. */
const head = (payloadType: number, ago: number, length: number) => [
  0x80 | payloadType,
  ago >> 6,
  ((ago & 63) << 2) | (length >> 8),
  length & 255,
];

describe("pictures in RED (RFC 2198, RFC 5109 §14)", () => {
  it("that lie are counted and dropped: lengths, formats, RED in RED; parity of any bytes brings back nothing harmful", () => {
    const random = seededRandom(SEED);
    const { counters, packet } = listen({
      ...audio,
      kind: "video",
      payloadTypes: [{ payloadType: 96, codec: "VP8", clockRate: 90_000 }],
      red: { payloadType: 120, ulpfec: 121 },
    });
    assert.equal(packet(120, 1, 0, []), "rtp-malformed");
    assert.equal(packet(120, 2, 0, [...head(96, 0, 1023), 96, 1]), "rtp-malformed");
    assert.equal(packet(120, 3, 0, [120, 96, 1, 2]), "rtp-unknown-stream");
    assert.equal(packet(121, 4, 0, [1, 2]), "rtp-unknown-stream");
    for (let i = 5; i < 5000; i++) {
      const parity = random.bytes(20 + (random.uint32() % 40));
      // Claims to protect all that its mask can.
      if (i % 2 === 0)
        parity.set([0x40, 0, i >> 8, i & 255, 0, 0, 0, 0, 0, 9, 0, 4, ...new Array(6).fill(255)]);
      assert.equal(packet(120, i, 90 * i, [i % 3 === 0 ? 96 : 121, ...parity]), undefined);
    }
    const [came, useless] = [counters[ReceiveCounters.fecPackets], counters[ReceiveCounters.fecDiscarded]];
    assert.ok(came > 3000 && useless > 0.5 * came && useless <= came, `${useless} of ${came}`);
    assert.ok(counters[ReceiveCounters.recovered] <= came - useless);
  });
});

describe("copies of sound in RED (RFC 2198)", () => {
  it("fill the hole before them, once, whatever comes again later", () => {
    const { heard, counters, packet } = listen();
    packet(RED, 10, 9600, [...head(OPUS, 960, 1), OPUS, 1, 2]);
    // Before the first packet nothing was missing. 11 is lost, 12 brings it back.
    packet(RED, 12, 11_520, [...head(OPUS, 960, 1), OPUS, 3, 4]);
    packet(RED, 13, 12_480, [...head(OPUS, 960, 1), OPUS, 4, 5]);
    assert.deepEqual(heard, [
      [10, 9600, 2],
      [11, 10_560, 3],
      [12, 11_520, 4],
      [13, 12_480, 5],
    ]);
    assert.deepEqual([counters[ReceiveCounters.fecPackets], counters[ReceiveCounters.recovered]], [3, 1]);
    // Two lost at once, and two copies: from the older to the newer.
    packet(RED, 16, 15_360, [...head(OPUS, 1920, 1), ...head(OPUS, 960, 1), OPUS, 6, 7, 8]);
    assert.deepEqual(heard.slice(4), [
      [14, 13_440, 6],
      [15, 14_400, 7],
      [16, 15_360, 8],
    ]);
  });

  it("are of no use where their time came under another number: a key of a telephone lay between", () => {
    const { heard, packet } = listen();
    packet(OPUS, 20, 9600, [1]);
    packet(RED, 22, 10_560, [...head(OPUS, 960, 1), OPUS, 1, 2]);
    assert.deepEqual(
      heard.map(([sequence]) => sequence),
      [20, 22],
    );
  });

  it("that lie are counted and dropped: lengths, formats, RED in RED", () => {
    const { heard, counters, packet } = listen();
    packet(OPUS, 1, 960, [1]);
    assert.equal(packet(RED, 3, 2880, [...head(OPUS, 960, 1023), OPUS, 1, 2]), "rtp-malformed");
    assert.equal(packet(RED, 5, 4800, new Array(80).fill(0x80 | OPUS)), "rtp-malformed");
    assert.equal(packet(RED, 7, 6720, [RED, OPUS, 1]), "rtp-unknown-stream");
    assert.equal(packet(RED, 9, 8640, [99, 1]), "rtp-unknown-stream");
    assert.equal(packet(RED, 11, 10_560, [...head(RED, 960, 2), OPUS, OPUS, 1, 2]), undefined);
    assert.equal(packet(RED, 13, 12_480, [...head(EVENT, 960, 4), OPUS, 1, 2, 3, 4, 5]), undefined);
    assert.deepEqual(
      heard.map(([sequence]) => sequence),
      [1, 11, 13],
    );
    assert.deepEqual([counters[ReceiveCounters.recovered], counters[ReceiveCounters.fecDiscarded]], [0, 2]);
  });

  it("of any bytes at all make no more of a packet than it holds", () => {
    const random = seededRandom(SEED);
    const { heard, packet } = listen();
    for (let i = 0; i < 20_000; i++) {
      const before = heard.length;
      const bytes = random.bytes(random.uint32() % 60);
      for (let at = 0; at < bytes.length && random.uint32() % 4 > 0; at += 4) bytes[at] = 0x80 | OPUS;
      packet(RED, i & 0xffff, random.uint32(), [...bytes]);
      assert.ok(heard.length - before <= 16);
    }
  });
});
