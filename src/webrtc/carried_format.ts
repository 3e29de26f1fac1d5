/** Tracks that come encoded: what they are in has to be negotiated, since nothing here could turn it into anything else. */
import { type CodecName, codecOfName, isAudioCodec, isVideoCodec } from "../media/codecs/codec_name.js";
import type { EncodedFormat } from "../media/inputs/encoded_input.js";
import { type CodecCapability, capabilitiesOf } from "../protocol/sdp/codec_capabilities.js";
import { type AgreedCodec, codecsMatch, isAuxiliary, isH264 } from "../protocol/sdp/codec_negotiation.js";
import { parseH264Fmtp } from "../protocol/sdp/h264_fmtp.js";
import type { NegotiatedMedia } from "../protocol/sdp/negotiated_media.js";
import { internals } from "./internals.js";
import type { MediaStreamTrack } from "./media_stream_track.js";

/** What the track comes in; undefined for one that is encoded here. */
export function carriedFormat(track: MediaStreamTrack | null): EncodedFormat | undefined {
  const input = track?.[internals].shared.source?.input;
  return input?.isEncoded ? input.format : undefined;
}

/**
 * The codecs to negotiate for a transceiver that sends `track`: the usual ones, and the track's where it is none of them. Before
 * the others if nothing is to be received: the peer could send back what it names first.
 */
export function withCarried(
  codecs: readonly CodecCapability[],
  track: MediaStreamTrack | null,
  isSendOnly: boolean,
): readonly CodecCapability[] {
  const format = carriedFormat(track);
  if (format === undefined) return codecs;
  const known = codecs.find((codec) => isFormat(codec, format));
  const carried = known ?? capabilityOf(format);
  if (carried === undefined || (known !== undefined && !isSendOnly)) return codecs;
  if (isSendOnly) return [carried, ...codecs.filter((codec) => codec !== known)];
  const firstAuxiliary = codecs.findIndex(isAuxiliary);
  const at = firstAuxiliary < 0 ? codecs.length : firstAuxiliary;
  return [...codecs.slice(0, at), carried, ...codecs.slice(at)];
}

export interface MediaCodec extends AgreedCodec {
  readonly codec: CodecName;
}

/** What carries media (not what repairs it), by the engine's names. */
export function mediaCodecs({ codecs }: NegotiatedMedia): MediaCodec[] {
  return codecs.flatMap((agreed) => {
    const codec = codecOfName(agreed.remote.name);
    return codec === undefined ? [] : [{ ...agreed, codec }];
  });
}

/** In what the track is sent: the first that we can encode, or what it comes in; undefined: nothing was agreed on that can carry it. */
export function sentCodec(
  track: MediaStreamTrack | null,
  negotiated: NegotiatedMedia,
): MediaCodec | undefined {
  const codecs = mediaCodecs(negotiated);
  const format = carriedFormat(track);
  if (format !== undefined) return codecCarrying(codecs, format);
  return codecs.find(({ codec }) => isVideoCodec(codec) || isAudioCodec(codec));
}

function codecCarrying(agreed: readonly MediaCodec[], format: EncodedFormat): MediaCodec | undefined {
  const matching = agreed.filter(({ codec, remote }) => codec === format.codec && sameClock(remote, format));
  const exact = matching.find(({ remote }) =>
    format.fmtp === undefined ? !isSmallNal(remote) : codecsMatch(remote, identityOf(format)),
  );
  // A decoder of one H.264 profile mostly takes another, and one without fragments takes small pictures.
  return exact ?? (format.fmtp === undefined || format.codec === "H264" ? matching[0] : undefined);
}

function isFormat(codec: CodecCapability, format: EncodedFormat): boolean {
  if (format.fmtp !== undefined) return codecsMatch(codec, identityOf(format));
  return codec.name === format.codec && sameClock(codec, format);
}

function capabilityOf({ codec, fmtp }: EncodedFormat): CodecCapability | undefined {
  if (codec === "CN" || codec === "telephone-event") return undefined;
  const [capability] = capabilitiesOf(codec);
  if (fmtp === undefined) return capability;
  const { preferredPayloadType: _another, ...rest } = capability;
  return { ...rest, fmtp };
}

function sameClock(
  { clockRate, channels = 1 }: { readonly clockRate: number; readonly channels?: number },
  format: EncodedFormat,
): boolean {
  return clockRate === format.clockRate && channels === (format.channels ?? 1);
}

function identityOf({ codec, clockRate, channels, fmtp }: EncodedFormat) {
  return {
    name: codec,
    clockRate,
    ...(channels !== undefined && { channels }),
    ...(fmtp !== undefined && { fmtp }),
  };
}

/** RFC 6184 §6.2: packetization mode 0 has no fragments. */
function isSmallNal(codec: {
  readonly name: string;
  readonly clockRate: number;
  readonly fmtp?: string;
}): boolean {
  return isH264(codec) && parseH264Fmtp(codec.fmtp)?.packetizationMode === 0;
}
