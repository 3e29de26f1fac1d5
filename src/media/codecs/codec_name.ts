/** Codecs the engine knows, by their names in SDP. Their order is their number on the rings: add at the end. */
export const CODEC_NAMES = ["H264", "VP8", "opus"] as const;
export type CodecName = (typeof CODEC_NAMES)[number];
export type VideoCodecName = "H264" | "VP8";
export type AudioCodecName = Exclude<CodecName, VideoCodecName>;

export function isVideoCodec(name: CodecName): name is VideoCodecName {
  return name === "H264" || name === "VP8";
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
