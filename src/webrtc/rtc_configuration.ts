import { checkEnum, domError } from "./dom_error.js";
import { type IceServerUrl, parseIceServerUrl } from "./ice_server_url.js";
import { RTCCertificate } from "./rtc_certificate.js";
import { enforceRange } from "./web_idl.js";

export interface RTCIceServer {
  readonly urls: string | readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

export type RTCIceTransportPolicy = "all" | "relay";
export type RTCBundlePolicy = "balanced" | "max-compat" | "max-bundle";
export type RTCRtcpMuxPolicy = "require";

/** WebRTC 1.0 §4.2.1. */
export interface RTCConfiguration {
  readonly iceServers?: readonly RTCIceServer[];
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  readonly bundlePolicy?: RTCBundlePolicy;
  readonly rtcpMuxPolicy?: RTCRtcpMuxPolicy;
  readonly certificates?: readonly RTCCertificate[];
  readonly iceCandidatePoolSize?: number;
}

/** A configuration with every default in place. */
export interface CompleteConfiguration {
  readonly iceServers: RTCIceServer[];
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  readonly bundlePolicy: RTCBundlePolicy;
  readonly rtcpMuxPolicy: RTCRtcpMuxPolicy;
  readonly certificates: RTCCertificate[];
  readonly iceCandidatePoolSize: number;
}

/** Checks a configuration as the constructor does. @throws TypeError, SyntaxError, InvalidAccessError. */
export function completeConfiguration(configuration: RTCConfiguration | null = {}): CompleteConfiguration {
  // Web IDL: a default stands for undefined alone.
  const {
    iceServers = [],
    iceTransportPolicy = "all",
    bundlePolicy = "balanced",
    rtcpMuxPolicy = "require",
    certificates = [],
    iceCandidatePoolSize = 0,
  } = configuration ?? {};
  const complete: CompleteConfiguration = {
    iceServers: copyServers(iceServers),
    iceTransportPolicy: checkEnum("RTCIceTransportPolicy", ["all", "relay"], iceTransportPolicy),
    bundlePolicy: checkEnum("RTCBundlePolicy", ["balanced", "max-compat", "max-bundle"], bundlePolicy),
    rtcpMuxPolicy: checkEnum("RTCRtcpMuxPolicy", ["require"], rtcpMuxPolicy),
    certificates: [...certificates],
    iceCandidatePoolSize: enforceRange("iceCandidatePoolSize", iceCandidatePoolSize, 255),
  };
  serverUrls(complete.iceServers);
  checkCertificates(complete.certificates);
  return complete;
}

function copyServers(servers: readonly RTCIceServer[]): RTCIceServer[] {
  return [...servers].map((server) => {
    if (server === null || typeof server !== "object" || server.urls === undefined) {
      throw new TypeError("An ICE server needs urls");
    }
    return { ...server, urls: typeof server.urls === "string" ? server.urls : [...server.urls] };
  });
}

function checkCertificates(certificates: readonly RTCCertificate[]): void {
  for (const certificate of certificates) {
    if (!(certificate instanceof RTCCertificate)) throw new TypeError("certificates holds RTCCertificates");
    if (certificate.expires <= Date.now()) throw domError("InvalidAccessError", "A certificate has expired");
  }
}

/** The servers' URLs, checked (WebRTC 1.0 §4.4.1.6 "set the configuration", step on iceServers). */
export function serverUrls(servers: readonly RTCIceServer[]): IceServerUrl[] {
  return servers.flatMap((server) => {
    const urls = typeof server.urls === "string" ? [server.urls] : server.urls;
    if (urls.length === 0) throw domError("SyntaxError", "An ICE server has no URL");
    return urls.map((text) => {
      const url = parseIceServerUrl(String(text));
      if (
        url.scheme.startsWith("turn") &&
        (server.username === undefined || server.credential === undefined)
      ) {
        throw domError("InvalidAccessError", `${url.url} needs username and credential`);
      }
      const { username, credential } = server;
      return username === undefined || credential === undefined ? url : { ...url, username, credential };
    });
  });
}

/** What setConfiguration may not change. @throws InvalidModificationError. */
export function checkReconfiguration(
  current: CompleteConfiguration,
  next: CompleteConfiguration,
  hasLocalDescription: boolean,
): void {
  const fail = (what: string) => domError("InvalidModificationError", `${what} can't change`);
  const sameCertificates =
    next.certificates.length === current.certificates.length &&
    next.certificates.every((certificate, index) => certificate === current.certificates[index]);
  if (next.certificates.length > 0 && !sameCertificates) throw fail("certificates");
  if (next.bundlePolicy !== current.bundlePolicy) throw fail("bundlePolicy");
  if (next.rtcpMuxPolicy !== current.rtcpMuxPolicy) throw fail("rtcpMuxPolicy");
  if (hasLocalDescription && next.iceCandidatePoolSize !== current.iceCandidatePoolSize) {
    throw fail("iceCandidatePoolSize");
  }
}
