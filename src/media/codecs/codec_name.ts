/**
 * Formats the engine knows, by their names in SDP. Their order is their number on the rings: add at the end. Comfort noise (RFC
 * 3389) and telephone-event (RFC 4733) come in streams of sound beside its codec.
 */
export const CODEC_NAMES = [
  "H264",
  "VP8",
  "opus",
  "PCMU",
  "PCMA",
  "CN",
  "telephone-event",
  "VP9",
  "AV1",
  "H265",
  "G722",
] as const;
export type CodecName = (typeof CODEC_NAMES)[number];
/** What the engine encodes and decodes. */
export type VideoCodecName = "H264" | "VP8";
export type AudioCodecName = "opus" | "PCMU" | "PCMA";
/** What it packetizes and puts together, and so passes on. */
export type VideoFormatName = VideoCodecName | "VP9" | "AV1" | "H265";
export type AudioFormatName = AudioCodecName | "G722";

export function isVideoCodec(name: CodecName): name is VideoCodecName {
  return name === "H264" || name === "VP8";
}

export function isAudioCodec(name: CodecName): name is AudioCodecName {
  return name === "opus" || name === "PCMU" || name === "PCMA";
}

export function isVideoFormat(name: CodecName): name is VideoFormatName {
  return isVideoCodec(name) || name === "VP9" || name === "AV1" || name === "H265";
}

export function isAudioFormat(name: CodecName): name is AudioFormatName {
  return isAudioCodec(name) || name === "G722";
}

/** The number that stands for a codec in descriptors. */
export function codecNumber(name: CodecName): number {
  return CODEC_NAMES.indexOf(name);
}

/** The codec of a descriptor's number. */
export function codecOfNumber(number: number): CodecName {
  return CODEC_NAMES[number] ?? CODEC_NAMES[0];
}

/** The codec that an SDP encoding name means, letters of either case (RFC 8866 §6.6); undefined: none of ours. */
export function codecOfName(name: string): CodecName | undefined {
  return CODEC_NAMES.find((known) => known.toLowerCase() === name.toLowerCase());
}
