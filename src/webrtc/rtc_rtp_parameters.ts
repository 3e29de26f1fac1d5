/** The RTP parameter dictionaries (WebRTC 1.0 §5.2) and their checks. */
import type { MediaKind } from "../media/transport_api.js";
import type { CodecCapability } from "../protocol/sdp/codec_capabilities.js";
import { codecsMatch } from "../protocol/sdp/codec_negotiation.js";
import type { SdpCodec } from "../protocol/sdp/sdp_model.js";
import { MAX_LAYERS } from "../protocol/sdp/simulcast.js";
import { domError } from "./dom_error.js";

export interface RTCRtpCodec {
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels?: number;
  readonly sdpFmtpLine?: string;
}

export interface RTCRtpCodecParameters extends RTCRtpCodec {
  readonly payloadType: number;
}

export interface RTCRtpHeaderExtensionCapability {
  readonly uri: string;
}

export interface RTCRtpCapabilities {
  readonly codecs: RTCRtpCodec[];
  readonly headerExtensions: RTCRtpHeaderExtensionCapability[];
}

export interface RTCRtpHeaderExtensionParameters {
  readonly uri: string;
  readonly id: number;
  readonly encrypted: boolean;
}

export interface RTCRtcpParameters {
  readonly cname?: string;
  readonly reducedSize?: boolean;
}

/** WebRTC Priority Control §3. */
export type RTCPriorityType = (typeof priorities)[number];
const priorities = ["very-low", "low", "medium", "high"] as const;

/** What to give up when there is not enough of all (Media Capture Content Hints §6). */
export type RTCDegradationPreference = (typeof degradations)[number];
const degradations = [
  "maintain-framerate",
  "maintain-resolution",
  "balanced",
  "maintain-framerate-and-resolution",
] as const;

/** One encoding of a sender. Changed by the application between getParameters and setParameters. */
export interface RTCRtpEncodingParameters {
  active?: boolean;
  /** Bits a second. */
  maxBitrate?: number;
  maxFramerate?: number;
  /** 1 or more; video only. */
  scaleResolutionDownBy?: number;
  rid?: string;
  /** Kept and told; the engine gives all streams alike what they ask for. */
  priority?: RTCPriorityType;
  /** Kept and told; packets carry no mark of it. */
  networkPriority?: RTCPriorityType;
}

export interface RTCRtpParameters {
  readonly headerExtensions: RTCRtpHeaderExtensionParameters[];
  readonly rtcp: RTCRtcpParameters;
  readonly codecs: RTCRtpCodecParameters[];
}

export interface RTCRtpSendParameters extends RTCRtpParameters {
  readonly transactionId: string;
  encodings: RTCRtpEncodingParameters[];
  /** Kept and told: the engine lowers neither the frame rate nor the size by itself. */
  degradationPreference?: RTCDegradationPreference;
}

export type RTCRtpReceiveParameters = RTCRtpParameters;

export function toRtpCodec(kind: MediaKind, codec: CodecCapability | SdpCodec): RTCRtpCodec {
  return {
    mimeType: `${kind}/${codec.name}`,
    clockRate: codec.clockRate,
    // RFC 8866 §6.6: sound without a number has one channel.
    ...(kind === "audio" && { channels: codec.channels ?? 1 }),
    ...(codec.fmtp !== undefined && { sdpFmtpLine: codec.fmtp }),
  };
}

/** The capability a codec of the API means (WebRTC 1.0 §5.2.2 "match"). */
export function findCapability(
  capabilities: readonly CodecCapability[],
  codec: RTCRtpCodec,
): CodecCapability | undefined {
  const [kind, name] = codec.mimeType.split("/");
  return capabilities.find(
    (capability) =>
      capability.kind === kind?.toLowerCase() &&
      codecsMatch(capability, {
        name: name ?? "",
        clockRate: codec.clockRate,
        ...(codec.channels !== undefined && { channels: codec.channels }),
        ...(codec.sdpFmtpLine !== undefined && { fmtp: codec.sdpFmtpLine }),
      }),
  );
}

/** Checks what an application asks of one encoding. @throws RangeError. */
function checkEncodingRanges(encoding: RTCRtpEncodingParameters): void {
  const { scaleResolutionDownBy, maxFramerate, maxBitrate, priority, networkPriority } = encoding;
  checkChoice("priority", priority, priorities);
  checkChoice("networkPriority", networkPriority, priorities);
  if (scaleResolutionDownBy !== undefined && !(Number(scaleResolutionDownBy) >= 1)) {
    throw new RangeError(`scaleResolutionDownBy is 1 or more, not ${scaleResolutionDownBy}`);
  }
  if (maxFramerate !== undefined && !(Number(maxFramerate) >= 0)) {
    throw new RangeError(`maxFramerate is 0 or more, not ${maxFramerate}`);
  }
  if (
    maxBitrate !== undefined &&
    !(Number.isInteger(maxBitrate) && maxBitrate >= 0 && maxBitrate < 2 ** 32)
  ) {
    throw new TypeError(`maxBitrate is an unsigned 32-bit number, not ${maxBitrate}`);
  }
  // What shall send nothing is inactive.
  if (maxBitrate === 0) throw new RangeError("maxBitrate is more than 0");
}

