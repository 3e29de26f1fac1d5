import assert from "node:assert/strict";
import { IvfReader } from "../../../src/protocol/files/ivf.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import { PayloadTraits } from "../../../src/protocol/rtp/payload_format.js";
import { Vp9Depacketizer } from "../../../src/protocol/vp9/depacketizer.js";
import { parseVp9Descriptor, Vp9Descriptor } from "../../../src/protocol/vp9/descriptor.js";
import { parseVp9FrameHeader, Vp9FrameHeader } from "../../../src/protocol/vp9/frame_header.js";
import { Vp9Packetizer } from "../../../src/protocol/vp9/packetizer.js";
import { assembled, capturedFrames, payloadsOf, rtpFixture } from "../rtp/payload_round_trip.js";

const KEYFRAME = PayloadTraits.keyframe | PayloadTraits.randomAccess | PayloadTraits.reference;

/** The frames that libvpx wrote. */
function encodedFrames(): Uint8Array[] {
  const reader = new IvfReader();
  reader.push(rtpFixture("vp9_libvpx.ivf"));
  reader.end();
  const frames: Uint8Array[] = [];
  for (let frame = reader.next(); frame; frame = reader.next()) frames.push(frame.data.slice());
  return frames;
}

describe("VP9 payload descriptor", () => {
  const parse = (...bytes: number[]) => {
    const d = new Vp9Descriptor();
    return parseVp9Descriptor(Uint8Array.of(0, ...bytes), 1, bytes.length, d) ? d : undefined;
  };

  it("reads layers, references and structure as RFC 9628 §4.2 lays them out", () => {
    // I P L F B E V Z all set: 15-bit id, TID 2 U SID 1 D, two references, two layers with sizes, a group of two pictures.
    const d = parse(
      ...[0xff, 0x92, 0x34, 0x53, 0x03, 0x04],
      ...[0x38, 0x01, 0x40, 0x00, 0xf0, 0x02, 0x80, 0x01, 0xe0, 2, 0x04, 1, 0x28, 1, 2, 0xaa],
    );
    assert.ok(d);
    assert.deepEqual([d.pictureId, d.pictureIdBits, d.temporalId, d.spatialId], [0x1234, 15, 2, 1]);
    assert.deepEqual([d.switchingUp, d.interLayer, d.tl0PicIndex], [true, true, -1]);
    assert.deepEqual([d.referenceCount, d.references[0], d.references[1]], [2, 1, 2]);
    assert.deepEqual([d.spatialLayers, d.width, d.height, d.bytes], [2, 640, 480, 21]);
    const short = parse(0xa8, 0x11, 0x20, 0x07, 1);
    assert.deepEqual([short?.pictureId, short?.pictureIdBits, short?.tl0PicIndex], [0x11, 7, 7]);
    assert.equal(parse(0x0c, 1)?.bytes, 1);
  });

  it("refuses what is cut short, refers four times, or counts back from no picture id", () => {
    for (const bytes of [
      [],
      [0x0c],
      [0x80, 0x11],
      [0x80, 0x91, 0x11],
      [0xa0, 0x11, 0x20, 0x07],
      [0xd0, 0x11, 3, 3, 3, 2, 1],
      [0x10, 1, 1],
      [0x02, 0x10, 1, 2, 3, 4],
      [0x02, 0x08],
      [0x02, 0x08, 2, 0x04, 1, 0x0c, 1],
    ])
      assert.equal(parse(...bytes), undefined, bytes.join(" "));
  });
});

