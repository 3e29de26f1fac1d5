import type { MediaKind } from "../media/transport_api.js";
import {
  audioCapabilities,
  type CodecCapability,
  extensionsOf,
  extensionUris,
  videoCapabilities,
} from "../protocol/sdp/codec_capabilities.js";
import { codecsMatch, isAuxiliary, isH264 } from "../protocol/sdp/codec_negotiation.js";
import { sameParameters } from "../protocol/sdp/fmtp.js";
import { domError } from "./dom_error.js";
import {
  findCapability,
  type RTCRtpCapabilities,
  type RTCRtpCodec,
  toRtpCodec,
} from "./rtc_rtp_parameters.js";
import type { RTCSettings } from "./rtc_settings.js";

/** RFC 8285 extensions offered unless the settings say otherwise. */
export const defaultHeaderExtensions: readonly string[] = [
  extensionUris.mid,
  extensionUris.absCaptureTime,
  extensionUris.transportCc,
  extensionUris.absSendTime,
  extensionUris.audioLevel,
  extensionUris.videoOrientation,
  extensionUris.playoutDelay,
  extensionUris.rid,
  extensionUris.repairedRid,
];

/** What is offered for a kind, by the settings. */
export function codecCapabilities(kind: MediaKind, settings: RTCSettings): readonly CodecCapability[] {
  if (kind === "audio") return audioCapabilities(settings.audio);
  return videoCapabilities(settings.video);
}

/** `getCapabilities` of sender and receiver: the same here, since what is encoded can be decoded. */
export function defaultCapabilities(kind: string): RTCRtpCapabilities | null {
  if (kind !== "audio" && kind !== "video") return null;
  // What is only answered is nothing to prefer.
  const codecs = codecCapabilities(kind, {}).filter(({ answersOnly }) => answersOnly !== true);
  return {
    codecs: codecs.map((codec) => toRtpCodec(kind, codec)),
    headerExtensions: extensionsOf(kind, defaultHeaderExtensions).map((uri) => ({ uri })),
  };
}

/** Whether the format parameters are those of the capability as it is, or as `getCapabilities` told it; or left out. */
function hasParametersOf({ sdpFmtpLine }: RTCRtpCodec, capability: CodecCapability): boolean {
  // What of H.264 must be the same was compared: levels need not (RFC 6184 §8.2.2).
  if (sdpFmtpLine === undefined || isH264(capability)) return true;
  const told = codecCapabilities(capability.kind, {}).filter((other) => codecsMatch(other, capability));
  return [capability, ...told].some(({ fmtp }) => sameParameters(fmtp, sdpFmtpLine));
}

/**
 * Checks a setCodecPreferences argument (WebRTC 1.0 §5.4).
 *
 * @throws InvalidModificationError for a codec that is not among the capabilities, or none but what goes beside one.
 */
export function preferredCapabilities(
  codecs: readonly RTCRtpCodec[],
  capabilities: readonly CodecCapability[],
): readonly CodecCapability[] {
  const chosen = codecs.map((codec) => {
    const capability = findCapability(capabilities, codec);
    if (capability !== undefined && hasParametersOf(codec, capability)) return capability;
    throw domError("InvalidModificationError", `${codec.mimeType} is not among the capabilities`);
  });
  if (chosen.length > 0 && chosen.every(isAuxiliary)) {
    throw domError(
      "InvalidModificationError",
      "There is no codec among those preferred, only what goes beside one",
    );
  }
  return [...new Set(chosen)];
}
