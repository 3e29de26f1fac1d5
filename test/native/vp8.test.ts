import assert from "node:assert/strict";
import { DecodedLayout, native, type VideoEncoder, type Vp8EncoderOptions } from "../../native/addon.js";
import { drawMoving, i420Bytes, i420Layout, psnr, sharedBytes } from "./pictures.js";

const WIDTH = 320;
const HEIGHT = 180;
const layout = i420Layout(WIDTH, HEIGHT);
const options: Vp8EncoderOptions = {
  width: WIDTH,
  height: HEIGHT,
  frameRate: 30,
  bitrateBps: 500_000,
  keyframeInterval: 0,
};

describe("native VP8", () => {
  const open: { close(): void }[] = [];
  const newEncoder = (change: Partial<Vp8EncoderOptions> = {}): VideoEncoder => {
    const encoder = new native.Vp8Encoder({ ...options, ...change });
    open.push(encoder);
    return encoder;
  };
  afterEach(() => {
    for (const codec of open.splice(0)) codec.close();
  });

  it("gives a moving picture back above 30 dB over shared memory, keyframes only where one is forced", () => {
    const encoder = newEncoder();
    const decoder = new native.Vp8Decoder();
    open.push(decoder);
    const picture = sharedBytes(i420Bytes(WIDTH, HEIGHT));
    const decoded = sharedBytes(i420Bytes(WIDTH, HEIGHT));
    const out = sharedBytes(200_000);
    const words = new Int32Array(DecodedLayout.words);
    for (let i = 0; i < 20; i++) {
      drawMoving(picture, WIDTH, HEIGHT, i);
      const bytes = encoder.encode(picture, layout, 1e6 + i * 33_333, i === 11, out);
      assert.equal(encoder.lastWasKeyframe, i === 0 || i === 11, `frame ${i}`);
      assert.equal(decoder.decode(out.subarray(0, bytes), decoded, words), i420Bytes(WIDTH, HEIGHT));
      assert.ok(psnr(picture, decoded, WIDTH * HEIGHT) > 30, `frame ${i}`);
    }
    assert.deepEqual([words[DecodedLayout.width], words[DecodedLayout.height]], [WIDTH, HEIGHT]);
  });

  it("names option, allowed and found", () => {
    const refused: [Record<string, unknown>, RegExp][] = [
      [{ width: 15 }, /^Vp8Encoder: option width must be an integer from 16 to 4096, found 15$/],
      [{ keyframeInterval: -1 }, /option keyframeInterval must be/],
      [{ speed: 17 }, /option speed must be an integer from 1 to 16, found 17/],
    ];
    for (const [change, message] of refused) {
      assert.throws(() => newEncoder(change as Partial<Vp8EncoderOptions>), { message });
    }
  });

  it("throws CLOSED after close", () => {
    const encoder = newEncoder();
    encoder.close();
    assert.throws(() => encoder.setBitrate(100_000), { code: "CLOSED" });
  });
});
