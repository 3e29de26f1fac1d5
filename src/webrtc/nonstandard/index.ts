/** Raw pictures and sound in and out, under the names that Node programs know. */
export { i420ToRgba, type RawFrame, rgbaToI420 } from "./convert.js";
export { layersOf } from "./layers_of.js";
export { RTCAudioDataEvent, RTCAudioSink, type RTCAudioSinkData } from "./rtc_audio_sink.js";
export { type RTCAudioData, RTCAudioSource } from "./rtc_audio_source.js";
export { RTCVideoFrameEvent, RTCVideoSink, type RTCVideoSinkFrame } from "./rtc_video_sink.js";
export { type RTCVideoFrame, RTCVideoSource, type RTCVideoSourceInit } from "./rtc_video_source.js";
export { RTPPacketEvent, RTPTrackSink } from "./rtp_track_sink.js";
export { RTPTrackSource, type RTPTrackSourceInit } from "./rtp_track_source.js";
export {
  type ReceivedSample,
  SampleEvent,
  SampleTrackSink,
  type SampleTrackSinkOptions,
} from "./sample_track_sink.js";
export { type EncodedSample, SampleTrackSource, type SampleTrackSourceInit } from "./sample_track_source.js";
export type { TrackCodec } from "./track_codec.js";
