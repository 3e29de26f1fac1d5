import assert from "node:assert/strict";
import { DecodedLayout, type ImageLayout, native } from "../../native/addon.js";
import { type BlockCode, BlockCodeWriter, readBlockCode } from "../../src/media/analysis/block_code.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { TestPattern } from "../../src/media/sources/test_pattern.js";

function layoutOf(d: Descriptor): ImageLayout {
  const planes = [
    { offset: d.offsetY, stride: d.strideY },
    { offset: d.offsetU, stride: d.strideU },
    { offset: d.offsetV, stride: d.strideV },
  ];
  return { format: "I420", width: d.width, height: d.height, planes };
}

function packed(width: number, height: number): Descriptor {
  const descriptor = new Descriptor();
  descriptor.setI420(width, height);
  return descriptor;
}

/** Test-pattern frames through the real encoder and decoder. */
function throughCodec(width: number, height: number, bitrateBps: number, frames: number) {
  const pattern = new TestPattern({ width, height, frameRate: 30, noise: true, tag: 0xfeed });
  const encoder = new native.H264Encoder({ width, height, frameRate: 30, bitrateBps, idrInterval: 0 });
  const decoder = new native.H264Decoder();
  const picture = new Uint8Array(pattern.pictureBytes);
  const unit = new Uint8Array(1 << 20);
  const decoded: { bytes: Uint8Array; layout: Int32Array; frameNumber: number; timeUs: number }[] = [];
  const descriptor = new Descriptor();
  for (let frameNumber = 0; frameNumber < frames; frameNumber++) {
    const timeUs = 2 ** 47 + 12_345_678 + frameNumber * 33_333;
    pattern.capture(picture, descriptor, frameNumber, timeUs);
    const bytes = encoder.encode(picture, layoutOf(descriptor), timeUs, frameNumber === 0, unit);
    const layout = new Int32Array(DecodedLayout.words);
    const out = new Uint8Array(width * height * 2);
    if (bytes > 0 && decoder.decode(unit.subarray(0, bytes), out, layout) > 0) {
      decoded.push({ bytes: out, layout, frameNumber, timeUs });
    }
  }
  encoder.close();
  decoder.close();
  return decoded;
}

describe("block code", () => {
  const code: BlockCode = { frameNumber: 0xdeadbeef, captureTimeUs: 2 ** 48 - 1, tag: 0xa55a };

  function drawn(width: number, height: number): { picture: Uint8Array; descriptor: Descriptor } {
    const descriptor = packed(width, height);
    const picture = new Uint8Array(descriptor.byteLength).fill(120);
    new BlockCodeWriter(width, height).write(
      picture,
      descriptor,
      code.frameNumber,
      code.captureTimeUs,
      code.tag,
    );
    return { picture, descriptor };
  }

  it("reads back what was written, at every usual and some odd sizes", () => {
    for (const [width, height] of [
      [160, 90],
      [320, 180],
      [641, 359],
      [640, 480],
      [1280, 720],
      [1920, 1080],
    ]) {
      const { picture } = drawn(width, height);
      assert.deepEqual(readBlockCode(picture, width, height), code, `${width}x${height}`);
    }
  });

  it("finds nothing in a flat picture, in noise and in a code with one wrong cell", () => {
    const flat = new Uint8Array(640 * 360).fill(90);
    assert.equal(readBlockCode(flat, 640, 360), null);
    const noise = Uint8Array.from({ length: 640 * 360 }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 255);
    assert.equal(readBlockCode(noise, 640, 360), null);
    const { picture } = drawn(640, 360);
    // Column 20 of the first code row: a bit of the frame number.
    for (let y = 8; y < 16; y++)
      for (let x = 320; x < 336; x++) picture[y * 640 + x] = 255 - picture[y * 640 + x];
    assert.equal(readBlockCode(picture, 640, 360), null);
  });

  it("survives H.264 at 2 Mbit/s, and scaling down to 320x180 and up to 1920x1080 after it", () => {
    const decoded = throughCodec(1280, 720, 2_000_000, 40);
    assert.ok(decoded.length >= 38, `${decoded.length} of 40 frames were coded`);
    for (const { bytes, layout, frameNumber, timeUs } of decoded) {
      const expected = { frameNumber, captureTimeUs: timeUs, tag: 0xfeed };
      const luma = bytes.subarray(layout[DecodedLayout.offsetY]);
      assert.deepEqual(readBlockCode(luma, 1280, 720, layout[DecodedLayout.strideY]), expected);
      const source: ImageLayout = {
        format: "I420",
        width: 1280,
        height: 720,
        planes: [
          { offset: layout[DecodedLayout.offsetY], stride: layout[DecodedLayout.strideY] },
          { offset: layout[DecodedLayout.offsetU], stride: layout[DecodedLayout.strideU] },
          { offset: layout[DecodedLayout.offsetV], stride: layout[DecodedLayout.strideV] },
        ],
      };
      for (const [width, height] of [
        [320, 180],
        [640, 360],
        [1920, 1080],
      ]) {
        const target = packed(width, height);
        const scaled = new Uint8Array(target.byteLength);
        native.scaleImage(bytes, source, scaled, layoutOf(target), "bilinear");
        assert.deepEqual(readBlockCode(scaled, width, height), expected, `scaled to ${width}x${height}`);
      }
    }
  });

  it("survives 300 kbit/s at 640x360", () => {
    for (const { bytes, layout, frameNumber } of throughCodec(640, 360, 300_000, 30)) {
      const found = readBlockCode(bytes, 640, 360, layout[DecodedLayout.strideY]);
      assert.equal(found?.frameNumber, frameNumber);
    }
  });

  it("is read from RGBA pixels by its own source text, as in a browser page", () => {
    const { picture, descriptor } = drawn(640, 360);
    const rgba = new Uint8Array(640 * 360 * 4);
    const target: ImageLayout = {
      format: "ABGR",
      width: 640,
      height: 360,
      planes: [{ offset: 0, stride: 2560 }],
    };
    native.convertImage(picture, layoutOf(descriptor), rgba, target);
    const read = new Function(`return ${readBlockCode.toString()}`)() as typeof readBlockCode;
    assert.deepEqual(read(rgba, 640, 360, 2560, 4, 1), code);
  });
});

describe("TestPattern", () => {
  it("moves from frame to frame and repeats exactly for the same frame", () => {
    const pattern = new TestPattern({ width: 320, height: 180, frameRate: 30, noise: true, tag: 0 });
    const draw = (frameNumber: number) => {
      const bytes = new Uint8Array(pattern.pictureBytes);
      pattern.capture(bytes, new Descriptor(), frameNumber, 1000);
      return bytes;
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(11));
  });

  it("draws odd sizes without leaving its buffer", () => {
    for (const [width, height] of [
      [161, 91],
      [639, 479],
    ]) {
      const pattern = new TestPattern({ width, height, frameRate: 30, noise: false, tag: 3 });
      const bytes = new Uint8Array(pattern.pictureBytes);
      const descriptor = new Descriptor();
      for (let frame = 0; frame < 300; frame++) pattern.capture(bytes, descriptor, frame, frame);
      assert.equal(descriptor.byteLength, pattern.pictureBytes);
      assert.equal(readBlockCode(bytes, width, height, descriptor.strideY)?.frameNumber, 299);
    }
  });
});