/** @throws TypeError, as Web IDL has it for what is no value of an enumeration. */
function checkChoice(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw new TypeError(`${name} is one of ${allowed.join(", ")}, not ${value}`);
}

/** @throws TypeError. */
export function checkDegradationPreference(value: string | undefined): void {
  checkChoice("degradationPreference", value, degradations);
}

/** What the application gave, as Web IDL converts it; sound has neither size nor frame rate, whatever is asked of them (WebRTC 1.0 §5.1). */
function converted(kind: MediaKind, encoding: RTCRtpEncodingParameters): RTCRtpEncodingParameters {
  const { rid, scaleResolutionDownBy, maxFramerate, ...common } = encoding;
  return {
    ...common,
    // A DOMString: numbers are often given.
    ...(rid !== undefined && { rid: String(rid) }),
    ...(kind === "video" && scaleResolutionDownBy !== undefined && { scaleResolutionDownBy }),
    ...(kind === "video" && maxFramerate !== undefined && { maxFramerate }),
  };
}

function withDefaults(kind: MediaKind, encoding: RTCRtpEncodingParameters): RTCRtpEncodingParameters {
  const both = { ...encoding, active: encoding.active ?? true, priority: encoding.priority ?? "low" };
  return kind === "audio" ? both : { ...both, scaleResolutionDownBy: encoding.scaleResolutionDownBy ?? 1 };
}

/**
 * The encodings of a new sender (WebRTC 1.0 §5.1, addTransceiver): of sound one, of pictures as many as there may be layers; more are cut, as
 * the W3C wants it.
 */
export function initialEncodings(
  kind: MediaKind,
  given: readonly RTCRtpEncodingParameters[] = [],
): RTCRtpEncodingParameters[] {
  const asked = given.map((encoding) => converted(kind, encoding));
  checkRids(asked);
  for (const encoding of asked) checkEncodingRanges(encoding);
  const kept = asked.length === 0 ? [{}] : asked.slice(0, kind === "audio" ? 1 : MAX_LAYERS);
  const [first] = kept;
  if (kept.length === 1) return [withDefaults(kind, withoutRid(first))];
  const isScaled = asked.some(({ scaleResolutionDownBy }) => scaleResolutionDownBy !== undefined);
  return kept.map((encoding, index) => {
    const scaleResolutionDownBy = isScaled ? 1 : 2 ** (kept.length - index - 1);
    return withDefaults(kind, { scaleResolutionDownBy, ...encoding });
  });
}

/** What is asked for alone has no name. */
function withoutRid({ rid: _dropped, ...encoding }: RTCRtpEncodingParameters): RTCRtpEncodingParameters {
  return encoding;
}

function checkRids(encodings: readonly RTCRtpEncodingParameters[]): void {
  const rids = encodings.flatMap(({ rid }) => (rid === undefined ? [] : [rid]));
  if (rids.some((rid) => !/^[A-Za-z0-9]{1,255}$/.test(rid))) {
    throw new TypeError("A rid is made of letters and digits");
  }
  if (rids.length > 0 && rids.length !== encodings.length)
    throw new TypeError("Either all encodings have a rid or none");
  if (encodings.length > 1 && rids.length === 0) throw new TypeError("Several encodings need a rid each");
  if (new Set(rids).size !== rids.length) throw new TypeError("Two encodings have the same rid");
}

/** Checks a setParameters argument against what getParameters returned (WebRTC 1.0 §5.2, setParameters validation). */
export function checkSetParameters(
  kind: MediaKind,
  given: RTCRtpSendParameters,
  returned: RTCRtpSendParameters,
): RTCRtpEncodingParameters[] {
  if (!Array.isArray(given?.encodings)) throw new TypeError("parameters.encodings is missing");
  if (typeof given.transactionId !== "string") throw new TypeError("parameters.transactionId is missing");
  if (given.transactionId !== returned.transactionId) {
    throw domError("InvalidModificationError", "The parameters are not those of the last getParameters");
  }
  if (given.encodings.length !== returned.encodings.length) {
    throw domError("InvalidModificationError", "The number of encodings can't change");
  }
  for (const member of ["headerExtensions", "rtcp", "codecs"] as const) {
    if (JSON.stringify(given[member]) !== JSON.stringify(returned[member])) {
      throw domError("InvalidModificationError", `${member} can't change`);
    }
  }
  const encodings = given.encodings.map((encoding) => converted(kind, encoding));
  encodings.forEach((encoding, index) => {
    if (encoding.rid !== returned.encodings[index].rid) {
      throw domError("InvalidModificationError", "A rid can't change");
    }
    checkEncodingRanges(encoding);
  });
  return encodings.map((encoding) => withDefaults(kind, encoding));
}
