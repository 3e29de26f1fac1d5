/**
 * The public API of RoomRTC:
 *
 * - WebRTC in W3C names (`RTCPeerConnection` and its family) over a {@link MediaEngine}
 * - the media engine: sources, sinks, statistics of every thread
 * - signaling: the server ({@link createServer}), the client ({@link SignalingClient}), the rules of a call
 *   ({@link CallController}) and a whole terminal ({@link Peer})
 * - files of encoded media and captured packets ({@link files})
 * - exchanging descriptions without a signaling server: by hand, or over HTTP ({@link serveOffers})
 * - the configuration of `room_rtc.conf`
 */
import * as webrtc from "./webrtc/index.js";

export { Call, type CallConnection, type CallEnd, type CallState } from "./client/call.js";
export { CallController, type CallControllerOptions } from "./client/call_controller.js";
export { type CallEndCode, CallError } from "./client/call_errors.js";
export { Peer, type PeerOptions } from "./client/peer.js";
export type { CallReport, PeerReport } from "./client/report.js";
export { ConfigError, type ConfigErrorCode, loadConfig, type Override, parseConfig } from "./config/load.js";
export type { Config } from "./config/schema.js";
export * from "./exchange/index.js";
export { type BlockCode, readBlockCode } from "./media/analysis/block_code.js";
export { MediaEngine, type MediaEngineOptions, type WorkerFailure } from "./media/engine.js";
export type { EngineStats, WorkerStats } from "./media/engine_stats.js";
export * as files from "./media/files/index.js";
export type { IceTimeSettings, InterfaceSettings, Nat1To1Settings } from "./media/ice_settings.js";
export type {
  InterceptedStream,
  PassingPacket,
  RtpInterceptor,
  RtpInterceptorFactory,
} from "./media/interceptors/interceptor.js";
export { MediaError } from "./media/media_error.js";
export type { RecordingSummary } from "./media/recording/recorder_worker.js";
export { SettingsError } from "./media/settings_error.js";
export {
  type AudioSinkSpec,
  type AudioSourceSpec,
  parseAudioSource,
  parseVideoSink,
  parseVideoSource,
  type VideoSinkSpec,
  type VideoSourceSpec,
} from "./media/source_spec.js";
export type {
  DataEvent,
  LatencySummary,
  MediaTransport,
  MediaTransportEvents,
  OpenChannel,
  TransportSettings,
  TransportStats,
} from "./media/transport_api.js";
export { ServerError } from "./server/errors.js";
export { createServer, type RoomServer, type RoomServerOptions } from "./server/room_server.js";
export { SignalingClient, type SignalingClientOptions } from "./signaling/client.js";
export { SignalingClientError, SignalingError } from "./signaling/errors.js";
export * from "./webrtc/index.js";

/** The W3C API in one object, for programs that `import wrtc from` a package of that kind. */
export default webrtc;
