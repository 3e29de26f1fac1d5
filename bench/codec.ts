/**
 * The bare cost of the codec: convert, encode and decode on one thread, with the settings the engine uses and nothing
 * between the three. What a call costs beyond this is ours.
 */
import { DecodedLayout, type H264EncoderOptions, type ImageLayout, native } from "../native/addon.js";

export interface BareCodecOptions {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly bitrateBps: number;
  readonly seconds: number;
  /** How the pictures of `frames` lie in memory; I420 without gaps by default. */
  readonly sourceLayout?: ImageLayout;
  /** Bytes of a source picture; what I420 without gaps needs by default. */
  readonly sourceBytes?: number;
  /** Fills `picture` with frame number `frame`. Runs before the frame is due and is not counted. */
  readonly frames: (frame: number, picture: Uint8Array) => void;
  /** Wait for each frame's time, as a call does; else one frame after the other, which keeps caches unnaturally warm. */
  readonly paced: boolean;
  readonly idrInterval?: number;
  readonly maxNalBytes?: number;
  readonly libraryPath?: string;
}

/** Microseconds over all frames. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface BareCodecResult {
  readonly frames: number;
  /** Pictures that did not come out of the decoder; 0 unless something is wrong. */
  readonly missing: number;
  /** Convert + encode + decode of a frame, wall clock. */
  readonly totalUs: Spread;
  readonly convertUs: Spread;
  readonly encodeUs: Spread;
  readonly decodeUs: Spread;
  /** CPU time of the three for each second of video. */
  readonly cpuSecondsPerSecond: number;
  readonly bitrateBps: number;
}

function tightI420(width: number, height: number): { layout: ImageLayout; bytes: number } {
  const chromaStride = (width + 1) >> 1;
  const chromaBytes = chromaStride * ((height + 1) >> 1);
  const luma = width * height;
  const planes = [
    { offset: 0, stride: width },
    { offset: luma, stride: chromaStride },
    { offset: luma + chromaBytes, stride: chromaStride },
  ];
  return { layout: { format: "I420", width, height, planes }, bytes: luma + 2 * chromaBytes };
}

function encoderOptions(options: BareCodecOptions): H264EncoderOptions {
  const { width, height, frameRate, bitrateBps, idrInterval = 0, maxNalBytes, libraryPath } = options;
  return {
    width,
    height,
    frameRate,
    bitrateBps,
    idrInterval,
    ...(maxNalBytes === undefined ? {} : { maxNalBytes }),
    ...(libraryPath === undefined ? {} : { libraryPath }),
  };
}

/** Samples of one step, as many as there are frames. */
class Samples {
  readonly #values: Float64Array;

  constructor(count: number) {
    this.#values = new Float64Array(count);
  }

  set(frame: number, us: number): void {
    this.#values[frame] = us;
  }

  spread(): Spread {
    const sorted = this.#values.slice().sort();
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

function sleepUntil(dueUs: number): void {
  const leftUs = dueUs - native.monotonicUs();
  if (leftUs > 0) Atomics.wait(sleeper, 0, 0, leftUs / 1000);
}

/** The three steps over buffers that are allocated once. */
class Codec {
  readonly source: Uint8Array;
  bytes = 0;
  readonly #sourceLayout: ImageLayout;
  readonly #picture: Uint8Array;
  readonly #layout: ImageLayout;
  readonly #decoded: Uint8Array;
  readonly #unit: Uint8Array;
  readonly #words = new Int32Array(DecodedLayout.words);
  readonly #encoder;
  readonly #decoder;

  constructor(options: BareCodecOptions) {
    const { layout, bytes } = tightI420(options.width, options.height);
    this.source = new Uint8Array(options.sourceBytes ?? bytes);
    this.#sourceLayout = options.sourceLayout ?? layout;
    this.#picture = new Uint8Array(bytes);
    this.#layout = layout;
    this.#decoded = new Uint8Array(bytes);
    this.#unit = new Uint8Array(bytes);
    this.#encoder = new native.H264Encoder(encoderOptions(options));
    const { libraryPath } = options;
    this.#decoder = new native.H264Decoder(libraryPath === undefined ? {} : { libraryPath });
  }

  convert(): void {
    native.convertImage(this.source, this.#sourceLayout, this.#picture, this.#layout);
  }

  encode(captureTimeUs: number): void {
    this.bytes = this.#encoder.encode(this.#picture, this.#layout, captureTimeUs, false, this.#unit);
  }

  /** Whether a picture came out. */
  decode(): boolean {
    return this.#decoder.decode(this.#unit.subarray(0, this.bytes), this.#decoded, this.#words) > 0;
  }

  close(): void {
    this.#encoder.close();
    this.#decoder.close();
  }
}

class Run {
  readonly #options: BareCodecOptions;
  readonly #count: number;
  readonly #convert: Samples;
  readonly #encode: Samples;
  readonly #decode: Samples;
  readonly #total: Samples;
  #cpuUs = 0;
  #bytes = 0;
  #missing = 0;

  constructor(options: BareCodecOptions) {
    this.#options = options;
    this.#count = Math.max(1, Math.round(options.seconds * options.frameRate));
    this.#convert = new Samples(this.#count);
    this.#encode = new Samples(this.#count);
    this.#decode = new Samples(this.#count);
    this.#total = new Samples(this.#count);
  }

  measure(codec: Codec): BareCodecResult {
    const { frameRate, frames, paced } = this.#options;
    const startUs = native.monotonicUs() + 1e6 / frameRate;
    for (let frame = 0; frame < this.#count; frame++) {
      frames(frame, codec.source);
      if (paced) sleepUntil(startUs + (frame * 1e6) / frameRate);
      this.#step(codec, frame);
    }
    return this.#result();
  }

  #step(codec: Codec, frame: number): void {
    const cpuUs = native.threadCpuUs();
    const startUs = native.monotonicUs();
    codec.convert();
    const convertedUs = native.monotonicUs();
    codec.encode((frame * 1e6) / this.#options.frameRate);
    const encodedUs = native.monotonicUs();
    if (!codec.decode()) this.#missing++;
    const decodedUs = native.monotonicUs();
    this.#cpuUs += native.threadCpuUs() - cpuUs;
    this.#bytes += codec.bytes;
    this.#convert.set(frame, convertedUs - startUs);
    this.#encode.set(frame, encodedUs - convertedUs);
    this.#decode.set(frame, decodedUs - encodedUs);
    this.#total.set(frame, decodedUs - startUs);
  }

  #result(): BareCodecResult {
    const seconds = this.#count / this.#options.frameRate;
    return {
      frames: this.#count,
      missing: this.#missing,
      totalUs: this.#total.spread(),
      convertUs: this.#convert.spread(),
      encodeUs: this.#encode.spread(),
      decodeUs: this.#decode.spread(),
      cpuSecondsPerSecond: this.#cpuUs / 1e6 / seconds,
      bitrateBps: (this.#bytes * 8) / seconds,
    };
  }
}

/** Blocks the calling thread for `seconds` when paced. */
export function measureBareCodec(options: BareCodecOptions): BareCodecResult {
  const codec = new Codec(options);
  try {
    return new Run(options).measure(codec);
  } finally {
    codec.close();
  }
}
