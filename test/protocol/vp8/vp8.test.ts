import assert from "node:assert/strict";
import { H264Depacketizer } from "../../../src/protocol/h264/depacketizer.js";
import { VideoJitterBuffer } from "../../../src/protocol/jitter/video_jitter_buffer.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { PayloadTraits } from "../../../src/protocol/rtp/payload_format.js";
import { parseRtp, RtpHeader, writeRtpHeader } from "../../../src/protocol/rtp/rtp_header.js";
import { Vp8Depacketizer } from "../../../src/protocol/vp8/depacketizer.js";
import { parseVp8Descriptor, Vp8Descriptor } from "../../../src/protocol/vp8/descriptor.js";
import { parseVp8FrameHeader } from "../../../src/protocol/vp8/frame_header.js";
import { Vp8Packetizer } from "../../../src/protocol/vp8/packetizer.js";

const random = seededRandom(8);

/** A frame with a true header and random partitions. */
function frame(keyframe: boolean, length: number): Uint8Array {
  const out = random.bytes(length);
  const first = Math.min(20, length - (keyframe ? 10 : 3));
  const tag = (keyframe ? 0 : 1) | 0x10 | (first << 5);
  out.set([tag & 255, (tag >> 8) & 255, tag >> 16]);
  if (keyframe) out.set([0x9d, 0x01, 0x2a, 0x80, 0x42, 0xe0, 0x01], 3);
  return out;
}

function packetize(packetizer: Vp8Packetizer, bytes: Uint8Array, max: number): Uint8Array[] {
  packetizer.start(bytes, max);
  const target = new Uint8Array(max);
  const out: Uint8Array[] = [];
  for (let n = packetizer.next(target, 0); n > 0; n = packetizer.next(target, 0))
    out.push(target.slice(0, n));
  return out;
}

function assemble(payloads: readonly Uint8Array[], room = 10_000): { bytes: Uint8Array; d: Vp8Depacketizer } {
  const out = new Uint8Array(room + 3);
  const d = new Vp8Depacketizer();
  d.start(out, 3);
  for (const p of payloads) d.push(p, 0, p.length);
  return { bytes: out.slice(3, 3 + d.finish()), d };
}

describe("VP8 payload descriptor", () => {
  const parse = (...bytes: number[]) => {
    const d = new Vp8Descriptor();
    return parseVp8Descriptor(Uint8Array.of(0, ...bytes), 1, bytes.length, d) ? d : undefined;
  };

  it("reads every field of RFC 7741 figure 2", () => {
    const full = parse(0xb5, 0xf0, 0x92, 0x34, 0x56, 0xed, 1);
    assert.ok(full);
    assert.deepEqual(
      [full.bytes, full.nonReference, full.partitionStart, full.partitionIndex],
      [6, true, true, 5],
    );
    assert.deepEqual([full.pictureId, full.pictureIdBits, full.tl0PicIndex], [0x1234, 15, 0x56]);
    assert.deepEqual([full.temporalId, full.layerSync, full.keyIndex], [3, true, 13]);
    const short = parse(0x90, 0x80, 0x11, 1);
    assert.deepEqual(
      [short?.bytes, short?.pictureId, short?.pictureIdBits, short?.tl0PicIndex],
      [3, 0x11, 7, -1],
    );
    assert.equal(parse(0x10, 1)?.bytes, 1);
    assert.equal(parse(0x90, 0x10, 0x05, 1)?.keyIndex, 5);
  });

  it("refuses one that is cut short or has nothing behind it", () => {
    for (const bytes of [
      [],
      [0x10],
      [0x90, 0x80],
      [0x90, 0x80, 0x11],
      [0x90, 0x80, 0x91, 0x11],
      [0x90, 0x40],
      [0x90, 0x40, 1],
      [0x90, 0x20],
      [0x90, 0x20, 1],
      [0x90, 0xf0, 0x91, 1, 2, 3],
    ])
      assert.equal(parse(...bytes), undefined, bytes.join(" "));
  });
});

