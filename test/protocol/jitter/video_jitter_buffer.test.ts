import assert from "node:assert/strict";
import { H264Depacketizer } from "../../../src/protocol/h264/depacketizer.js";
import {
  VideoJitterBuffer,
  type VideoJitterBufferOptions,
} from "../../../src/protocol/jitter/video_jitter_buffer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { HeaderExtensionWriter } from "../../../src/protocol/rtp/extension_writer.js";
import { unixUsToNtp } from "../../../src/protocol/rtp/ntp.js";
import { writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { Vp8Depacketizer } from "../../../src/protocol/vp8/depacketizer.js";
import { Vp8Packetizer } from "../../../src/protocol/vp8/packetizer.js";
import { headerOf, type SentFrame, VideoSource, type VideoSourceOptions } from "./video_source.js";

const OUT = new Uint8Array(1 << 20);

class Harness {
  readonly source: VideoSource;
  readonly buffer: VideoJitterBuffer;
  readonly released: number[] = [];
  nowUs = 1_000_000;

  constructor(
    options: Partial<VideoJitterBufferOptions> = {},
    source: Partial<VideoSourceOptions> = {},
    seed = 1,
  ) {
    this.source = new VideoSource({ random: seededRandom(seed), ...source });
    this.buffer = new VideoJitterBuffer({ assembler: new H264Depacketizer(), ...options });
  }

  insert(...packets: readonly Uint8Array[]): void {
    for (const p of packets) this.buffer.insert(p, headerOf(p), this.nowUs);
  }

  /** Sends frame after frame, all packets. */
  send(...frames: readonly SentFrame[]): void {
    for (const f of frames) this.insert(...f.packets);
  }

  /** Drains; every access unit must be bit for bit a sent one. Returns the indices. */
  poll(): number[] {
    const out: number[] = [];
    for (;;) {
      const info = this.buffer.pollAccessUnit(OUT, this.nowUs);
      if (!info) break;
      const bytes = Buffer.from(OUT.buffer, 0, info.length);
      const frame = this.source.frames.find((f) => bytes.equals(f.accessUnit));
      assert.ok(frame, `an access unit nobody sent, ${info.length} bytes`);
      assert.equal(info.rtpTimestamp, frame.timestamp);
      assert.equal(info.keyframe, frame.keyframe);
      out.push(frame.index);
    }
    this.released.push(...out);
    return out;
  }

  later(us: number): this {
    this.nowUs += us;
    return this;
  }
}

describe("VideoJitterBuffer", () => {
  it("releases each access unit the moment it is whole", () => {
    const h = new Harness();
    const key = h.source.next(true);
    h.insert(...key.packets.slice(0, -1));
    assert.deepEqual(h.poll(), []);
    h.insert(key.packets[key.packets.length - 1]);
    assert.deepEqual(h.poll(), [0]);
    h.send(h.source.next(false), h.source.next(false));
    assert.deepEqual(h.poll(), [1, 2]);
    assert.equal(h.buffer.needsKeyframe, false);
    assert.equal(h.buffer.nextDeadlineUs(), Number.POSITIVE_INFINITY);
  });

  it("holds what is whole until shortly before it is due, when it is asked to", () => {
    const h = new Harness();
    h.buffer.clock.targetUs = 1_000_000;
    h.buffer.releaseLeadUs = 50_000;
    const startUs = h.nowUs;
    for (let i = 0; i < 28; i++) {
      h.send(h.source.next(i === 0));
      assert.deepEqual(h.poll(), []);
      h.later(1e6 / 30);
    }
    assert.ok(Math.abs(h.buffer.nextDeadlineUs() - (startUs + 950_000)) < 1);
    const heldUs: number[] = [];
    for (let shown = 0; shown < 28; shown++) {
      h.nowUs = h.buffer.nextDeadlineUs();
      assert.deepEqual(h.poll(), [shown]);
      heldUs.push(h.nowUs - startUs - (shown * 1e6) / 30);
    }
    assert.ok(
      heldUs.every((us) => Math.abs(us - 950_000) < 20),
      `${heldUs}`,
    );
    assert.equal(h.buffer.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    h.buffer.clock.targetUs = 0;
    h.buffer.releaseLeadUs = Number.POSITIVE_INFINITY;
    h.send(h.source.next(false));
    assert.deepEqual(h.poll(), [28]);
  });

  it("orders packets within and across frames, wherever the numbers wrap", () => {
    for (let firstSequence = 65500; firstSequence < 65600; firstSequence += 7) {
      const h = new Harness({}, { firstSequence: firstSequence & 0xffff, firstTimestamp: 2 ** 32 - 20_000 });
      h.send(h.source.next(true));
      const packets = Array.from({ length: 20 }, () => h.source.next(false)).flatMap((f) => f.packets);
      for (let i = 0; i < packets.length; i += 5) h.insert(...packets.slice(i, i + 5).reverse());
      assert.deepEqual(
        h.poll(),
        Array.from({ length: 21 }, (_, i) => i),
      );
    }
  });

  it("wants a keyframe before anything else and starts with one whose packets came backwards", () => {
    const h = new Harness();
    assert.equal(h.buffer.needsKeyframe, false, "nothing received: nobody to ask");
    h.send(h.source.next(false));
    assert.deepEqual(h.poll(), []);
    assert.equal(h.buffer.needsKeyframe, true);
    const key = h.source.next(true);
    h.insert(...[...key.packets].reverse());
    assert.deepEqual(h.poll(), [1]);
    assert.equal(h.buffer.needsKeyframe, false);
  });

  it("takes packets older than the very first one at the start", () => {
    const h = new Harness({}, { firstSequence: 2 });
    const key = h.source.next(true);
    const delta = h.source.next(false);
    h.insert(...[...key.packets, ...delta.packets].reverse());
    assert.deepEqual(h.poll(), [0, 1]);
  });

  it("counts duplicates and late packets and does not release twice", () => {
    const h = new Harness();
    const key = h.source.next(true);
    h.insert(key.packets[0], key.packets[0]);
    assert.equal(h.buffer.stats.packetsDuplicated, 1);
    h.send(key);
    h.poll();
    h.send(key);
    assert.deepEqual(h.poll(), []);
    assert.equal(h.buffer.stats.packetsLate, key.packets.length);
  });

  it("holds everything behind a missing packet until it comes", () => {
    const h = new Harness();
    h.send(h.source.next(true));
    const [a, b] = [h.source.next(false, 300), h.source.next(false)];
    h.insert(...a.packets.filter((_, i) => i !== 1));
    h.send(b);
    assert.deepEqual(h.poll(), [0]);
    const missing = new Uint16Array(10);
    assert.equal(h.buffer.missing(missing), 1);
    assert.equal(missing[0], headerOf(a.packets[1]).sequenceNumber);
    assert.equal(h.buffer.firstNeededSequence, missing[0]);
    h.later(60_000).insert(a.packets[1]);
    assert.deepEqual(h.poll(), [1, 2]);
    assert.equal(h.buffer.missing(missing), 0);
  });

  it("asks for a keyframe after giveUpUs, still takes the missing packet, and jumps to the keyframe", () => {
    const h = new Harness({ giveUpUs: 100_000 });
    h.send(h.source.next(true));
    h.poll();
    const lost = h.source.next(false, 50);
    h.send(h.source.next(false));
    h.poll();
    assert.equal(h.buffer.nextDeadlineUs(), h.nowUs + 20_000);
    h.later(20_000).poll();
    assert.equal(h.buffer.nextDeadlineUs(), h.nowUs + 80_000);
    assert.equal(h.buffer.needsKeyframe, false);
    h.later(80_000).poll();
    assert.equal(h.buffer.needsKeyframe, true);
    assert.equal(h.buffer.nextDeadlineUs(), Number.POSITIVE_INFINITY);
    const key = h.source.next(true);
    h.insert(...key.packets.slice(0, -1));
    h.poll();
    assert.equal(h.buffer.needsKeyframe, false, "one is on its way");
    h.insert(key.packets[key.packets.length - 1]);
    assert.deepEqual(h.poll(), [3]);
    h.send(lost);
    assert.deepEqual(h.poll(), []);
    assert.equal(h.buffer.stats.packetsLate, lost.packets.length);
    assert.equal(h.buffer.stats.framesDropped, 1, "the frame behind the gap; the lost one was never seen");
    h.send(h.source.next(false));
    assert.deepEqual(h.poll(), [4]);
  });

  it("goes on without a keyframe when the missing packet comes at last", () => {
    const h = new Harness({ giveUpUs: 100_000 });
    h.send(h.source.next(true));
    h.poll();
    const lost = h.source.next(false, 50);
    h.send(h.source.next(false));
    h.poll();
    h.later(150_000).poll();
    assert.equal(h.buffer.needsKeyframe, true);
    h.send(lost);
    assert.deepEqual(h.poll(), [1, 2]);
    assert.equal(h.buffer.needsKeyframe, false);
  });

  it("asks again when the keyframe that was on its way does not become whole", () => {
    const h = new Harness({ giveUpUs: 100_000 });
    h.send(h.source.next(true));
    h.source.next(false, 50);
    const key = h.source.next(true);
    h.insert(key.packets[0], ...key.packets.slice(2));
    h.poll();
    h.later(100_000).poll();
    assert.equal(h.buffer.needsKeyframe, true);
  });

  it("does not skip frames for a keyframe while mere reordering may explain the gap", () => {
    const h = new Harness();
    h.send(h.source.next(true));
    const [a, key] = [h.source.next(false), h.source.next(true)];
    h.send(key);
    assert.deepEqual(h.poll(), [0]);
    h.later(19_000).send(a);
    assert.deepEqual(h.poll(), [1, 2]);
  });

  it("ends an access unit by the next timestamp where markers are missing", () => {
    const h = new Harness({}, { markers: false });
    h.send(h.source.next(true), h.source.next(false), h.source.next(false));
    assert.deepEqual(h.poll(), [0, 1], "the last one may still grow");
  });

  it("sees through packets of padding alone", () => {
    for (const markers of [true, false]) {
      const h = new Harness({}, { paddingEvery: 1, markers });
      for (let i = 0; i < 10; i++) h.send(h.source.next(i === 0));
      h.poll();
      assert.deepEqual(
        h.released,
        Array.from({ length: markers ? 10 : 9 }, (_, i) => i),
      );
      assert.equal(h.buffer.needsKeyframe, false);
    }
  });

  it("needs parameter sets once, and later keyframes may do without", () => {
    const h = new Harness({}, { parameterSets: false });
    h.send(h.source.next(true));
    assert.deepEqual(h.poll(), []);
    assert.equal(h.buffer.needsKeyframe, true);
    const known = new Harness({ parameterSetsKnown: true }, { parameterSets: false });
    known.send(known.source.next(true));
    assert.deepEqual(known.poll(), [0]);
  });

  it("does not begin with a keyframe whose parameter sets may have been lost", () => {
    const h = new Harness();
    h.send(h.source.next(true));
    h.poll();
    h.source.next(false, 50);
    const key = h.source.next(true);
    h.insert(...key.packets.slice(1));
    h.poll();
    h.later(1_000_000);
    assert.deepEqual(h.poll(), []);
    assert.equal(h.buffer.needsKeyframe, true);
  });

  it("takes parameter sets in an access unit of their own", () => {
    const h = new Harness();
    const send = (seq: number, timestamp: number, marker: boolean, payload: number[]) => {
      const p = new Uint8Array(12 + payload.length);
      writeRtpHeader(p, 0, { marker, payloadType: 96, sequenceNumber: seq, timestamp, ssrc: 1 });
      p.set(payload, 12);
      h.insert(p);
    };
    send(1, 100, true, [0x78, 0, 2, 0x67, 9, 0, 2, 0x68, 9]);
    send(2, 200, true, [0x65, 0x88, 5]);
    const first = h.buffer.pollAccessUnit(OUT, 0);
    assert.deepEqual([first?.rtpTimestamp, first?.keyframe], [100, false]);
    const second = h.buffer.pollAccessUnit(OUT, 0);
    assert.deepEqual([second?.rtpTimestamp, second?.keyframe], [200, true]);
    assert.equal(h.buffer.needsKeyframe, false);
    send(3, 300, true, [0x78, 0, 2, 0x67, 9, 0, 2, 0x68, 9]);
    send(4, 400, true, [0x41, 0x88, 5]);
    assert.ok(h.buffer.pollAccessUnit(OUT, 0));
    assert.ok(h.buffer.pollAccessUnit(OUT, 0));
  });

  it("does not take parameter sets for a keyframe", () => {
    for (const apart of [false, true]) {
      const h = new Harness();
      const send = (seq: number, timestamp: number, marker: boolean, payload: number[]) => {
        const p = new Uint8Array(12 + payload.length);
        writeRtpHeader(p, 0, { marker, payloadType: 96, sequenceNumber: seq, timestamp, ssrc: 1 });
        p.set(payload, 12);
        h.insert(p);
      };
      send(1, 100, apart, [0x78, 0, 2, 0x67, 9, 0, 2, 0x68, 9]);
      send(2, apart ? 200 : 100, true, [0x41, 0x88, 5]);
      if (apart) assert.equal(h.buffer.pollAccessUnit(OUT, 0)?.rtpTimestamp, 100);
      assert.equal(h.buffer.pollAccessUnit(OUT, 0), undefined, `apart: ${apart}`);
      assert.equal(h.buffer.needsKeyframe, true);
    }
  });

  it("drops a malformed access unit and everything up to the next keyframe", () => {
    const h = new Harness();
    h.send(h.source.next(true));
    h.poll();
    const bad = h.source.next(false, 300);
    h.insert(
      ...bad.packets.map((p, i) => (i === 1 ? Uint8Array.of(...p.subarray(0, 12), 0x5c, 0x81, 1) : p)),
    );
    h.send(h.source.next(false));
    assert.deepEqual(h.poll(), []);
    assert.equal(h.buffer.stats.framesDamaged, 1);
    assert.equal(h.buffer.needsKeyframe, true);
    h.send(h.source.next(true), h.source.next(false));
    assert.deepEqual(h.poll(), [3, 4]);
  });

  it("drops an access unit that the caller's buffer cannot hold", () => {
    const h = new Harness();
    h.send(h.source.next(true));
    assert.equal(h.buffer.pollAccessUnit(new Uint8Array(20), 0), undefined);
    assert.equal(h.buffer.needsKeyframe, true);
    h.send(h.source.next(true));
    assert.deepEqual(h.poll(), [1]);
  });

  it("ignores a wild sequence number and follows a sender that started over", () => {
    const h = new Harness({ capacityPackets: 256 });
    h.send(h.source.next(true));
    h.poll();
    const at = h.source.sequence;
    h.source.sequence = (at + 20_000) & 0xffff;
    const wild = h.source.next(false, 50);
    h.insert(wild.packets[0]);
    assert.equal(h.buffer.stats.packetsRefused, 1);
    h.source.sequence = at;
    h.send(h.source.next(false));
    assert.deepEqual(h.poll(), [2]);

    h.source.sequence = (at + 40_000) & 0xffff;
    h.send(h.source.next(false, 50), h.source.next(false), h.source.next(true), h.source.next(false));
    assert.deepEqual(h.poll(), [5, 6]);
    assert.equal(h.buffer.stats.resets, 1);
  });

  it("stays within its capacity and recovers by a keyframe", () => {
    const h = new Harness({ capacityPackets: 64 });
    h.send(h.source.next(true));
    h.poll();
    h.source.next(false, 50);
    for (let i = 0; i < 100; i++) {
      h.send(h.source.next(false));
      assert.deepEqual(h.poll(), []);
    }
    assert.equal(h.buffer.needsKeyframe, true);
    const missing = new Uint16Array(2000);
    assert.ok(h.buffer.missing(missing) <= 64);
    h.send(h.source.next(true));
    h.later(20_000);
    assert.deepEqual(h.poll(), [102]);
  });

  it("refuses payloads longer than its slots", () => {
    const h = new Harness({ maxPayloadBytes: 50 });
    h.send(h.source.next(true, 100));
    assert.ok(h.buffer.stats.packetsRefused > 0);
    assert.deepEqual(h.poll(), []);
  });

  it("reports arrivals, capture time and packets", () => {
    const h = new Harness({ absCaptureTimeId: 5 });
    const ext = new HeaderExtensionWriter();
    const ntp = { seconds: 0, fraction: 0 };
    const captureUnixUs = 1_790_000_000_123_456;
    unixUsToNtp(captureUnixUs, ntp);
    ext.addU64(5, ntp.seconds, ntp.fraction);
    const key = h.source.next(true, 100);
    const fields = headerOf(key.packets[0]);
    const first = new Uint8Array(200);
    const n = writeRtpHeader(first, 0, fields, ext);
    first.set(key.packets[0].subarray(12), n);
    h.insert(first.subarray(0, n + key.packets[0].length - 12));
    h.later(700).insert(...key.packets.slice(1));
    const info = h.buffer.pollAccessUnit(OUT, h.nowUs);
    assert.ok(info);
    assert.ok(Math.abs(info.captureUnixUs - captureUnixUs) < 1);
    assert.deepEqual(
      [info.firstArrivalUs, info.lastArrivalUs, info.packets],
      [1_000_000, 1_000_700, key.packets.length],
    );
    h.send(h.source.next(false));
    assert.ok(Number.isNaN(h.buffer.pollAccessUnit(OUT, h.nowUs)?.captureUnixUs));
  });
});

interface Network {
  loss: number;
  duplicate: number;
  jitterUs: number;
  /** Whether missing packets are asked for and sent again (once lost, again with `loss`). */
  retransmit: boolean;
}

/** Frames at 30 a second through a bad network into the buffer; returns what went wrong none of. */
function runNetwork(seed: number, network: Network, source: Partial<VideoSourceOptions>): Harness {
  const random = seededRandom(seed);
  const chance = (p: number) => random.uint32() / 2 ** 32 < p;
  const h = new Harness({ capacityPackets: 512, giveUpUs: 250_000 }, { paddingEvery: 5, ...source }, seed);
  const flight: { at: number; packet: Uint8Array }[] = [];
  const bySequence = new Map<number, Uint8Array>();
  const launch = (packet: Uint8Array) => {
    if (chance(network.loss)) return;
    const copies = chance(network.duplicate) ? 2 : 1;
    for (let i = 0; i < copies; i++)
      flight.push({ at: h.nowUs + 10_000 + (random.uint32() % (network.jitterUs + 1)), packet });
  };
  let wantKeyframe = true;
  let asked = 0;
  const missing = new Uint16Array(64);
  for (let tick = 0; tick < 4 * 30 * 25; tick++) {
    if (tick % 4 === 0) {
      const frame = h.source.next(wantKeyframe);
      wantKeyframe = false;
      for (const p of frame.packets) {
        bySequence.set(headerOf(p).sequenceNumber, p);
        launch(p);
      }
    }
    h.later(8_333);
    flight.sort((a, b) => a.at - b.at);
    while (flight.length > 0 && flight[0].at <= h.nowUs) {
      const next = flight.shift();
      if (next) h.insert(next.packet);
      h.poll();
    }
    h.poll();
    if (network.retransmit && tick % 6 === 0) {
      const count = h.buffer.missing(missing);
      for (let i = 0; i < count; i++) {
        const packet = bySequence.get(missing[i]);
        if (packet) launch(packet);
      }
    }
    if (h.buffer.needsKeyframe && tick - asked > 24) {
      wantKeyframe = true;
      asked = tick;
    }
  }
  return h;
}

describe("VideoJitterBuffer over seeded networks", function () {
  this.timeout(60_000);

  const cases: [string, Network, number][] = [
    ["perfect", { loss: 0, duplicate: 0, jitterUs: 0, retransmit: false }, 1],
    ["reordering and duplicating", { loss: 0, duplicate: 0.2, jitterUs: 40_000, retransmit: false }, 0.8],
    ["losing 2 %, no retransmission", { loss: 0.02, duplicate: 0, jitterUs: 5_000, retransmit: false }, 0.1],
    ["losing 10 %, retransmission", { loss: 0.1, duplicate: 0.02, jitterUs: 20_000, retransmit: true }, 0.9],
    ["losing 30 %, retransmission", { loss: 0.3, duplicate: 0.1, jitterUs: 50_000, retransmit: true }, 0.5],
  ];
  for (const [name, network, share] of cases)
    for (const markers of [true, false])
      it(`${name}${markers ? "" : ", no markers"}: every access unit is one that was sent, after its reference`, () => {
        for (let seed = 1; seed <= 4; seed++) {
          const firstSequence = (65536 - seed * 300) & 0xffff;
          const firstTimestamp = 2 ** 32 - seed * 100_000;
          // poll() has compared every access unit's bytes.
          const h = runNetwork(seed, network, { markers, firstSequence, firstTimestamp });
          const context = `seed ${seed}`;
          let previous = -1;
          for (const index of h.released) {
            assert.ok(index > previous, `${context}: order`);
            const frame = h.source.frames[index];
            if (!frame.keyframe)
              assert.equal(previous, index - 1, `${context}: ${index} without its reference`);
            previous = index;
          }
          const sent = h.source.frames.length;
          assert.ok(
            h.released.length >= Math.floor(sent * share) - 4,
            `${context}: ${h.released.length} of ${sent}`,
          );
          if (network.retransmit || network.loss === 0) assert.ok(previous > sent - 60, `${context}: stuck`);
        }
      });

  it("survives arbitrary packets without growing or throwing", () => {
    const random = seededRandom(99);
    const h = new Harness({ capacityPackets: 128, maxPayloadBytes: 200 });
    const packet = new Uint8Array(300);
    let nowUs = 0;
    for (let i = 0; i < 20_000; i++) {
      const wild = random.uint32();
      const sequenceNumber = (i % 7 === 0 ? wild : i + (wild % 40)) & 0xffff;
      const timestamp = i % 11 === 0 ? random.uint32() : i * 500;
      writeRtpHeader(packet, 0, {
        marker: wild % 5 === 0,
        payloadType: 96,
        sequenceNumber,
        timestamp,
        ssrc: 1,
      });
      const length = wild % 60;
      packet.set(random.bytes(length), 12);
      if (i % 3 === 0) packet.set([0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 0x88], 12);
      const view = packet.subarray(0, 12 + (i % 3 === 0 ? 12 : length));
      h.buffer.insert(view, headerOf(view), nowUs);
      nowUs += wild % 3000;
      while (h.buffer.pollAccessUnit(OUT, nowUs)) assert.ok(true);
    }
    const s = h.buffer.stats;
    assert.ok(s.framesReleased > 0 && s.packetsRefused > 0 && s.framesDamaged > 0);
  });
});

describe("a gap before a VP8 frame whose picture id follows the last one's (RFC 7741 §4.2)", () => {
  /** Packets of small frames, one each, the first a keyframe; numbers as if parity went behind each frame. */
  function packets(count: number): Uint8Array[] {
    const packetizer = new Vp8Packetizer(0x7ffe);
    return Array.from({ length: count }, (_, i) => {
      const frame = new Uint8Array(40).fill(i);
      frame.set(i === 0 ? [0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0] : [0x11, 0, 0]);
      const packet = new Uint8Array(100);
      const fields = { payloadType: 96, ssrc: 5, timestamp: 3000 * i, sequenceNumber: 0xfffc + 2 * i };
      const head = writeRtpHeader(packet, 0, { ...fields, marker: true });
      packetizer.start(frame, 80);
      return packet.subarray(0, head + packetizer.next(packet, head));
    });
  }

  const buffer = () => new VideoJitterBuffer({ assembler: new Vp8Depacketizer() });
  const insert = (to: VideoJitterBuffer, packet: Uint8Array) => to.insert(packet, headerOf(packet), 0);
  const timestampOf = (from: VideoJitterBuffer) => from.pollAccessUnit(OUT, 0)?.rtpTimestamp;

  it("is passed at once, and told of: what is missing was no picture's", () => {
    const jitter = buffer();
    const sent = packets(4);
    for (const packet of sent) {
      insert(jitter, packet);
      assert.equal(timestampOf(jitter), headerOf(packet).timestamp);
    }
    assert.ok(jitter.takePassed() && !jitter.takePassed());
    assert.equal(jitter.firstNeededSequence, (headerOf(sent[3]).sequenceNumber + 1) & 0xffff);
  });

  it("is waited for where a picture is missing", () => {
    const jitter = buffer();
    const [first, , third] = packets(3);
    insert(jitter, first);
    insert(jitter, third);
    assert.deepEqual([timestampOf(jitter), timestampOf(jitter)], [0, undefined]);
    assert.ok(!jitter.takePassed());
  });
});
