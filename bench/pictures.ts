/**
 * `npm run bench -- pictures`: the picture codecs side by side on the same pictures at the same bitrate: thread CPU time to
 * encode and to decode one, distance from the original, and bitrate. Behind docs/decisions/0020-vp8-settings.md.
 */
import { parseArgs } from "node:util";
import { DecodedLayout, native, type VideoDecoder, type VideoEncoder } from "../native/addon.js";
import { Descriptor } from "../src/media/ring/descriptor.js";
import { TestPattern } from "../src/media/sources/test_pattern.js";
import { ImageLayoutCache } from "../src/media/stages/image_layout.js";

const SIZE = { width: 1280, height: 720, frameRate: 30 };
const BITRATE_BPS = 2_000_000;
/** The first pictures show how a codec begins, not how it goes on. */
const WARM_UP = 30;

interface Side {
  readonly name: string;
  encoder(): VideoEncoder;
  decoder(): VideoDecoder;
}

interface Figures {
  readonly encodeMs: number;
  readonly decodeMs: number;
  readonly psnrDb: number;
  readonly bitrateBps: number;
}

const rates = { ...SIZE, bitrateBps: BITRATE_BPS };
const sides: readonly Side[] = [
  {
    name: "H.264, OpenH264",
    encoder: () => new native.H264Encoder({ ...rates, idrInterval: 0 }),
    decoder: () => new native.H264Decoder(),
  },
  ...[4, 6, 8, 10, 12, 14, 16].map((speed) => ({
    name: `VP8, libvpx, speed ${speed}`,
    encoder: () => new native.Vp8Encoder({ ...rates, keyframeInterval: 0, speed }),
    decoder: () => new native.Vp8Decoder(),
  })),
];

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: "string", default: "5" },
      rounds: { type: "string", default: "3" },
      still: { type: "boolean", default: false },
    },
  });
  const frames = Number(values.seconds) * SIZE.frameRate;
  const found = sides.map(() => [] as Figures[]);
  for (let round = 0; round < Number(values.rounds); round++) {
    sides.forEach((side, i) => {
      found[i].push(measure(side, frames, values.still));
    });
  }
  const picture = values.still ? "the scene stands still" : "the scene pans";
  print(
    `${SIZE.width}x${SIZE.height}, ${BITRATE_BPS / 1e6} Mbit/s, ${frames} pictures with noise, ${picture}`,
  );
  print("codec | encode, ms CPU | decode, ms CPU | PSNR, dB | Mbit/s");
  sides.forEach(({ name }, i) => {
    print([name, ...columns(found[i])].join(" | "));
  });
}

function columns(rounds: readonly Figures[]): string[] {
  const spread = (pick: (figures: Figures) => number) => {
    const sorted = rounds.map(pick).sort((a, b) => a - b);
    const [least, most] = [sorted[0], sorted[sorted.length - 1]];
    return `${sorted[sorted.length >> 1].toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
  };
  return [
    spread(({ encodeMs }) => encodeMs),
    spread(({ decodeMs }) => decodeMs),
    // The same in every round.
    rounds[0].psnrDb.toFixed(1),
    (rounds[0].bitrateBps / 1e6).toFixed(2),
  ];
}

function measure(side: Side, frames: number, still: boolean): Figures {
  const source = new TestPattern({ ...SIZE, noise: true, tag: 1 });
  const picture = new Uint8Array(source.pictureBytes);
  const decoded = new Uint8Array(SIZE.width * SIZE.height * 1.5);
  const unit = new Uint8Array(decoded.length);
  const descriptor = new Descriptor();
  const layouts = new ImageLayoutCache();
  const words = new Int32Array(DecodedLayout.words);
  const encoder = side.encoder();
  const decoder = side.decoder();
  const sum = { encodeUs: 0, decodeUs: 0, psnrDb: 0, bytes: 0 };
  for (let frame = 0; frame < WARM_UP + frames; frame++) {
    const captureUs = 1 + (frame * 1e6) / SIZE.frameRate;
    source.capture(picture, descriptor, still ? frame % 4 : frame, captureUs);
    const startUs = native.threadCpuUs();
    const bytes = encoder.encode(picture, layouts.of(descriptor), captureUs, false, unit);
    const encodedUs = native.threadCpuUs();
    if (decoder.decode(unit.subarray(0, bytes), decoded, words) <= 0)
      throw new Error(`${side.name}: picture lost`);
    const decodedUs = native.threadCpuUs();
    if (frame < WARM_UP) continue;
    sum.encodeUs += encodedUs - startUs;
    sum.decodeUs += decodedUs - encodedUs;
    sum.bytes += bytes;
    sum.psnrDb += lumaPsnr(picture, descriptor.strideY, decoded);
  }
  encoder.close();
  decoder.close();
  source.close();
  return {
    encodeMs: sum.encodeUs / frames / 1000,
    decodeMs: sum.decodeUs / frames / 1000,
    psnrDb: sum.psnrDb / frames,
    bitrateBps: (sum.bytes * 8 * SIZE.frameRate) / frames,
  };
}

function lumaPsnr(picture: Uint8Array, stride: number, decoded: Uint8Array): number {
  let sum = 0;
  for (let y = 0; y < SIZE.height; y++) {
    for (let x = 0; x < SIZE.width; x++) {
      const difference = picture[y * stride + x] - decoded[y * SIZE.width + x];
      sum += difference * difference;
    }
  }
  return 10 * Math.log10((255 * 255 * SIZE.width * SIZE.height) / Math.max(1, sum));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
