/** What encoded bytes say of themselves before anything is decoded. */
import { isAv1Keyframe } from "../../protocol/av1/obu.js";
import { isKeyframe } from "../../protocol/h264/nal_unit.js";
import { isH265Keyframe } from "../../protocol/h265/nal_unit.js";
import { opusPacketSamples } from "../../protocol/opus/toc.js";
import { isVp8Keyframe } from "../../protocol/vp8/frame_header.js";
import { isVp9Keyframe } from "../../protocol/vp9/frame_header.js";
import { type AudioFormatName, type CodecName, isAudioFormat, type VideoFormatName } from "./codec_name.js";

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

/** G.711 and G.722: eight octets a millisecond (RFC 3551 §4.5.2, §4.5.14). */
const OCTETS_PER_MS = 8;
/** A packet's share where no other was agreed on (RFC 3551 §4.2). */
const PACKET_OCTETS = 20 * OCTETS_PER_MS;
/** Who writes packets makes them no longer than this. */
const LONGEST_PACKET_OCTETS = 60 * OCTETS_PER_MS;

const octetsDurationUs = (data: Uint8Array) => (data.length * 1000) / OCTETS_PER_MS;

const durations: Readonly<Record<AudioFormatName, (data: Uint8Array) => number>> = {
  opus: (data) => (opusPacketSamples(data, 0, data.length) * 1e6) / 48_000,
  PCMU: octetsDurationUs,
  PCMA: octetsDurationUs,
  G722: octetsDurationUs,
};

/** How long a packet of sound lasts; 0: it cannot be told. */
export function soundDurationUs(codec: AudioFormatName, data: Uint8Array): number {
  return durations[codec](data);
}

/** The packets that a sample becomes: one, but of sound whose octets are all alike a long stretch is cut. */
export function packetsOf(codec: CodecName, data: Uint8Array): Uint8Array[] {
  const isPacket = !isAudioFormat(codec) || codec === "opus" || data.length <= LONGEST_PACKET_OCTETS;
  if (isPacket) return [data];
  const packets: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += PACKET_OCTETS) packets.push(data.subarray(at, at + PACKET_OCTETS));
  return packets;
}
