/**
 * The one definition of everything that lies in shared memory between threads. `scripts/generate-layout.mjs` writes
 * native/core/ring_layout.h from it, and the lint step checks that the header is fresh.
 *
 * Every block starts with a 64-byte header; words that different threads write never share a cache line.
 */

/** Bytes of a cache line on the processors we run on. */
export const CACHE_LINE_BYTES = 64;

/** Word (int32) indices of a single-producer single-consumer ring. `head` and `tail` are free-running u32. */
export const RingLayout = {
  magic: 0,
  /** Records; a power of two. */
  capacity: 1,
  /** 32-bit words a record; even, so that float64 fields stay aligned. */
  recordWords: 2,
  /** Records ever written (producer's line). */
  head: 16,
  /** Records ever read (consumer's line). */
  tail: 32,
  data: 48,
} as const;

/** "RNG1" in memory order. */
export const RING_MAGIC = 0x31474e52;

/** Int32 word indices of a descriptor record. */
export const DescriptorWord = {
  slot: 0,
  generation: 1,
  byteLength: 2,
  flags: 3,
  width: 4,
  height: 5,
  strideY: 6,
  strideU: 7,
  strideV: 8,
  offsetY: 9,
  offsetU: 10,
  offsetV: 11,
  streamId: 12,
  frameNumber: 13,
  rtpTimestamp: 14,
  tag: 15,
} as const;

/** Float64 indices within a descriptor record (they follow the 16 words). */
export const DescriptorFloat = {
  captureTimeUs: 8,
  enqueuedUs: 9,
  arrivalUs: 10,
  completeUs: 11,
  playoutUs: 12,
  captureWallUs: 13,
  durationUs: 14,
  codec: 15,
} as const;

/** 128 bytes: two cache lines. */
export const DESCRIPTOR_WORDS = 32;

/** Bits of a descriptor's flags. */
export const DescriptorFlag = {
  /** The access unit is an IDR picture with its parameter sets. */
  keyframe: 1,
  /** RTP marker bit. */
  marker: 4,
  /** Of a picture, two bits: quarter turns clockwise before it is shown. */
  quarterTurn: 8,
  /** Of encoded sound, eight bits: its level as the header extension writes it (RFC 6464). */
  audioLevel: 0x100,
  /** Of an encoded picture, the same eight bits: one more than its quantizer; 0: not known. */
  quantizer: 0x100,
  /** What the application pushed is a whole RTP packet. */
  packet: 0x10000,
} as const;

/** Int32 word indices of a doorbell (one cache line). */
export const DoorbellWord = {
  /** Rings so far; the futex word. */
  sequence: 0,
  /** 1 while the owner sleeps or is about to. */
  waiting: 1,
  /** Eventfd to write to, plus one; 0: the owner sleeps in Atomics.wait. */
  eventFd: 2,
  /** Control messages posted so far. */
  control: 3,
  words: 16,
} as const;

/** Owners of a frame-pool slot, as its state word says. */
export const SlotState = { free: 0, producer: 1, queued: 2, consumer: 3 } as const;

/** Words a slot has in the pool's state block: its state and its generation. */
export const SlotWord = { state: 0, generation: 1, words: 2 } as const;
