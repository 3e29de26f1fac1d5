import assert from "node:assert/strict";
import { H264Depacketizer } from "../../../src/protocol/h264/depacketizer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { PacketAssembler, SampleBuilder } from "../../../src/protocol/samples/sample_builder.js";
import { headerOf, VideoSource, type VideoSourceOptions } from "../jitter/video_source.js";

const OUT = new Uint8Array(100_000);

class Rig {
  readonly source: VideoSource;
  readonly builder: SampleBuilder;

  constructor(maxLatePackets = 50, options: Partial<VideoSourceOptions> = {}) {
    this.source = new VideoSource({
      random: seededRandom(5),
      firstSequence: 65_500,
      firstTimestamp: 2 ** 32 - 9_000,
      ...options,
    });
    this.builder = new SampleBuilder({ assembler: new H264Depacketizer(), clockRate: 90000, maxLatePackets });
  }

  insert(packets: readonly Uint8Array[]): void {
    for (const p of packets) this.builder.insert(p, headerOf(p));
  }

  /** Indices of the frames that come out; every one is a sent one, bit for bit. */
  pop(): { index: number; lostBefore: number; durationUs: number }[] {
    const out = [];
    for (let s = this.builder.pop(OUT); s; s = this.builder.pop(OUT)) {
      const bytes = Buffer.from(OUT.buffer, 0, s.length);
      const frame = this.source.frames.find((f) => bytes.equals(f.accessUnit));
      assert.ok(frame, "a sample nobody sent");
      assert.equal(s.keyframe, frame.keyframe);
      assert.equal(s.rtpTimestamp, frame.timestamp);
      out.push({ index: frame.index, lostBefore: s.lostBefore, durationUs: s.durationUs });
    }
    return out;
  }
}

describe("SampleBuilder", () => {
  it("gives whole samples in order, with durations, through padding and wraps", () => {
    const rig = new Rig(50, { paddingEvery: 3 });
    const packets = Array.from({ length: 40 }, (_, i) => rig.source.next(i % 10 === 0)).flatMap(
      (f) => f.packets,
    );
    rig.insert(packets.slice(0, 1));
    for (let i = 1; i < packets.length; i += 4) rig.insert(packets.slice(i, i + 4).reverse());
    const samples = rig.pop();
    assert.deepEqual(
      samples.map((s) => s.index),
      Array.from({ length: 39 }, (_, i) => i),
    );
    for (const s of samples) assert.ok(Math.abs(s.durationUs - 33_333.3) < 0.1 && s.lostBefore === 0);
    rig.builder.flush();
    const rest = rig.pop();
    assert.ok(rest.length === 1 && Math.abs(rest[0].durationUs - 33_333.3) < 0.1);
  });

  it("waits for a missing packet no longer than it was told, and says what was lost", () => {
    const rig = new Rig(10);
    const frames = Array.from({ length: 10 }, (_, i) => rig.source.next(i === 0, 350));
    rig.insert(frames[0].packets);
    rig.insert(frames[1].packets.filter((_, i) => i !== 1));
    rig.insert(frames[2].packets);
    assert.deepEqual(
      rig.pop().map((s) => s.index),
      [0],
    );
    for (const f of frames.slice(3, 8)) rig.insert(f.packets);
    const samples = rig.pop();
    assert.deepEqual(
      samples.map((s) => s.index),
      [2, 3, 4, 5, 6],
    );
    assert.deepEqual(
      samples.map((s) => s.lostBefore),
      [1, 0, 0, 0, 0],
    );
    assert.equal(rig.builder.packetsLost, 1);
    assert.equal(rig.builder.samplesDropped, 1);
    const p = frames[1].packets[1];
    assert.equal(rig.builder.insert(p, headerOf(p)), false, "too late");
  });

  it("never gives a broken sample over seeded losses", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seededRandom(seed);
      const rig = new Rig(20);
      let previous = -1;
      let got = 0;
      for (let i = 0; i < 400; i++) {
        rig.insert(rig.source.next(i % 30 === 0).packets.filter(() => random.uint32() % 100 >= 3));
        for (const s of rig.pop()) {
          assert.ok(s.index > previous, `seed ${seed}`);
          if (s.index !== previous + 1 && previous >= 0)
            assert.ok(s.lostBefore > 0, `seed ${seed}: silent loss before ${s.index}`);
          previous = s.index;
          got++;
        }
      }
      assert.ok(got > 280, `seed ${seed}: ${got}`);
    }
  });

  it("makes a sample of every packet of sound", () => {
    const builder = new SampleBuilder({
      assembler: new PacketAssembler(),
      clockRate: 48000,
      maxLatePackets: 3,
      packetPerSample: true,
    });
    const header = new RtpHeader();
    const packet = new Uint8Array(14);
    const numbers: number[] = [];
    for (let i = 0; i < 10; i++) {
      writeRtpHeader(packet, 0, {
        marker: false,
        payloadType: 111,
        sequenceNumber: i,
        timestamp: i * 960,
        ssrc: 1,
      });
      packet.set([0xf8, i], 12);
      if (i !== 4) builder.insert(packet, headerOf(packet, header));
      for (let s = builder.pop(OUT); s; s = builder.pop(OUT)) {
        numbers.push(OUT[1]);
        assert.ok(Math.abs(s.durationUs - 20_000) < 1e-6);
        assert.equal(s.lostBefore, OUT[1] === 5 ? 1 : 0);
      }
    }
    assert.deepEqual(numbers, [0, 1, 2, 3, 5, 6, 7, 8]);
  });
});
