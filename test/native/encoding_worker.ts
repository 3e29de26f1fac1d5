// Encodes and decodes `frames` pictures of a moving pattern and posts what came out. A run without an end posts
// {started: true} from the middle of its loop and goes on until it is terminated.
import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { DecodedLayout, native } from "../../native/addon.js";
import { drawMoving, i420Bytes, i420Layout } from "./pictures.js";

const WIDTH = 320;
const HEIGHT = 180;
const { frames } = workerData as { frames: number };
const encoder = new native.H264Encoder({
  width: WIDTH,
  height: HEIGHT,
  frameRate: 30,
  bitrateBps: 500_000,
  idrInterval: 0,
});
const decoder = new native.H264Decoder();
const opus = new native.OpusEncoder({ sampleRate: 48_000, channels: 1, bitrateBps: 32_000 });
const picture = new Uint8Array(i420Bytes(WIDTH, HEIGHT));
const decoded = new Uint8Array(picture.length);
const words = new Int32Array(DecodedLayout.words);
const out = new Uint8Array(200_000);
const digest = createHash("sha256");
let damaged = 0;
drawMoving(picture, WIDTH, HEIGHT, 0);
for (let i = 0; i < frames; i++) {
  if (frames < 1000) drawMoving(picture, WIDTH, HEIGHT, i);
  const bytes = encoder.encode(picture, i420Layout(WIDTH, HEIGHT), i * 33_333, i % 7 === 0, out);
  digest.update(out.subarray(0, bytes));
  if (decoder.decode(out.subarray(0, bytes), decoded, words) <= 0) damaged++;
  opus.encode(new Int16Array(960), out);
  if (i === 20) parentPort?.postMessage({ started: true });
}
parentPort?.postMessage({ digest: digest.digest("hex"), damaged });
