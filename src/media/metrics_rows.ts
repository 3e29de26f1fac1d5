/**
 * Which counter is which in the metrics table, and which thread writes it. One row per worker, {@link STREAM_ROWS}
 * rows per stream, one per transport.
 */

import type { WorkerName } from "./engine_messages.js";
import { WORKER_NAMES } from "./engine_messages.js";
import { MAX_STREAMS } from "./ring/control_block.js";

/** Transports an engine can hold at once. */
export const MAX_TRANSPORTS = 64;

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

/** A send stream's row 0, written by the sender. */
export const SendCounter = {
  packetsSent: 0,
  bytesSent: 1,
  framesSent: 2,
  keyframesSent: 3,
  retransmitted: 4,
  droppedFrames: 5,
} as const;

/** A send stream's row 1, written by the rtcp thread from the peer's feedback. */
export const SendReportCounter = {
  nackCount: 0,
  pliCount: 1,
  firCount: 2,
  remoteLost: 3,
  remoteFractionLost: 4,
  remoteJitterUs: 5,
  rttUs: 6,
} as const;

/** A receive stream's row 0, written by the receiver. */
export const ReceiveCounter = {
  ssrc: 0,
  packetsReceived: 1,
  bytesReceived: 2,
  packetsDiscarded: 3,
  packetsDuplicated: 4,
  framesReceived: 5,
  framesDropped: 6,
  packetsLost: 7,
  fractionLost: 8,
  extendedHighestSequenceNumber: 9,
  jitterUs: 10,
} as const;

/** A receive stream's row 1, written by the decoder (video) or the speaker (audio). */
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
} as const;

/** Latency histograms of a receive stream's row 1. */
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

/** A receive stream's row 2, written by the rtcp thread. */
export const ReceiveReportCounter = {
  nackCount: 0,
  pliCount: 1,
  firCount: 2,
  rttUs: 3,
} as const;

/** A transport's row, written by the sender: everything that leaves but ICE and DTLS. */
export const TransportCounter = { packetsSent: 0, bytesSent: 1, sendErrors: 2 } as const;

/** Rows per stream id. */
export const STREAM_ROWS = 3;

/** Rows of the whole table. */
export const METRICS_ROWS = WORKER_NAMES.length + MAX_STREAMS * STREAM_ROWS + MAX_TRANSPORTS;

/** Index of a worker's own row. */
export function workerRow(name: WorkerName): number {
  return WORKER_NAMES.indexOf(name);
}

/** Index of row `part` (0 to 2) of a stream. */
export function streamRow(streamId: number, part: 0 | 1 | 2): number {
  return WORKER_NAMES.length + streamId * STREAM_ROWS + part;
}

/** Index of a transport's row; `slot` is the transport's place in the engine, below {@link MAX_TRANSPORTS}. */
export function transportRow(slot: number): number {
  return WORKER_NAMES.length + MAX_STREAMS * STREAM_ROWS + slot;
}
