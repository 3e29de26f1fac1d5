import assert from "node:assert/strict";
import { DecodedLayout, type H264EncoderOptions, native, type VideoEncoder } from "../../native/addon.js";
import { drawMoving, i420Bytes, i420Layout, psnr, sharedBytes } from "./pictures.js";

const WIDTH = 320;
const HEIGHT = 180;
const layout = i420Layout(WIDTH, HEIGHT);
const options: H264EncoderOptions = {
  width: WIDTH,
  height: HEIGHT,
  frameRate: 30,
  bitrateBps: 500_000,
  idrInterval: 0,
};

class Source {
  readonly picture = sharedBytes(i420Bytes(WIDTH, HEIGHT));
  private readonly out = sharedBytes(200_000);

  encode(encoder: VideoEncoder, frame: number, force = false): Uint8Array {
    drawMoving(this.picture, WIDTH, HEIGHT, frame);
    const bytes = encoder.encode(this.picture, layout, 1e6 + frame * 33_333, force, this.out);
    return this.out.slice(0, bytes);
  }
}

/** NAL units behind 4-byte start codes. */
function nalUnits(unit: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(unit);
  const starts: number[] = [];
  for (let at = buffer.indexOf("00000001", 0, "hex"); at >= 0; at = buffer.indexOf("00000001", at + 4, "hex"))
    starts.push(at);
  return starts.map((start, i) => unit.subarray(start + 4, starts[i + 1] ?? unit.length));
}

const nalTypes = (unit: Uint8Array): number[] => nalUnits(unit).map((nal) => nal[0] & 0x1f);

