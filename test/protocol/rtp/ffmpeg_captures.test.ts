import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { H264Depacketizer } from "../../../src/protocol/h264/depacketizer.js";
import { AnnexBReader } from "../../../src/protocol/h264/nal_unit.js";
import { findSps, profileLevelId } from "../../../src/protocol/h264/sps.js";
import { AudioJitterBuffer } from "../../../src/protocol/jitter/audio_jitter_buffer.js";
import { VideoJitterBuffer } from "../../../src/protocol/jitter/video_jitter_buffer.js";
import { readU32 } from "../../../src/protocol/primitives/bytes.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { ReceiveStatistics } from "../../../src/protocol/rtp/receive_statistics.js";
import { parseRtp, RtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { RtpDumpReader } from "../../../src/protocol/rtpdump/rtpdump.js";
import { Vp8Depacketizer } from "../../../src/protocol/vp8/depacketizer.js";
import { parseVp8FrameHeader } from "../../../src/protocol/vp8/frame_header.js";

/** RTP that FFmpeg packetized; see test/fixtures/rtp/README.md. The compiled test lies one folder deeper. */
function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../../test/fixtures/rtp/${name}`, import.meta.url)));
}

function packetsOf(name: string): Uint8Array[] {
  return [...new RtpDumpReader(fixture(name))].map((record) => record.data);
}

function nalsOf(stream: Uint8Array): Uint8Array[] {
  const reader = new AnnexBReader();
  reader.start(stream);
  const out: Uint8Array[] = [];
  while (reader.next()) out.push(stream.slice(reader.offset, reader.offset + reader.length));
  return out;
}

/** All access units that come out, with packets locally shuffled and some doubled. */
function playVideo(buffer: VideoJitterBuffer, packets: readonly Uint8Array[], seed: number): Uint8Array[] {
  const random = seededRandom(seed);
  const order = packets.map((packet, i) => ({
    packet,
    at: i + (seed === 0 ? 0 : (random.uint32() % 100) / 12),
  }));
  order.sort((a, b) => a.at - b.at);
  const header = new RtpHeader();
  const out = new Uint8Array(1 << 20);
  const units: Uint8Array[] = [];
  order.forEach(({ packet }, i) => {
    for (let copies = 0; copies < (i % 5 === 4 ? 2 : 1); copies++) {
      assert.ok(parseRtp(packet, 0, packet.length, header));
      buffer.insert(packet, header, i * 1000);
    }
    for (let info = buffer.pollAccessUnit(out, i * 1000); info; info = buffer.pollAccessUnit(out, i * 1000))
      units.push(out.slice(0, info.length));
  });
  return units;
}

describe("RTP packetized by FFmpeg", () => {
  for (const seed of [0, 1, 2])
    it(`H.264 in two slices comes out as x264 wrote it${seed ? `, shuffled by seed ${seed}` : ""}`, () => {
      const buffer = new VideoJitterBuffer({ assembler: new H264Depacketizer() });
      const units = playVideo(buffer, packetsOf("h264_x264_two_slices.rtpdump"), seed);
      assert.equal(units.length, 20);
      assert.equal(buffer.stats.keyframesReleased, 2);
      assert.equal(buffer.stats.framesDropped, 0);
      const expected = nalsOf(fixture("h264_x264_two_slices.h264"));
      assert.deepEqual(units.flatMap(nalsOf), expected);
    });

  it("H.264's parameter set agrees with what was encoded", () => {
    const sps = findSps(fixture("h264_x264_two_slices.h264"));
    assert.ok(sps);
    assert.deepEqual([sps.width, sps.height], [320, 240]);
    assert.match(profileLevelId(sps), /^42c0/, "constrained baseline");
  });

  for (const seed of [0, 1])
    it(`VP8 comes out as libvpx wrote it${seed ? ", shuffled" : ""}`, () => {
      const units = playVideo(
        new VideoJitterBuffer({ assembler: new Vp8Depacketizer() }),
        packetsOf("vp8_libvpx.rtpdump"),
        seed,
      );
      const ivf = fixture("vp8_libvpx.ivf");
      const expected: Uint8Array[] = [];
      const size = (at: number) => readU32(Uint8Array.of(ivf[at + 3], ivf[at + 2], ivf[at + 1], ivf[at]), 0);
      for (let at = 32; at < ivf.length; at += 12 + size(at))
        expected.push(ivf.slice(at + 12, at + 12 + size(at)));
      assert.equal(expected.length, 12);
      assert.deepEqual(units, expected);
      const first = parseVp8FrameHeader(units[0], 0, units[0].length);
      assert.deepEqual([first?.keyframe, first?.width, first?.height], [true, 320, 240]);
    });

  it("Opus plays without a gap", () => {
    const buffer = new AudioJitterBuffer();
    const stats = new ReceiveStatistics({ clockRate: 48000 });
    const header = new RtpHeader();
    const packets = packetsOf("opus_20ms.rtpdump");
    const kinds: string[] = [];
    packets.forEach((packet, i) => {
      assert.ok(parseRtp(packet, 0, packet.length, header));
      stats.update(header.sequenceNumber, header.timestamp, i * 20_000);
      buffer.insert(packet, header, i * 20_000);
      kinds.push(buffer.pull(i * 20_000 + 5_000).kind);
    });
    assert.match(kinds.join(" "), /^(empty ){1,2}(packet ?){45,}$/);
    assert.equal(stats.cumulativeLost, 0);
    assert.ok(stats.jitterUs < 1);
  });
});
