/**
 * Which counter is which in the metrics table, and which thread writes it. One row per worker, one per
 * receive stream.
 */

import type { WorkerName } from "./engine_messages.js";
import { WORKER_NAMES } from "./engine_messages.js";
import { MAX_STREAMS } from "./ring/control_block.js";

/** Every worker's own row. */
export const WorkerCounter = {
  wakeups: 0,
  cpuUs: 1,
  /** Frames (camera: captured; encoder: encoded; microphone: packets made; decoder: decoded). */
  frames: 2,
  keyframes: 3,
  bytes: 4,
  /** Camera: no free slot; encoder: frames skipped for newer ones, no free slot, rate control. */
  droppedNewer: 5,
  droppedFull: 6,
  droppedRate: 7,
  errors: 8,
  width: 9,
  height: 10,
  frameRate: 11,
} as const;

/** Latency histograms of the worker rows. */
export const WorkerHistogram = {
  /** The stage's own work on one frame (camera: capture and convert; encoder: encode; decoder: decode). */
  work: 0,
  /** From the producer's publish to this stage's start. */
  hop: 1,
  /** Encoder: capture to encoded. Decoder: complete to decoded. Sender: capture to sent. */
  sinceCapture: 2,
  /** Decoder: decoded to presented. */
  presented: 3,
} as const;

/** A receive stream's row, written by the decoder (video) or the speaker (audio). */
export const PlayoutCounter = {
  framesDecoded: 0,
  framesDropped: 1,
  keyframesDecoded: 2,
  width: 3,
  height: 4,
  decodeErrors: 5,
  framesPresented: 6,
  /** Audio: */
  concealedSamples: 7,
  fecPackets: 8,
  toneHz: 9,
  packetsReceived: 10,
  packetsLate: 11,
  /** Current target delay of the jitter buffer. */
  targetDelayUs: 12,
  /** Sums over what left the jitter buffer (pictures, or samples): how many, how long each was in it, should have been, had to be. */
  emitted: 13,
  bufferedUs: 14,
  targetUs: 15,
  minimumUs: 16,
  /** Pictures: sums of the time to decode, and from the first packet to decoded. */
  decodeUs: 17,
  processingUs: 18,
  framesPerSecond: 19,
  /** Of the last decoded picture; monotonic. */
  lastFrameUs: 20,
  /** Pictures of several packets, and the time from their first packet to their last. */
  assembledFrames: 21,
  assemblyUs: 22,
  /** How evenly pictures are shown (stages/picture_pace.ts); the squares in s². */
  interFrameUs: 23,
  squaredInterFrame: 24,
  freezes: 25,
  freezesUs: 26,
  pauses: 27,
  pausesUs: 28,
  /** The sender's clock at capture of what was presented last (µs since 1970), and when that was (monotonic). */
  presentedWallUs: 29,
  presentedUs: 30,
  /** Sound: samples a channel. */
  samples: 31,
  silentConcealedSamples: 32,
  concealmentEvents: 33,
  insertedSamples: 34,
  removedSamples: 35,
  /** 0 to 1; seconds times squared level. */
  audioLevel: 36,
  audioEnergy: 37,
  /** The playout clock had to be set anew: how often, and the time that was passed over. */
  playoutGlitches: 38,
  playoutGlitchUs: 39,
  /** Sum of the quantizers of decoded pictures. */
  qpSum: 40,
  /** Pictures that nobody wanted to see, or that came in a codec that is only passed on. */
  framesNotDecoded: 41,
} as const;

/** Latency histograms of a receive stream's row. */
export const PlayoutHistogram = {
  /** The sender's capture to decoded (video), where the capture time is known. */
  captureToDecoded: 0,
  /** First packet's arrival to complete. */
  arrivalToComplete: 1,
  /** Complete to decoded. */
  completeToDecoded: 2,
  /** Decoded to presented. */
  decodedToPresented: 3,
} as const;

/** Rows of the whole table. */
export const METRICS_ROWS = WORKER_NAMES.length + MAX_STREAMS;

/** Index of a worker's own row. */
export function workerRow(name: WorkerName): number {
  return WORKER_NAMES.indexOf(name);
}

/** Index of a receive stream's row. What the transport's threads count lies in session/stream_counters.ts. */
export function streamRow(streamId: number): number {
  return WORKER_NAMES.length + streamId;
}
