/** A peer that has proven itself and then sends what no honest one does; strangers that send what they overheard. */
import assert from "node:assert/strict";
import type { RtpInterceptorFactory } from "../../src/media/interceptors/interceptor.js";
import { readDiscarded } from "../../src/media/session/discard_counter.js";
import { SendCounters } from "../../src/media/session/stream_counters.js";
import { writeU16, writeU32 } from "../../src/protocol/primitives/bytes.js";
import { type RandomSource, seededRandom } from "../../src/protocol/primitives/random.js";
import { parseRtp, RtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { VirtualCall } from "./virtual_call.js";

const SEED = Number(process.env.SEED ?? 61);
const STRANGER = { family: 4, address: "10.66.6.6", port: 666 } as const;

type Spoil = (packet: Uint8Array, header: RtpHeader, random: RandomSource) => void;

/** Where the payload of a packet begins in it. */
const bodyOf = (header: RtpHeader) => header.payloadOffset - header.packetOffset;

const MEDIA: Readonly<Record<string, Spoil>> = {
  "STAP-A with sizes that lie (RFC 6184 §5.7.1)": (packet, header, random) => {
    packet[bodyOf(header)] = 0x78;
    for (let at = bodyOf(header) + 1; at + 2 < packet.length; at += 1 + (random.uint32() % 200))
      writeU16(packet, at, random.uint32() & 0xffff);
  },
  "FU-A without beginnings, without ends, with both (§5.8)": (packet, header, random) => {
    packet[bodyOf(header)] = 0x7c;
    packet[bodyOf(header) + 1] = random.uint32() & 0xff;
  },
  "NAL units of forbidden and reserved kinds": (packet, header, random) => {
    packet[bodyOf(header)] = random.uint32() & 0xff;
  },
  "parameter sets that claim other sizes": (packet, header, random) => {
    packet.set([0x67, 0x42, 0xc0, 0x1f, ...random.bytes(12)], bodyOf(header));
  },
  "timestamps that jump": (packet, _header, random) => writeU32(packet, 4, random.uint32()),
  "markers anywhere": (packet, _header, random) => {
    packet[1] = (packet[1] & 0x7f) | (random.uint32() & 0x80);
  },
  "extension ids 0 and 15, and lengths beyond the block (RFC 8285 §4.2)": (packet, header, random) => {
    const from = 16;
    for (let at = from; at < bodyOf(header); at++) {
      const id = [0, 15, 1 + (random.uint32() % 14)][random.uint32() % 3];
      packet[at] = (id << 4) | (random.uint32() & 15);
    }
  },
  "padding that claims more than there is": (packet) => {
    packet[0] |= 0x20;
    packet[packet.length - 1] = 255;
  },
  "payload types that nobody knows": (packet, _header, random) => {
    packet[1] = random.uint32() & 0x7f;
  },
};

/** Spoils two packets of three of each picture for as long as `isOn` says. */
function spoiler(spoil: Spoil, random: RandomSource, isOn: () => boolean): RtpInterceptorFactory {
  const header = new RtpHeader();
  return ({ direction, kind }) =>
    direction === "in" || kind === "audio"
      ? undefined
      : {
          packet({ bytes, offset, length }) {
            if (!isOn() || random.uint32() % 3 === 0 || !parseRtp(bytes, offset, length, header)) return true;
            spoil(bytes.subarray(offset, offset + length), header, random);
            return true;
          },
        };
}

/** Packets of sources and numbers at random, beside the stream's own. */
function flood(random: RandomSource, isOn: () => boolean): RtpInterceptorFactory {
  const made = new Uint8Array(400);
  return ({ direction, kind, emit }) =>
    direction === "in" || kind === "audio"
      ? undefined
      : {
          packet({ bytes, offset }) {
            if (!isOn()) return true;
            for (let i = 0; i < 20; i++) {
              made.set(bytes.subarray(offset, offset + made.length));
              writeU16(made, 2, random.uint32() & 0xffff);
              writeU32(made, 8, 0x10000 + (random.uint32() % 500));
              emit(made, 0, made.length);
            }
            return true;
          },
        };
}

describe(`hostile media (SEED=${SEED})`, function () {
  this.timeout(120_000);
  let call: VirtualCall | undefined;
  afterEach(() => {
    call?.close();
    call = undefined;
  });

  /** Half a second of peace, one of hostility, then the call must go on from a keyframe. */
  function survives(interceptors: readonly RtpInterceptorFactory[], hostile: { on: boolean }): VirtualCall {
    const link = { delayUs: 5_000 };
    call = new VirtualCall({ seed: SEED, link, a: { interceptors, rtx: true }, b: { rtx: true } });
    const { b } = call;
    assert.ok(call.run(2, () => b.units.length > 5));
    hostile.on = true;
    call.run(1);
    hostile.on = false;
    const units = b.units.length;
    assert.ok(
      call.run(5, () => b.units.length > units + 30),
      "no pictures after it",
    );
    const last = b.units.slice(-10).map(({ digest }) => digest);
    assert.ok(last.every((digest) => call?.a.made.includes(digest)));
    assert.deepEqual([call.a.notice("failed"), b.notice("failed")], [[], []]);
    return call;
  }

  for (const [name, spoil] of Object.entries(MEDIA)) {
    it(`goes on after ${name}`, () => {
      const hostile = { on: false };
      survives([spoiler(spoil, seededRandom(SEED), () => hostile.on)], hostile);
    });
  }

  for (const [name, spoil] of [
    ["blocks of extensions longer than the packet", (packet: Uint8Array) => writeU16(packet, 14, 0xffff)],
    ["more sources than the packet has room for", (packet: Uint8Array) => packet.fill(0x9f, 0, 1)],
  ] as const) {
    it(`loses what a stage of ours makes unreadable (${name}): SRTP refuses it, and none is repeated`, () => {
      const hostile = { on: false };
      const { a } = survives([spoiler(spoil, seededRandom(SEED), () => hostile.on)], hostile);
      assert.ok(a.sendCounters[SendCounters.retransmitMisses] > 0);
    });
  }

  it("goes on beside packets of five hundred invented sources, and remembers few of them", () => {
    const hostile = { on: false };
    const { b } = survives([flood(seededRandom(SEED), () => hostile.on)], hostile);
    const { "rtp-stream-limit": refused = 0, "rtp-unknown-stream": unknown = 0 } = readDiscarded(
      b.transportCounters,
    );
    assert.ok(refused + unknown > 1000, `${refused} and ${unknown} refused`);
  });

  it("takes what was overheard and sent again for replay, from the peer's port and from a stranger's (RFC 3711 §3.3.2)", () => {
    const heard: Uint8Array[] = [];
    call = new VirtualCall({ seed: SEED, link: { delayUs: 5_000 } });
    const { a, b } = call;
    a.onTransmit = (_, data) => {
      if (heard.length < 400 && (data[0] & 0xc0) === 0x80) heard.push(data.slice());
      return true;
    };
    assert.ok(call.run(5, () => heard.length === 400));
    call.run(0.1);
    const units = b.units.length;
    const sounds = b.audio.length;
    for (const from of [a.address, STRANGER]) for (const data of heard) b.receive({ data, from });
    const { "rtp-replay": rtp = 0, "rtcp-replay": rtcp = 0 } = readDiscarded(b.transportCounters);
    assert.equal(rtp + rtcp, 2 * heard.length);
    assert.deepEqual([b.units.length, b.audio.length], [units, sounds]);
    assert.ok(call.run(2, () => b.units.length > units + 20));
  });

  it("refuses what a stranger makes up for the stream's source: it has no key", () => {
    call = new VirtualCall({ seed: SEED, link: { delayUs: 5_000 } });
    const { b } = call;
    assert.ok(call.run(3, () => b.units.length > 5));
    const random = seededRandom(SEED);
    for (let i = 0; i < 2000; i++) {
      const data = random.bytes(200);
      data[0] = 0x80;
      data[1] = i % 2 === 0 ? 96 : 200 + (i % 7);
      writeU32(data, i % 2 === 0 ? 8 : 4, 0x1001);
      b.receive({ data, from: i % 3 === 0 ? call.a.address : STRANGER });
    }
    const discarded = readDiscarded(b.transportCounters);
    const refused = Object.values(discarded).reduce((sum, count) => sum + count, 0);
    assert.ok(refused >= 2000, JSON.stringify(discarded));
    const units = b.units.length;
    assert.ok(call.run(2, () => b.units.length > units + 20));
    assert.deepEqual(b.notice("failed"), []);
  });

  it("goes on after reports with false lengths, of every kind", () => {
    call = new VirtualCall({ seed: SEED, link: { delayUs: 5_000 } });
    const { a, b } = call;
    assert.ok(call.run(3, () => b.units.length > 5));
    const random = seededRandom(SEED);
    for (let i = 0; i < 3000; i++) {
      const length = 4 * (2 + (random.uint32() % 40));
      const bytes = random.bytes(length);
      bytes[0] = 0x80 | (random.uint32() & 0x3f);
      bytes[1] = 200 + (random.uint32() % 8);
      // Half of them say the truth about the first packet's length.
      // SRTP keeps a place for each of our sources.
      writeU32(bytes, 4, 0x1001 + (i % 8));
      writeU16(bytes, 2, i % 2 === 0 ? length / 4 - 1 : random.uint32() & 0xff);
      if (i % 3 === 0) writeU32(bytes, 8, 0x2001);
      a.sender.sendRtcp(bytes, length);
    }
    const units = [a.units.length, b.units.length];
    assert.ok(call.run(3, () => a.units.length > units[0] + 30 && b.units.length > units[1] + 30));
    assert.deepEqual([a.notice("failed"), b.notice("failed")], [[], []]);
    assert.ok((readDiscarded(b.transportCounters)["rtcp-malformed"] ?? 0) > 1000);
  });
});
