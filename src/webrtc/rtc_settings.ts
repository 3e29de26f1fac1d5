import { boolean, func, listOf, members, object, oneOf, text, whole } from "../media/check_settings.js";
import type { TransportFactory, TransportSettings } from "../media/transport_api.js";
import { checkTransportSettings } from "../media/transport_settings.js";
import type { AudioCapabilityOptions, VideoCapabilityOptions } from "../protocol/sdp/codec_capabilities.js";
import { defaultEngine } from "./default_engine.js";
import type { CertificatePem } from "./rtc_certificate.js";

/**
 * What the W3C configuration does not cover; the second argument of `new RTCPeerConnection`. Every member is optional.
 */
export interface RTCSettings {
  /** The engine; when absent the one of {@link setDefaultTransportFactory}, or else the default engine. */
  readonly transportFactory?: TransportFactory;
  /** Sockets, MTU, SRTP profiles, time-outs. */
  readonly transport?: TransportSettings;
  readonly video?: VideoCapabilityOptions;
  readonly audio?: AudioCapabilityOptions;
  /** URIs of the RTP header extensions to negotiate, instead of the usual ones (docs/api/settings.md). */
  readonly headerExtensions?: readonly string[];
  /**
   * How soon the peer is asked to show our pictures after they were captured, in milliseconds, where it understands the playout-delay extension: 0
   * and 0 for what is steered by hand, much for what must not stutter.
   */
  readonly playoutDelay?: PlayoutDelayMs;
  /** How long a STUN server's name may take to resolve before gathering begins without it; 1000 by default. */
  readonly resolveTimeoutMs?: number;
  /** Makes certificates instead of the addon. */
  readonly certificateGenerator?: (days: number) => CertificatePem;
}

export interface PlayoutDelayMs {
  /** In steps of 10, up to 40 950. */
  readonly min: number;
  /** No less than `min`. */
  readonly max: number;
}

const MAX_PLAYOUT_DELAY_MS = 40_950;

function playoutDelay(value: unknown, option: string): void {
  const bound = whole(0, MAX_PLAYOUT_DELAY_MS);
  object(value, option);
  const { min, max } = value as Partial<PlayoutDelayMs>;
  bound(min, `${option}.min`);
  whole(min ?? 0, MAX_PLAYOUT_DELAY_MS)(max, `${option}.max`);
}

const checkMembers = members<RTCSettings>({
  transportFactory: object,
  transport: (value) => checkTransportSettings(value as TransportSettings),
  video: members<VideoCapabilityOptions>({
    codecs: listOf(oneOf("H264", "VP8", "VP9", "AV1", "H265"), 5, 1),
    level: whole(10, 62),
    payloadType: whole(96, 123),
    rtx: boolean,
    ulpfec: boolean,
    flexfec: boolean,
  }),
  audio: members<AudioCapabilityOptions>({
    codecs: listOf(oneOf("opus", "PCMU", "PCMA", "G722"), 4, 1),
    telephoneEvent: boolean,
    comfortNoise: boolean,
    red: boolean,
    parameters: object,
    payloadType: whole(96, 127),
  }),
  headerExtensions: listOf(text, 14),
  playoutDelay,
  resolveTimeoutMs: whole(0, 60_000),
  certificateGenerator: func,
});

/** @throws SettingsError (a TypeError) that names the option, what was found and what is allowed. */
export function checkSettings(settings: RTCSettings): void {
  checkMembers(settings, "");
}

let defaultFactory: TransportFactory | undefined;

/** Sets the engine that connections without one in their settings use; undefined: the default engine again. */
export function setDefaultTransportFactory(factory: TransportFactory | undefined): void {
  defaultFactory = factory;
}

export function transportFactoryOf(settings: RTCSettings): TransportFactory {
  return settings.transportFactory ?? defaultFactory ?? defaultEngine();
}
