import type { TransportFactory, TransportSettings } from "../media/transport_api.js";
import type { AudioCapabilityOptions, VideoCapabilityOptions } from "../protocol/sdp/codec_capabilities.js";
import type { CertificatePem } from "./rtc_certificate.js";

/**
 * What the W3C configuration does not cover; the second argument of `new RTCPeerConnection`. Every member is optional.
 */
export interface RTCSettings {
  /** The engine; the process-wide one of {@link setDefaultTransportFactory} when absent. */
  readonly transportFactory?: TransportFactory;
  /** Sockets, MTU, SRTP profiles, time-outs. */
  readonly transport?: TransportSettings;
  readonly video?: VideoCapabilityOptions;
  readonly audio?: AudioCapabilityOptions;
  /** URIs of the RTP header extensions to negotiate, instead of mid and abs-capture-time. */
  readonly headerExtensions?: readonly string[];
  /** How long a STUN server's name may take to resolve before gathering begins without it; 1000 by default. */
  readonly resolveTimeoutMs?: number;
  /** Makes certificates instead of the addon. */
  readonly certificateGenerator?: (days: number) => CertificatePem;
}

let defaultFactory: TransportFactory | undefined;

/** Sets the engine that connections without one in their settings use; undefined takes it away. */
export function setDefaultTransportFactory(factory: TransportFactory | undefined): void {
  defaultFactory = factory;
}

export function transportFactoryOf(settings: RTCSettings): TransportFactory {
  const factory = settings.transportFactory ?? defaultFactory;
  if (factory !== undefined) return factory;
  throw new TypeError("No media engine: pass settings.transportFactory or call setDefaultTransportFactory");
}
