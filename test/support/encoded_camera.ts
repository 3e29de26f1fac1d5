import { native } from "../../native/addon.js";
import { BlockCodeWriter } from "../../src/media/analysis/block_code.js";
import { Descriptor } from "../../src/media/ring/descriptor.js";
import { i420Bytes, i420Layout } from "../../src/protocol/primitives/i420.js";

const WIDTH = 320;
const HEIGHT = 180;
const LUMA = WIDTH * HEIGHT;
const layout = i420Layout(WIDTH, HEIGHT);
const planes = new Descriptor();
planes.setI420(WIDTH, HEIGHT);

/** Pictures with block codes under one tag, encoded as a program of another's would have them: 30 a second. */
export class EncodedCamera {
  frameNumber = 0;
  /** The next picture shall be a keyframe. */
  wantsKeyframe = true;
  keyframes = 0;
  readonly #encoder;
  readonly #out = new Uint8Array(LUMA * 2);
  readonly #picture = new Uint8Array(i420Bytes(WIDTH, HEIGHT)).fill(128);
  readonly #writer = new BlockCodeWriter(WIDTH, HEIGHT);
  readonly #timer: NodeJS.Timeout;

  constructor(
    readonly tag: number,
    codec: "H264" | "VP8",
    take: (data: Uint8Array, camera: EncodedCamera) => void,
  ) {
    const rates = { width: WIDTH, height: HEIGHT, frameRate: 30, bitrateBps: 600_000 };
    this.#encoder =
      codec === "H264"
        ? new native.H264Encoder({ ...rates, idrInterval: 0 })
        : new native.Vp8Encoder({ ...rates, keyframeInterval: 0 });
    this.#timer = setInterval(() => {
      const data = this.#next();
      if (data.length > 0) take(data, this);
    }, 33);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#encoder.close();
  }

  #next(): Uint8Array {
    // Something that moves, so that pictures take several packets.
    for (let i = 0; i < LUMA; i++) this.#picture[i] = (i * 7 + this.frameNumber * 13) & 127;
    this.#writer.write(this.#picture, planes, this.frameNumber, 0, this.tag);
    const timeUs = (this.frameNumber++ * 1e6) / 30;
    const bytes = this.#encoder.encode(this.#picture, layout, timeUs, this.wantsKeyframe, this.#out);
    if (bytes > 0 && this.#encoder.lastWasKeyframe) {
      this.wantsKeyframe = false;
      this.keyframes++;
    }
    return this.#out.slice(0, Math.max(0, bytes));
  }
}