describe("native H.264", () => {
  const open: { close(): void }[] = [];
  const opened = <T extends { close(): void }>(codec: T): T => {
    open.push(codec);
    return codec;
  };
  const newEncoder = (change: Partial<H264EncoderOptions> = {}): VideoEncoder =>
    opened(new native.H264Encoder({ ...options, ...change }));
  afterEach(() => {
    for (const codec of open.splice(0)) codec.close();
  });

  it("gives a moving picture back above 33 dB, in place over shared memory", () => {
    const encoder = newEncoder();
    const decoder = opened(new native.H264Decoder());
    const source = new Source();
    const picture = sharedBytes(i420Bytes(WIDTH, HEIGHT));
    const decoded = new Int32Array(new SharedArrayBuffer(DecodedLayout.words * 4));
    for (let i = 0; i < 30; i++) {
      assert.equal(decoder.decode(source.encode(encoder, i), picture, decoded), i420Bytes(WIDTH, HEIGHT));
      assert.ok(psnr(source.picture, picture, WIDTH * HEIGHT) > 33, `frame ${i}`);
    }
    assert.deepEqual(
      [...decoded],
      [WIDTH, HEIGHT, 320, 160, 160, 0, WIDTH * HEIGHT, WIDTH * HEIGHT + 160 * 90],
    );
  });

  it("puts SPS and PPS before every IDR, and an IDR only where one is forced", () => {
    const encoder = newEncoder();
    const source = new Source();
    for (let i = 0; i < 40; i++) {
      const forced = i === 17 || i === 18;
      const types = nalTypes(source.encode(encoder, i, forced));
      assert.deepEqual(types, forced || i === 0 ? [7, 8, 5] : [1], `frame ${i}`);
      assert.equal(encoder.lastWasKeyframe, forced || i === 0);
    }
  });

  it("states constrained baseline in its SPS: profile_idc 66, constraint_set1_flag", () => {
    const [sps] = nalUnits(new Source().encode(newEncoder(), 0));
    assert.equal(sps[1], 66);
    assert.equal(sps[2] & 0x40, 0x40);
  });

  it("keeps every NAL unit within maxNalBytes", () => {
    const encoder = newEncoder({ maxNalBytes: 1000, bitrateBps: 2_000_000 });
    const source = new Source();
    for (let i = 0; i < 10; i++) {
      const units = nalUnits(source.encode(encoder, i));
      assert.ok(units.length > 2);
      for (const nal of units) assert.ok(nal.length <= 1000);
    }
  });

  it("comes within 15 % of its bitrate, and of a new one", () => {
    const encoder = newEncoder();
    const source = new Source();
    const rate = (from: number, frames: number): number => {
      let bytes = 0;
      for (let i = from; i < from + frames; i++) bytes += source.encode(encoder, i).length;
      return (bytes * 8 * 30) / frames;
    };
    rate(0, 30);
    assert.ok(Math.abs(rate(30, 60) / 500_000 - 1) < 0.15);
    encoder.setBitrate(250_000);
    rate(90, 30);
    assert.ok(Math.abs(rate(120, 60) / 250_000 - 1) < 0.15);
  });

  it("loses a picture that does not fit and follows with an IDR", () => {
    const encoder = newEncoder();
    const source = new Source();
    source.encode(encoder, 0);
    assert.throws(() => encoder.encode(source.picture, layout, 2e6, false, new Uint8Array(20)), {
      code: "BUFFER_TOO_SMALL",
    });
    assert.deepEqual(nalTypes(source.encode(encoder, 2)), [7, 8, 5]);
  });

  it("answers damage with -1 until the next IDR and a small buffer with -2 and the size", () => {
    const encoder = newEncoder();
    const source = new Source();
    const decoder = opened(new native.H264Decoder());
    const picture = new Uint8Array(i420Bytes(WIDTH, HEIGHT));
    const decoded = new Int32Array(DecodedLayout.words);
    const decode = (unit: Uint8Array, out = picture): number => decoder.decode(unit, out, decoded);
    source.encode(encoder, 0);
    assert.equal(decode(source.encode(encoder, 1)), -1, "no IDR yet");
    assert.equal(decode(source.encode(encoder, 2, true), new Uint8Array(10)), -2);
    assert.deepEqual([decoded[0], decoded[1]], [WIDTH, HEIGHT]);
    assert.equal(decode(source.encode(encoder, 3)), picture.length);
    const cut = source.encode(encoder, 4);
    assert.equal(decode(cut.subarray(0, cut.length >> 1)), -1, "half an access unit");
    assert.equal(decode(source.encode(encoder, 5)), -1, "its reference is missing");
    assert.equal(decode(source.encode(encoder, 6, true)), picture.length, "an IDR heals");
    assert.equal(decode(new Uint8Array(0)), 0);
    assert.equal(decode(Uint8Array.of(1, 2, 3)), -1, "no NAL unit at all");
  });

  it("names option, allowed and found", () => {
    const refused: [Record<string, unknown>, RegExp][] = [
      [{ width: 15 }, /^H264Encoder: option width must be an integer from 16 to 4096, found 15$/],
      [{ width: "wide" }, /option width must be an integer .*found "wide"/],
      [{ height: 181 }, /option height must be an even integer from 16 to 4096, found 181/],
      [{ frameRate: 0 }, /option frameRate must be a number from 1 to 120, found 0/],
      [{ frameRate: Number.NaN }, /option frameRate must be .*found NaN/],
      [{ bitrateBps: 1 }, /option bitrateBps must be an integer from 10000 to 100000000, found 1/],
      [{ idrInterval: -1 }, /option idrInterval must be/],
      [{ maxNalBytes: 100 }, /option maxNalBytes must be 0 or an integer from 300 to 65535, found 100/],
      [{ threads: 9 }, /option threads must be an integer from 1 to 4, found 9/],
      [{ libraryPath: 7 }, /option libraryPath must be a string, found 7/],
    ];
    for (const [change, message] of refused) {
      assert.throws(() => newEncoder(change as Partial<H264EncoderOptions>), { message });
    }
  });

  it("says which library it could not load and what to do", () => {
    assert.throws(() => newEncoder({ libraryPath: "/nowhere/libopenh264.so" }), {
      code: "OPENH264_UNAVAILABLE",
      message: /\/nowhere\/libopenh264\.so.*libopenh264-7.*libraryPath/,
    });
    assert.match(native.openH264Version(), /^2\.\d+\.\d+$/);
  });

  it("throws CLOSED after close, and close may be called again", () => {
    const encoder = newEncoder();
    const source = new Source();
    encoder.close();
    encoder.close();
    assert.throws(() => source.encode(encoder, 0), { code: "CLOSED" });
    assert.throws(() => encoder.lastWasKeyframe, { code: "CLOSED" });
  });
});