describe("VP8 packets", () => {
  it("round-trip frames of every size around the limit in nearly equal pieces", () => {
    const packetizer = new Vp8Packetizer(0x7ffe);
    for (let size = 90; size < 320; size++) {
      const bytes = frame(size % 2 === 0, size);
      const payloads = packetize(packetizer, bytes, 104);
      const lengths = payloads.map((p) => p.length);
      assert.ok(
        Math.max(...lengths) <= 104 && Math.max(...lengths) - Math.min(...lengths) <= payloads.length,
      );
      const { bytes: back, d } = assemble(payloads);
      assert.deepEqual(back, bytes);
      assert.equal(d.keyframe, size % 2 === 0);
    }
    assert.equal(packetizer.pictureId, (0x7ffe + 229) & 0x7fff, "counts on through its wrap");
  });

  it("show keyframes by their first packet", () => {
    const d = new Vp8Depacketizer();
    const traits = (payload: Uint8Array) => d.inspect(payload, 0, payload.length);
    const key = packetize(new Vp8Packetizer(), frame(true, 300), 104);
    assert.equal(
      traits(key[0]),
      PayloadTraits.keyframe | PayloadTraits.randomAccess | PayloadTraits.reference,
    );
    assert.equal(traits(key[1]), PayloadTraits.reference);
    assert.equal(traits(packetize(new Vp8Packetizer(), frame(false, 50), 104)[0]), PayloadTraits.reference);
    assert.equal(traits(new Uint8Array(0)), 0);
  });

  it("are refused when the start is missing, doubled, or the buffer too small", () => {
    const payloads = packetize(new Vp8Packetizer(), frame(true, 300), 104);
    assert.ok(assemble(payloads.slice(1)).d.damaged);
    assert.ok(assemble([payloads[0], ...payloads]).d.damaged);
    const { d } = assemble(payloads, 200);
    assert.ok(d.damaged && d.overflow);
    assert.ok(assemble([]).d.damaged);
  });

  it("are refused when a partition reaches beyond the frame or a keyframe lacks its start code", () => {
    const cut = frame(true, 100);
    cut[2] = 0xff;
    assert.ok(assemble(packetize(new Vp8Packetizer(), cut, 200)).d.damaged);
    const codeless = frame(true, 100);
    codeless[3] = 0;
    assert.ok(assemble(packetize(new Vp8Packetizer(), codeless, 200)).d.damaged);
    assert.equal(parseVp8FrameHeader(Uint8Array.of(1, 0), 0, 2), undefined);
    const header = parseVp8FrameHeader(frame(true, 100), 0, 100);
    assert.deepEqual([header?.width, header?.height, header?.shown], [0x0280, 0x01e0, true]);
  });

  it("pass the jitter buffer, which waits for a keyframe", () => {
    const buffer = new VideoJitterBuffer({ assembler: new Vp8Depacketizer() });
    const packetizer = new Vp8Packetizer();
    const out = new Uint8Array(5000);
    const header = new RtpHeader();
    let sequenceNumber = 65530;
    const released: boolean[] = [];
    [false, true, false, false, true].forEach((keyframe, i) => {
      const payloads = packetize(packetizer, frame(keyframe, 500), 104);
      payloads.forEach((payload, k) => {
        const packet = new Uint8Array(12 + payload.length);
        writeRtpHeader(packet, 0, {
          marker: k === payloads.length - 1,
          payloadType: 97,
          sequenceNumber,
          timestamp: i * 3000,
          ssrc: 1,
        });
        packet.set(payload, 12);
        sequenceNumber = (sequenceNumber + 1) & 0xffff;
        assert.ok(parseRtp(packet, 0, packet.length, header));
        buffer.insert(packet, header, i * 33_000);
      });
      const info = buffer.pollAccessUnit(out, i * 33_000);
      if (info) released.push(info.keyframe);
    });
    assert.deepEqual(released, [true, false, false, true]);
  });

  it("share a jitter buffer with H.264: another payload type begins with a keyframe of its own", () => {
    const buffer = new VideoJitterBuffer({
      assembler: new H264Depacketizer(),
      assemblers: new Map([[97, new Vp8Depacketizer()]]),
    });
    const out = new Uint8Array(5000);
    const header = new RtpHeader();
    const released: [number, boolean][] = [];
    const send = (i: number, payloadType: number, payload: Uint8Array) => {
      const fields = { marker: true, payloadType, sequenceNumber: i, timestamp: i * 3000, ssrc: 1 };
      const packet = new Uint8Array(12 + payload.length);
      writeRtpHeader(packet, 0, fields);
      packet.set(payload, 12);
      assert.ok(parseRtp(packet, 0, packet.length, header));
      buffer.insert(packet, header, i * 33_000);
      const info = buffer.pollAccessUnit(out, i * 33_000);
      if (info) released.push([info.payloadType, info.keyframe]);
    };
    // STAP-A of SPS, PPS and an IDR slice; a slice.
    const idr = Uint8Array.of(0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1, 0, 2, 0x65, 0x80);
    const slice = Uint8Array.of(0x61, 0x80);
    const packetizer = new Vp8Packetizer();
    const [key] = packetize(packetizer, frame(true, 60), 104);
    const [delta] = packetize(packetizer, frame(false, 60), 104);
    [idr, slice].forEach((payload, i) => {
      send(i, 96, payload);
    });
    // No keyframe yet: nothing of the new codec may pass.
    send(2, 97, delta);
    assert.ok(buffer.needsKeyframe);
    send(3, 97, key);
    send(4, 97, delta);
    send(5, 96, slice);
    send(6, 96, idr);
    assert.deepEqual(released, [
      [96, true],
      [96, false],
      [97, true],
      [97, false],
      [96, true],
    ]);
  });

  it("survive random payloads", () => {
    const d = new Vp8Depacketizer();
    const out = new Uint8Array(500);
    for (let i = 0; i < 8_000; i++) {
      if (i % 4 === 0) d.start(out, 0);
      const payload = random.bytes(random.uint32() % 30);
      d.push(payload, 0, payload.length);
      assert.ok(d.finish() <= out.length);
      d.inspect(payload, 0, payload.length);
    }
  });
});
