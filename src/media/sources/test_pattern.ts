import { BlockCodeWriter } from "../analysis/block_code.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { VideoSource } from "./video_source.js";

/** The scene is larger than the picture by this much; the camera "pans" within. */
const MARGIN_X = 64;
const MARGIN_Y = 48;
/** Noise realisations: consecutive frames never share one. */
const NOISE_VARIANTS = 4;
const NOISE_SIGMA = 2.5;

export interface TestPatternOptions {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly noise: boolean;
  /** 16 bits in the block code. */
  readonly tag: number;
}

/**
 * A moving picture with the block code of its frame number and capture time. The scene (soft shapes, edges, fine
 * texture, and sensor noise if asked for) is drawn once; a frame is one copy per plane from a moving offset, a moving
 * ball and the code, so that it costs next to nothing beside what is measured with it.
 */
export class TestPattern implements VideoSource {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly paced = true;
  readonly pictureBytes: number;
  readonly #tag: number;
  readonly #strideY: number;
  readonly #strideUV: number;
  readonly #luma: Uint8Array[];
  readonly #chroma: readonly [Uint8Array, Uint8Array];
  readonly #code: BlockCodeWriter;

  constructor(options: TestPatternOptions) {
    this.width = options.width;
    this.height = options.height;
    this.frameRate = options.frameRate;
    this.#tag = options.tag;
    this.#strideY = options.width + (options.width & 1) + MARGIN_X;
    this.#strideUV = this.#strideY / 2;
    this.#code = new BlockCodeWriter(options.width, options.height);
    const rows = this.height + (this.height & 1) + MARGIN_Y;
    const clean = drawLuma(this.#strideY, rows);
    this.#luma = options.noise
      ? Array.from({ length: NOISE_VARIANTS }, (_, variant) => addNoise(clean, variant))
      : [clean];
    this.#chroma = [drawChroma(this.#strideUV, rows / 2, 0), drawChroma(this.#strideUV, rows / 2, 1)];
    const chromaRows = (this.height + 1) >> 1;
    this.pictureBytes = this.#strideY * this.height + 2 * this.#strideUV * chromaRows;
  }

  capture(target: Uint8Array, descriptor: Descriptor, frameNumber: number, nowUs: number): number {
    descriptor.setI420(this.width, this.height, this.#strideY, this.#strideUV);
    const angle = (frameNumber / this.frameRate) * 0.9;
    const x = 2 * Math.round((MARGIN_X / 4) * (1 + Math.sin(angle)) * 0.98);
    const y = 2 * Math.round((MARGIN_Y / 4) * (1 + Math.cos(angle * 0.7)) * 0.96);
    const luma = this.#luma[frameNumber % this.#luma.length];
    copyWindow(luma, this.#strideY, x, y, target, descriptor.offsetY, this.height);
    const chromaRows = (this.height + 1) >> 1;
    const [u, v] = this.#chroma;
    copyWindow(u, this.#strideUV, x / 2, y / 2, target, descriptor.offsetU, chromaRows);
    copyWindow(v, this.#strideUV, x / 2, y / 2, target, descriptor.offsetV, chromaRows);
    this.#drawBall(target, frameNumber);
    this.#code.write(target, descriptor, frameNumber, nowUs, this.#tag);
    return nowUs;
  }

  close(): void {}

  /** A bright ball on a path of its own, so that not all motion is the camera's. */
  #drawBall(target: Uint8Array, frameNumber: number): void {
    const seconds = frameNumber / this.frameRate;
    const radius = Math.floor(this.height / 10);
    const centreX = this.width / 2 + (this.width / 2 - radius - 2) * Math.sin(seconds * 1.7);
    const centreY = this.height * 0.58 + this.height * 0.28 * Math.sin(seconds * 2.3);
    for (let dy = -radius; dy <= radius; dy++) {
      const half = Math.sqrt(radius * radius - dy * dy);
      const row = Math.round(centreY + dy) * this.#strideY;
      const shade = 200 - Math.round((60 * (dy + radius)) / (2 * radius));
      target.fill(shade, row + Math.round(centreX - half), row + Math.round(centreX + half));
    }
  }
}

/** Rows of the scene are as long as rows of the picture, margin included: a window is one contiguous copy. */
function copyWindow(
  scene: Uint8Array,
  stride: number,
  x: number,
  y: number,
  target: Uint8Array,
  offset: number,
  rows: number,
): void {
  const from = y * stride + x;
  const length = Math.min(rows * stride, scene.length - from);
  target.set(scene.subarray(from, from + length), offset);
}

function drawLuma(width: number, height: number): Uint8Array {
  const scene = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const soft = 40 * Math.sin(x / 97 + Math.sin(y / 61)) + 30 * Math.cos(y / 83 - x / 211);
      const building = ((x >> 6) * 37 + (y >> 5) * 61) % 97 < 30 ? 28 : 0;
      const texture = 6 * Math.sin(x * 0.9) * Math.cos(y * 0.7) * (0.5 + 0.5 * Math.sin(x / 150));
      scene[y * width + x] = Math.max(16, Math.min(235, 112 + soft + building + texture));
    }
  }
  return scene;
}

function drawChroma(width: number, height: number, plane: number): Uint8Array {
  const scene = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const wave = plane === 0 ? Math.sin(x / 120 + y / 300) : Math.cos(y / 90 - x / 240);
      scene[y * width + x] = 128 + Math.round(28 * wave);
    }
  }
  return scene;
}

/** Adds near-Gaussian noise, the same for a variant every time. */
function addNoise(clean: Uint8Array, variant: number): Uint8Array {
  const noisy = new Uint8Array(clean.length);
  const table = noiseTable();
  let state = 0x9e3779b9 ^ (variant * 0x85ebca6b);
  for (let i = 0; i < clean.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    noisy[i] = Math.max(0, Math.min(255, clean[i] + table[state >>> 20]));
  }
  return noisy;
}

/** 4096 rounded normal deviates (Box-Muller over a low-discrepancy grid: no random source needed). */
function noiseTable(): Int8Array {
  const table = new Int8Array(4096);
  for (let i = 0; i < table.length; i++) {
    const radius = Math.sqrt(-2 * Math.log((i + 0.5) / table.length));
    table[i] = Math.round(NOISE_SIGMA * radius * Math.cos(2 * Math.PI * ((i * 0.61803398875) % 1)));
  }
  return table;
}
