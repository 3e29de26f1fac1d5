/** Packets of any order, age and content through the jitter buffers and the sample builder, while time goes on in jumps. */
import assert from "node:assert/strict";
import { H264Depacketizer } from "../../../src/protocol/h264/depacketizer.js";
import { AudioJitterBuffer } from "../../../src/protocol/jitter/audio_jitter_buffer.js";
import { VideoJitterBuffer } from "../../../src/protocol/jitter/video_jitter_buffer.js";
import { parseRtp, RtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { PacketAssembler, SampleBuilder } from "../../../src/protocol/samples/sample_builder.js";
import { Vp8Depacketizer } from "../../../src/protocol/vp8/depacketizer.js";
import { datagramsOf, type FuzzTarget, joinDatagrams } from "../target.js";
import { recordedPackets } from "./rtp.js";

const out = new Uint8Array(8192);
const numbers = new Uint16Array(64);
const header = new RtpHeader();
const MAX_PACKETS = 48;

/** One datagram: a byte of time that passes first, in steps that grow with its upper bits, then the packet. */
function* arrivals(input: Uint8Array): Generator<{ packet: Uint8Array; nowUs: number }> {
  let nowUs = 1e9;
  for (const datagram of datagramsOf(input, MAX_PACKETS)) {
    const step = datagram[0] ?? 0;
    nowUs += (step & 0x1f) * 10 ** (step >> 5);
    const packet = datagram.subarray(1);
    if (parseRtp(packet, 0, packet.length, header)) yield { packet, nowUs };
  }
}

function playVideo(buffer: VideoJitterBuffer, input: Uint8Array): void {
  let packets = 0;
  let handedOut = 0;
  for (const { packet, nowUs } of arrivals(input)) {
    packets++;
    buffer.insert(packet, header, nowUs);
    for (let unit = buffer.pollAccessUnit(out, nowUs); unit; unit = buffer.pollAccessUnit(out, nowUs)) {
      assert.ok(unit.length > 0 && unit.length <= out.length);
      // A marker in mid-frame makes two units of one timestamp, but of no packet twice.
      handedOut += unit.packets;
      assert.ok(handedOut <= packets, `${handedOut} packets came out of ${packets}`);
    }
    assert.ok(buffer.missing(numbers) <= numbers.length);
    assert.ok(buffer.nextDeadlineUs() > nowUs, "a deadline that has passed would make the thread spin");
  }
  assert.ok(buffer.stats.framesReleased <= packets);
}

function playSound(input: Uint8Array): void {
  const buffer = new AudioJitterBuffer({ capacityPackets: 32 });
  for (const { packet, nowUs } of arrivals(input)) {
    buffer.insert(packet, header, nowUs);
    const pull = buffer.pull(nowUs);
    assert.ok(pull.samples >= 0 && pull.samples <= 5760, `${pull.samples} samples`);
    assert.ok(pull.offset + pull.length <= buffer.arena.length);
    assert.ok(Number.isFinite(buffer.bufferedUs) && buffer.bufferedUs >= 0);
  }
}

function buildSamples(input: Uint8Array, packetPerSample: boolean): void {
  const assembler = packetPerSample ? new PacketAssembler() : new Vp8Depacketizer();
  const builder = new SampleBuilder({ assembler, clockRate: 48_000, capacityPackets: 32, packetPerSample });
  for (const { packet } of arrivals(input)) {
    builder.insert(packet, header);
    for (let sample = builder.pop(out); sample; sample = builder.pop(out))
      assert.ok(sample.length <= out.length);
  }
  builder.flush();
  let rest = 0;
  while (builder.pop(out) !== undefined) assert.ok(++rest <= MAX_PACKETS);
}

export const target: FuzzTarget = {
  name: "jitter",
  sources: ["src/protocol/jitter/", "src/protocol/samples/"],
  maxBytes: 6000,
  seeds: () => {
    const packets = recordedPackets(40).map((packet) => Uint8Array.of(0x85, ...packet.subarray(0, 120)));
    const groups = [packets.slice(0, 30), packets.slice(40, 70), packets.slice(80)];
    return groups.filter((group) => group.length > 0).map(joinDatagrams);
  },
  run(input) {
    const small = { capacityPackets: 32, absCaptureTimeId: 1 };
    playVideo(new VideoJitterBuffer({ assembler: new H264Depacketizer(), ...small }), input);
    playVideo(new VideoJitterBuffer({ assembler: new Vp8Depacketizer(), ...small }), input);
    playSound(input);
    buildSamples(input, true);
    buildSamples(input, false);
  },
};
