/** What the parent of `npm run bench -- data` and its two ends say to each other. */
import type { RTCIceCandidateInit } from "../src/webrtc/index.js";

export type Role = "sender" | "receiver";

export type Said =
  | { readonly description: { readonly type: "offer" | "answer"; readonly sdp: string } }
  | { readonly candidate: RTCIceCandidateInit };

export type Order =
  | { readonly type: "open" | "video" | "cpu" | "end" }
  /** The next bytes are a transfer, not pings. */
  | { readonly type: "expect" | "bulk"; readonly bytes: number }
  | { readonly type: "ping"; readonly count: number };

export interface VideoFigures {
  readonly framesSent: number;
  readonly framesDecoded: number;
  /** Capture to decoded, since the call began. */
  readonly p50Us: number;
  readonly p99Us: number;
}

export type Report = null | number | number[] | VideoFigures;
