/** The W3C API and what goes with it. */

export type { RTCDataChannelInit, RTCPriorityType } from "./data_channel_init.js";
export { configureDefaultEngine, defaultEngine, stopDefaultEngine } from "./default_engine.js";
export { type MediaStreamConstraints, OverconstrainedError } from "./devices/constraints.js";
export type { MediaDeviceInfo, MediaDeviceKind } from "./devices/device_list.js";
export type { DisplayMediaStreamOptions } from "./devices/display_opener.js";
export { getUserMedia, MediaDevices, mediaDevices } from "./devices/media_devices.js";
export {
  type DirectParameters,
  type DirectSendStream,
  type DirectStream,
  DirectTransport,
  type DirectTransportOptions,
} from "./direct_transport.js";
export { MediaStream, MediaStreamTrackEvent } from "./media_stream.js";
export {
  createLocalTrack,
  type LocalTrackSource,
  MediaStreamTrack,
  remoteTrackSource,
} from "./media_stream_track.js";
export * as nonstandard from "./nonstandard/index.js";
export { Recorder, type RecorderOptions } from "./recorder.js";
export { certificateFromPem, RTCCertificate } from "./rtc_certificate.js";
export type { RTCConfiguration, RTCIceServer } from "./rtc_configuration.js";
export { RTCDataChannel, type RTCDataChannelState } from "./rtc_data_channel.js";
export { RTCDataChannelEvent } from "./rtc_data_channel_event.js";
export { RTCDtlsTransport } from "./rtc_dtls_transport.js";
export { RTCDTMFSender, RTCDTMFToneChangeEvent } from "./rtc_dtmf_sender.js";
export { RTCError } from "./rtc_error.js";
export { RTCErrorEvent, RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent } from "./rtc_events.js";
export { RTCIceCandidate, type RTCIceCandidateInit } from "./rtc_ice_candidate.js";
export { RTCIceCandidatePair, RTCIceTransport } from "./rtc_ice_transport.js";
export {
  mediaTransportOf,
  type RTCOfferOptions,
  RTCPeerConnection,
  whenClosed,
} from "./rtc_peer_connection.js";
export type * from "./rtc_rtp_parameters.js";
export { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
export { RTCRtpSender } from "./rtc_rtp_sender.js";
export type { RTCRtpContributingSource, RTCRtpSynchronizationSource } from "./rtc_rtp_sources.js";
export {
  RTCRtpTransceiver,
  type RTCRtpTransceiverDirection,
  type RTCRtpTransceiverInit,
} from "./rtc_rtp_transceiver.js";
export { RTCSctpTransport } from "./rtc_sctp_transport.js";
export { RTCSessionDescription, type RTCSessionDescriptionInit } from "./rtc_session_description.js";
export { type RTCSettings, setDefaultTransportFactory } from "./rtc_settings.js";
export type * from "./rtc_stats.js";
export { RTCStatsReport } from "./rtc_stats_report.js";
export { RTCTrackEvent } from "./rtc_track_event.js";
export {
  RTCEncodedAudioFrame,
  RTCEncodedVideoFrame,
} from "./transforms/encoded_frames.js";
export { RTCRtpScriptTransform } from "./transforms/rtc_rtp_script_transform.js";
export {
  type RTCRtpScriptTransformer,
  RTCTransformEvent,
  transformScope,
} from "./transforms/transform_scope.js";