describe("VP9 packets", () => {
  it("carry libvpx's frames there and back for every packet size", () => {
    const frames = encodedFrames();
    assert.equal(frames.length, 12);
    for (const max of [9, 100, 1200, 65_000]) {
      const packetizer = new Vp9Packetizer(0x7ffe);
      const depacketizer = new Vp9Depacketizer();
      frames.forEach((frame, i) => {
        const payloads = payloadsOf(packetizer, frame, max);
        assert.deepEqual(assembled(depacketizer, payloads), frame);
        assert.equal(depacketizer.keyframe, i % 6 === 0);
        assert.equal(depacketizer.inspect(payloads[0], 0, payloads[0].length) === KEYFRAME, i % 6 === 0);
        assert.equal(depacketizer.descriptor.pictureId, (0x7ffe + i) & 0x7fff);
      });
    }
  });

  it("state the size of a keyframe and are of nearly one length", () => {
    const payloads = payloadsOf(new Vp9Packetizer(), encodedFrames()[0], 500);
    const d = new Vp9Descriptor();
    assert.ok(parseVp9Descriptor(payloads[0], 0, payloads[0].length, d));
    assert.deepEqual([d.spatialLayers, d.width, d.height], [1, 320, 240]);
    const lengths = payloads.map((payload) => payload.length);
    assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 8, lengths.join(" "));
  });

  it("of FFmpeg, which says neither picture id nor prediction, give what libvpx wrote", () => {
    const depacketizer = new Vp9Depacketizer();
    const keyframes: boolean[] = [];
    const frames = capturedFrames("vp9_libvpx.rtpdump").map((payloads) => {
      const bytes = assembled(depacketizer, payloads);
      keyframes.push(depacketizer.keyframe);
      return bytes;
    });
    assert.deepEqual(frames, encodedFrames());
    assert.deepEqual(
      keyframes,
      frames.map((_, i) => i % 6 === 0),
    );
  });

  it("of Chromium give frames that begin as VP9 does, with its keyframes", () => {
    const depacketizer = new Vp9Depacketizer();
    const header = new Vp9FrameHeader();
    const keyframes = capturedFrames("vp9_chromium.rtpdump").map((payloads) => {
      const frame = assembled(depacketizer, payloads);
      assert.ok(parseVp9FrameHeader(frame, 0, frame.length, header));
      assert.equal(header.keyframe, depacketizer.keyframe);
      if (header.keyframe) assert.deepEqual([header.width, header.height], [320, 240]);
      return header.keyframe;
    });
    assert.deepEqual(keyframes, [true, true, false, false, false]);
  });

  it("of two spatial layers make one picture; a layer without its end makes none", () => {
    const d = new Vp9Depacketizer();
    const base = Uint8Array.of(0xac, 5, 0x00, 1, 0x82, 10, 11);
    const upper = Uint8Array.of(0xe8, 5, 0x03, 1, 0x86, 12);
    const rest = Uint8Array.of(0xe4, 5, 0x03, 1, 13);
    assert.deepEqual([...assembled(d, [base, upper, rest])], [0x82, 10, 11, 0x86, 12, 13]);
    assert.ok(d.keyframe);
    assert.equal(assembled(d, [base, upper]).length, 0);
    assert.equal(assembled(d, [base, rest]).length, 0);
    assert.equal(assembled(d, [upper, base]).length, 0);
    assert.ok(d.damaged);
  });

  it("are refused when there is no room, and no packet is made of what is no frame", () => {
    const d = new Vp9Depacketizer();
    const payloads = payloadsOf(new Vp9Packetizer(), encodedFrames()[0], 500);
    assert.equal(assembled(d, payloads, 600).length, 0);
    assert.ok(d.overflow);
    assert.deepEqual(payloadsOf(new Vp9Packetizer(), Uint8Array.of(0x42, 0, 0), 500), []);
    assert.throws(() => new Vp9Packetizer().begin(new Uint8Array(9), 9, 8), RangeError);
  });

  it("survive random payloads (seed 9)", () => {
    const random = seededRandom(9);
    const d = new Vp9Depacketizer();
    for (let i = 0; i < 5000; i++) {
      const payloads = Array.from({ length: 1 + (random.uint32() % 3) }, () =>
        random.bytes(random.uint32() % 30),
      );
      for (const payload of payloads) d.inspect(payload, 0, payload.length);
      assert.ok(assembled(d, payloads, 60).length <= 60);
    }
  });
});
