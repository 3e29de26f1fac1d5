import { codecOfName, isAudioFormat, isVideoFormat } from "../../media/codecs/codec_name.js";
import type { EncodedFormat } from "../../media/inputs/encoded_input.js";
import type { MediaKind } from "../../media/transport_api.js";
import { capabilitiesOf } from "../../protocol/sdp/codec_capabilities.js";

/** What a track comes in. */
export interface TrackCodec {
  /** "video/H264", "video/VP8", "video/VP9", "video/AV1", "video/H265", "audio/opus", "audio/PCMU", "audio/PCMA" or "audio/G722". */
  readonly mimeType: string;
  /** As the format has it when absent; anything else is refused. */
  readonly clockRate?: number;
  readonly channels?: number;
  /** Parameters of the format, where they matter: a profile. Absent: whatever of the format was agreed on. */
  readonly sdpFmtpLine?: string;
}

export interface TrackFormat extends EncodedFormat {
  readonly kind: MediaKind;
}

/** @throws TypeError for a format that cannot be packetized here, or parameters that it does not have. */
export function trackFormat(codec: TrackCodec | undefined): TrackFormat {
  const mimeType = String(codec?.mimeType);
  const [kind, name = ""] = mimeType.split("/");
  const known = codecOfName(name);
  if (known === undefined || known === "CN" || known === "telephone-event") throw unknownFormat(mimeType);
  const ofKind = kind === "video" ? isVideoFormat(known) : kind === "audio" && isAudioFormat(known);
  if (!ofKind) throw unknownFormat(mimeType);
  const [{ clockRate, channels, kind: itsKind }] = capabilitiesOf(known);
  checkNumber("clockRate", codec?.clockRate, clockRate);
  checkNumber("channels", codec?.channels, channels ?? 1);
  const fmtp = codec?.sdpFmtpLine;
  return {
    kind: itsKind,
    codec: known,
    clockRate,
    ...(channels !== undefined && { channels }),
    ...(fmtp !== undefined && fmtp !== "" && { fmtp: String(fmtp) }),
  };
}

function unknownFormat(mimeType: string): TypeError {
  return new TypeError(`codec.mimeType is ${mimeType}, which cannot be packetized here`);
}

function checkNumber(what: string, given: number | undefined, itsOwn: number): void {
  if (given === undefined || given === itsOwn) return;
  throw new TypeError(`codec.${what} is ${given}, the format has ${itsOwn}`);
}
