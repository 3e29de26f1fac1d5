/** What one peer, and a measured call of two, says of itself: the JSON of `roomrtc client --json` and `demo --json`. */
import type { LatencySummary } from "../media/transport_api.js";
import type { CallEndCode } from "./call_errors.js";

export interface SentReport {
  readonly framesCaptured: number;
  readonly framesEncoded: number;
  readonly audioPacketsSent: number;
}

export interface ReceivedReport {
  readonly video: {
    readonly width: number;
    readonly height: number;
    readonly framesDecoded: number;
    readonly framesDropped: number;
    readonly bitrateBps: number;
    /** Capture at the sender to decoded frame here, in µs. */
    readonly latencyUs: Omit<LatencySummary, "count">;
  };
  readonly audio: {
    readonly packetsReceived: number;
    readonly packetsLost: number;
    readonly packetsDecoded: number;
    /** The strongest frequency that the receiver heard; 0: silence. */
    readonly toneHz: number;
  };
}

/** Where a frame's time went in one thread, in µs: waiting for it, and its own work. */
export interface StageReport {
  readonly hop: { readonly p50: number; readonly p99: number };
  readonly work: { readonly p50: number; readonly p99: number };
}

/** `roomrtc client --json`. */
export interface PeerReport {
  readonly ok: boolean;
  readonly user: string;
  readonly peer: string;
  /** Why the call ended, or did not begin. */
  readonly reason: string;
  /** The stable code of that reason; empty while the call goes on. */
  readonly code: CallEndCode | "";
  /** From the offer (made or received) to the first decoded frame, in ms. */
  readonly setupMs: number;
  readonly pair: { readonly local: string; readonly remote: string } | null;
  readonly dtls: string;
  readonly srtpProfile: string;
  readonly sent: SentReport;
  readonly received: ReceivedReport;
  /** By thread name, over the life of the engine. */
  readonly stages: Readonly<Record<string, StageReport>>;
  /** Of the whole process, from the first decoded frame (or the connection, without one) to the end. */
  readonly cpuSeconds: number;
  /** The span that cpuSeconds covers. */
  readonly seconds: number;
  readonly rssBytes: number;
}

/** `roomrtc demo --json`. */
export interface CallReport {
  readonly ok: boolean;
  readonly setupMs: number;
  readonly pair: PeerReport["pair"];
  readonly dtls: string;
  readonly srtpProfile: string;
  readonly directions: readonly {
    readonly from: string;
    readonly to: string;
    readonly video: {
      readonly framesCaptured: number;
      readonly framesEncoded: number;
    } & ReceivedReport["video"];
    readonly audio: { readonly packetsSent: number } & ReceivedReport["audio"];
  }[];
  /** Of the caller, then of the callee. */
  readonly stages: readonly PeerReport["stages"][];
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly rssBytes: number;
}

function direction(from: PeerReport, to: PeerReport): CallReport["directions"][number] {
  const { framesCaptured, framesEncoded, audioPacketsSent } = from.sent;
  return {
    from: from.user,
    to: to.user,
    video: { framesCaptured, framesEncoded, ...to.received.video },
    audio: { packetsSent: audioPacketsSent, ...to.received.audio },
  };
}

/** Joins both ends' reports: ok where both directions carried decoded picture and sound. */
export function joinReports(caller: PeerReport, callee: PeerReport): CallReport {
  const directions = [direction(caller, callee), direction(callee, caller)];
  return {
    ok: directions.every(({ video, audio }) => video.framesDecoded > 0 && audio.packetsDecoded > 0),
    setupMs: caller.setupMs,
    pair: caller.pair,
    dtls: caller.dtls,
    srtpProfile: caller.srtpProfile,
    directions,
    stages: [caller.stages, callee.stages],
    cpuSeconds: caller.cpuSeconds + callee.cpuSeconds,
    seconds: caller.seconds,
    rssBytes: caller.rssBytes + callee.rssBytes,
  };
}
