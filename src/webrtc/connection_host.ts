/** What a peer connection's parts may ask of it. */
import type { MediaKind } from "../media/transport_api.js";
import type { CodecCapability } from "../protocol/sdp/codec_capabilities.js";
import type { OperationsChain } from "./operations_chain.js";
import type { RTCRtpContributingSource, RTCRtpSynchronizationSource } from "./rtc_rtp_sources.js";
import type { RTCStatsReport } from "./rtc_stats_report.js";
import type { StreamSource } from "./stream_source.js";

export interface ConnectionHost {
  readonly isClosed: boolean;
  readonly operations: OperationsChain;
  readonly cname: string;
  /** WebRTC 1.0 §4.7.3 "update the negotiation-needed flag". */
  updateNegotiationNeeded(): void;
  /** Makes the engine's streams what descriptions, tracks and parameters say. */
  syncMedia(): void;
  /** Sources for one more stream (RFC 3550 §8): random, and no others of this session. */
  newSource(): StreamSource;
  capabilities(kind: MediaKind): readonly CodecCapability[];
  /** @param selector - a sender or a receiver of the connection. */
  statsOf(selector: object): Promise<RTCStatsReport>;
  /** WebRTC 1.0 §4.3.3. */
  readonly isConnected: boolean;
  /** Sends a key of a telephone for so long in a section's stream. */
  sendTone(mid: string, event: number, durationMs: number): void;
  /** What was last received of a section; null: nothing yet. */
  sourceOf(mid: string): RTCRtpSynchronizationSource | null;
  /** Who was mixed into it, the latest first. */
  contributorsOf(mid: string): RTCRtpContributingSource[];
}
