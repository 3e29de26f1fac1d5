/**
 * Latest-value words: what goes upstream, read once per frame. Each word has one writer, or only ever grows by
 * atomic addition (the epochs).
 */
import { allocateShared } from "./shared_memory.js";

/** Int32 words of the block's global part. */
export const ControlWord = {
  /** Bits per second the encoder aims at (main, later the bandwidth estimator). */
  targetBitrateBps: 0,
  /** Grows with every request for a keyframe of all encodings; those for one of them have words of their own. */
  keyframeEpoch: 1,
  /** 1: the camera's picture is black. */
  videoMuted: 2,
  /** 1: the microphone sends silence. */
  audioMuted: 3,
  /** Send streams that want the camera; at 0 the camera and the encoder sleep. */
  videoConsumers: 4,
  /** Send streams that want the microphone. */
  audioConsumers: 5,
  /** 1: the main thread wants decoded pictures. */
  picturesWanted: 6,
  /** 1: the main thread wants decoded sound. */
  samplesWanted: 7,
  /** Frames per second of the camera. */
  frameRate: 8,
  /** Expected packet loss in percent, steers the Opus encoder's FEC. */
  audioLossPercent: 9,
  /** Opus target. */
  audioBitrateBps: 10,
  /** Send streams in packetization mode 0 (RFC 6184 §6.2): above 0 the encoder keeps NAL units within a packet. */
  smallNalConsumers: 11,
  /** What the narrowest path to a peer carries (bandwidth estimation, the sender's word); 0: no limit is known. */
  pathBitrateBps: 12,
  /** 1: the pictures of every receive stream are wanted, whoever wants those of one. */
  allPicturesWanted: 13,
  /** 1: the sound of every receive stream is wanted. */
  allSoundWanted: 14,
  words: 32,
} as const;

/** Float64 indices of the global part (after the words). */
export const ControlFloat = {
  /** Wall clock (µs since 1970) minus monotonic clock, measured once at the engine's start. */
  wallOffsetUs: 16,
} as const;

/** Int32 words of one stream's part. */
export const StreamWord = {
  /** Grows at every reuse of the row for another stream. */
  epoch: 0,
} as const;

/** Float64 indices within one stream's part. */
export const StreamFloat = {
  /** Presentation time (monotonic) minus capture time (the sender's wall clock); 0: unknown. Speaker or decoder. */
  playoutOffsetUs: 4,
} as const;

const GLOBAL_BYTES = 256;
const STREAM_BYTES = 64;

/** Streams an engine can hold at once; stream ids are rows of the control block. */
export const MAX_STREAMS = 256;
/** One for each stream, and one more while a stream changes from one to another. */
export const MAX_ENCODINGS = MAX_STREAMS + 1;
/** Where the keyframe epochs of encodings begin; number 0 stands for all of them. */
const ENCODING_WORDS = (GLOBAL_BYTES + STREAM_BYTES * MAX_STREAMS) / 4;
/** Where their target bitrates begin. */
const TARGET_WORDS = ENCODING_WORDS + MAX_ENCODINGS + 1;

/** The block over its SharedArrayBuffer. */
export class ControlBlock {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;

  static allocate(): ControlBlock {
    return new ControlBlock(allocateShared(4 * (TARGET_WORDS + MAX_ENCODINGS + 1)));
  }

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#floats = new Float64Array(buffer);
  }

  /** @param word one of {@link ControlWord} */
  get(word: number): number {
    return Atomics.load(this.#words, word);
  }

  set(word: number, value: number): void {
    Atomics.store(this.#words, word, value);
  }

  /** Adds to a word that only grows, or counts. Returns the new value. */
  add(word: number, amount: number): number {
    return Atomics.add(this.#words, word, amount) + amount;
  }

  /** Asks for a keyframe of one encoding (PLI, FIR, a new peer); 0: of all. The encoder answers a change with one keyframe. */
  requestKeyframe(encoding: number): void {
    if (encoding <= 0 || encoding > MAX_ENCODINGS) this.add(ControlWord.keyframeEpoch, 1);
    else Atomics.add(this.#words, ENCODING_WORDS + encoding, 1);
  }

  /** Changes with every request for a keyframe of that encoding. */
  keyframeEpoch(encoding: number): number {
    return this.get(ControlWord.keyframeEpoch) + Atomics.load(this.#words, ENCODING_WORDS + encoding);
  }

  /** What an encoding's encoder aims at, bits per second; 0: it has not begun. */
  targetBps(encoding: number): number {
    return Atomics.load(this.#words, TARGET_WORDS + encoding);
  }

  /** Encoder and microphone only. */
  setTargetBps(encoding: number, bitrateBps: number): void {
    Atomics.store(this.#words, TARGET_WORDS + encoding, bitrateBps);
  }

  /** Wall clock (µs since 1970) minus monotonic clock. */
  get wallOffsetUs(): number {
    return this.#floats[ControlFloat.wallOffsetUs];
  }

  set wallOffsetUs(value: number) {
    this.#floats[ControlFloat.wallOffsetUs] = value;
  }

  /** @param word one of {@link StreamWord} */
  addStream(streamId: number, word: number, amount: number): number {
    return Atomics.add(this.#words, streamWordIndex(streamId) + word, amount) + amount;
  }

  /** @param float one of {@link StreamFloat} */
  getStreamFloat(streamId: number, float: number): number {
    return this.#floats[streamWordIndex(streamId) / 2 + float];
  }

  setStreamFloat(streamId: number, float: number, value: number): void {
    this.#floats[streamWordIndex(streamId) / 2 + float] = value;
  }

  /** Clears a stream's part before the row is used for another stream. */
  resetStream(streamId: number): void {
    const first = streamWordIndex(streamId);
    for (let word = 0; word < STREAM_BYTES / 4; word++) {
      if (word !== StreamWord.epoch) Atomics.store(this.#words, first + word, 0);
    }
    Atomics.add(this.#words, first + StreamWord.epoch, 1);
  }
}

function streamWordIndex(streamId: number): number {
  if (streamId >= MAX_STREAMS)
    throw new RangeError(`stream id ${streamId} is outside 0 to ${MAX_STREAMS - 1}`);
  return (GLOBAL_BYTES + streamId * STREAM_BYTES) / 4;
}
