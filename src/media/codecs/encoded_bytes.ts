/** What encoded bytes say of themselves before anything is decoded. */
import { isAv1Keyframe } from "../../protocol/av1/obu.js";
import { g722DurationUs } from "../../protocol/g722/g722.js";
import { isKeyframe } from "../../protocol/h264/nal_unit.js";
import { isH265Keyframe } from "../../protocol/h265/nal_unit.js";
import { opusPacketSamples } from "../../protocol/opus/toc.js";
import { isVp8Keyframe } from "../../protocol/vp8/frame_header.js";
import { isVp9Keyframe } from "../../protocol/vp9/frame_header.js";
import type { AudioFormatName, VideoFormatName } from "./codec_name.js";

const keyframeTests: Readonly<Record<VideoFormatName, (data: Uint8Array) => boolean>> = {
  H264: (data) => isKeyframe(data),
  H265: (data) => isH265Keyframe(data),
  VP8: (data) => data.length > 0 && isVp8Keyframe(data, 0),
  VP9: (data) => isVp9Keyframe(data, 0, data.length),
  AV1: (data) => isAv1Keyframe(data),
};

/** Whether a decoder can begin with this access unit or frame. */
export function isKeyframeOf(codec: VideoFormatName, data: Uint8Array): boolean {
  return keyframeTests[codec](data);
}

/** 64 kbit/s: eight octets a millisecond. */
const g711DurationUs = g722DurationUs;

const durations: Readonly<Record<AudioFormatName, (data: Uint8Array) => number>> = {
  opus: (data) => (opusPacketSamples(data, 0, data.length) * 1e6) / 48_000,
  PCMU: (data) => g711DurationUs(data.length),
  PCMA: (data) => g711DurationUs(data.length),
  G722: (data) => g722DurationUs(data.length),
};

/** How long a packet of sound lasts; 0: it cannot be told. */
export function soundDurationUs(codec: AudioFormatName, data: Uint8Array): number {
  return durations[codec](data);
}
