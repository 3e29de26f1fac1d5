/** What browsers sent, as test/fixtures/rtp has it: through our jitter buffers and decoders, to the picture and tone that the page made. */
import assert from "node:assert/strict";
import { DecodedLayout, native, type VideoDecoder } from "../../native/addon.js";
import { type BlockCode, readBlockCode } from "../../src/media/analysis/block_code.js";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import { H264Depacketizer } from "../../src/protocol/h264/depacketizer.js";
import { VideoJitterBuffer } from "../../src/protocol/jitter/video_jitter_buffer.js";
import type { AccessUnitAssembler } from "../../src/protocol/rtp/payload_format.js";
import { parseRtp, RtpHeader } from "../../src/protocol/rtp/rtp_header.js";
import { RtpDumpReader } from "../../src/protocol/rtpdump/rtpdump.js";
import { Vp8Depacketizer } from "../../src/protocol/vp8/depacketizer.js";
import { rtpFixture } from "../protocol/rtp/payload_round_trip.js";

/** What interop/capture.ts has its page send. */
const PAGE = { tag: 0x7e12, toneHz: 880, width: 320, height: 180 } as const;

interface CapturedPacket {
  readonly bytes: Uint8Array;
  readonly header: RtpHeader;
  readonly nowUs: number;
}

/** The packets of one payload type: browsers probe the path with padding and repetitions in another. */
function* packetsOf(name: string, payloadType: number): Generator<CapturedPacket> {
  const header = new RtpHeader();
  for (const { data, offsetMs } of new RtpDumpReader(rtpFixture(name))) {
    assert.ok(parseRtp(data, 0, data.length, header), "not RTP");
    if (header.payloadType === payloadType) yield { bytes: data, header, nowUs: 1e9 + offsetMs * 1000 };
  }
}

/** The access units that a jitter buffer makes of the capture. */
function unitsOf(name: string, payloadType: number, assembler: AccessUnitAssembler): Uint8Array[] {
  const buffer = new VideoJitterBuffer({ assembler, capacityPackets: 512 });
  const room = new Uint8Array(1 << 18);
  const units: Uint8Array[] = [];
  for (const { bytes, header, nowUs } of packetsOf(name, payloadType)) {
    buffer.insert(bytes, header, nowUs);
    for (let unit = buffer.pollAccessUnit(room, nowUs); unit; unit = buffer.pollAccessUnit(room, nowUs))
      units.push(room.slice(0, unit.length));
  }
  return units;
}

function codesOf(units: readonly Uint8Array[], decoder: VideoDecoder): (BlockCode | null)[] {
  const picture = new Uint8Array(1920 * 1088 * 1.5);
  const layout = new Int32Array(DecodedLayout.words);
  try {
    return units.flatMap((unit) => {
      if (decoder.decode(unit, picture, layout) <= 0) return [];
      const [width, height] = [layout[DecodedLayout.width], layout[DecodedLayout.height]];
      const luma = picture.subarray(layout[DecodedLayout.offsetY]);
      return [readBlockCode(luma, width, height, layout[DecodedLayout.strideY])];
    });
  } finally {
    decoder.close();
  }
}

describe("RTP of browsers", () => {
  for (const [name, payloadType, assembler, decoder] of [
    ["vp8_chromium", 100, () => new Vp8Depacketizer(), () => new native.Vp8Decoder()],
    ["vp8_firefox", 100, () => new Vp8Depacketizer(), () => new native.Vp8Decoder()],
    ["h264_chromium", 96, () => new H264Depacketizer(), () => new native.H264Decoder()],
  ] as const)
    it(`${name}: every frame is put together and decoded, in order`, () => {
      const units = unitsOf(`${name}.rtpdump`, payloadType, assembler());
      assert.ok(units.length >= 10, `${units.length} access units`);
      const codes = codesOf(units, decoder());
      assert.equal(codes.length, units.length);
      assert.ok(
        codes.every((code) => code?.tag === PAGE.tag),
        "a picture does not carry the page's code",
      );
      const numbers = codes.map((code) => code?.frameNumber ?? -1);
      const steps = numbers.slice(1).map((number, i) => (number - numbers[i] + 64) % 64);
      assert.ok(
        steps.every((step) => step < 32),
        `frames go back: ${numbers}`,
      );
      assert.ok(new Set(numbers).size >= 8, `different frames: ${numbers}`);
    });

  for (const name of ["opus_chromium", "opus_firefox"])
    it(`${name}: packets follow each other and sound like the page`, () => {
      const decoder = new native.OpusDecoder({ sampleRate: 48_000, channels: 1 });
      const tones = new ToneDetector();
      const pcm = new Int16Array(5760);
      let last: { number: number; timestamp: number } | undefined;
      try {
        for (const { bytes, header } of packetsOf(`${name}.rtpdump`, 111)) {
          const { sequenceNumber: number, timestamp, payloadOffset, payloadLength } = header;
          const payload = bytes.subarray(payloadOffset, payloadOffset + payloadLength);
          const samples = decoder.decode(payload, pcm);
          if (last !== undefined) assert.equal(number, (last.number + 1) & 0xffff);
          if (last !== undefined) assert.equal((timestamp - last.timestamp) >>> 0, samples);
          last = { number, timestamp };
          tones.add(pcm.subarray(0, samples), 1, samples);
        }
      } finally {
        decoder.close();
      }
      assert.ok(Math.abs(tones.frequencyHz() - PAGE.toneHz) < 5, `${tones.frequencyHz()} Hz`);
    });
});
