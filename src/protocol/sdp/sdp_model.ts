/**
 * A session description as data (RFC 8866), with the attributes that WebRTC gives a meaning (RFC 8829, 8839, 8843,
 * 8851, 8841, 8122) in typed fields and all others kept in order in `attributes`.
 */

export interface SdpAttribute {
  readonly name: string;
  /** Absent: a property attribute, `a=name`. */
  readonly value?: string;
}

/** `o=` (RFC 8866 §5.2). Id and version stay decimal strings: they are 64-bit numbers. */
export interface SdpOrigin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly netType: string;
  readonly addressType: string;
  readonly address: string;
}

/** `c=` (RFC 8866 §5.7). */
export interface SdpConnection {
  readonly netType: string;
  readonly addressType: string;
  readonly address: string;
}

/** `b=` (RFC 8866 §5.8); the unit depends on the type (AS: kbit/s, TIAS: bit/s). */
export interface SdpBandwidth {
  readonly type: string;
  readonly value: number;
}

/** `a=group` (RFC 5888 §5). */
export interface SdpGroup {
  readonly semantics: string;
  readonly mids: readonly string[];
}

/** RFC 8866 §6.7. */
export type SdpDirection = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** DTLS role offered or taken (RFC 4145 §4, RFC 8842 §5). */
export type SdpSetup = "actpass" | "active" | "passive" | "holdconn";

/** `a=fingerprint` (RFC 8122 §5): lower-case algorithm, upper-case hex pairs joined by colons. */
export interface SdpFingerprint {
  readonly algorithm: string;
  readonly value: string;
}

/** `a=rtcp-fb` (RFC 4585 §4.2): `{type: "nack", parameter: "pli"}`. */
export interface SdpFeedback {
  readonly type: string;
  readonly parameter?: string;
}

/** One payload type: `a=rtpmap`, its `a=fmtp` and `a=rtcp-fb` lines together. */
export interface SdpCodec {
  readonly payloadType: number;
  /** As written; names compare without case (RFC 4855 §3). */
  readonly name: string;
  readonly clockRate: number;
  /** Audio; 1 when absent. */
  readonly channels?: number;
  /** The format parameters as written behind the payload type. */
  readonly fmtp?: string;
  readonly feedback: readonly SdpFeedback[];
}

/** `a=extmap` (RFC 8285 §8). */
export interface SdpExtension {
  readonly id: number;
  readonly uri: string;
  readonly direction?: SdpDirection;
  readonly attributes?: string;
}

/** `a=msid` (RFC 8830). Stream id "-": in no stream. */
export interface SdpMsid {
  readonly stream: string;
  readonly track?: string;
}

/** `a=ssrc` (RFC 5576 §4.1), the lines of one SSRC gathered. */
export interface SdpSource {
  readonly ssrc: number;
  readonly attributes: readonly SdpAttribute[];
}

/** `a=ssrc-group` (RFC 5576 §4.2). */
export interface SdpSourceGroup {
  readonly semantics: string;
  readonly ssrcs: readonly number[];
}

/** `a=rid` (RFC 8851). */
export interface SdpRid {
  readonly id: string;
  readonly direction: "send" | "recv";
  readonly restrictions?: string;
}

/** Attributes that may stand at session level for all sections, or in a section (RFC 8839 §5, RFC 8122, RFC 8842). */
export interface SdpTransportAttributes {
  iceUfrag?: string;
  icePwd?: string;
  iceOptions?: readonly string[];
  setup?: SdpSetup;
  fingerprints: readonly SdpFingerprint[];
  /** RFC 8842 §5: changes when a new DTLS association is wanted. */
  tlsId?: string;
}

export interface SdpMedia extends SdpTransportAttributes {
  /** "audio", "video", "application" or anything else. */
  kind: string;
  port: number;
  /** `m=audio 9/2 …`: the number of ports. */
  portCount?: number;
  protocol: string;
  /** The m-line's formats as written: payload types, or "webrtc-datachannel". */
  formats: readonly string[];
  title?: string;
  connection?: SdpConnection;
  bandwidth: readonly SdpBandwidth[];
  mid?: string;
  /** Absent: the session's, or else sendrecv (RFC 8866 §6.7). */
  direction?: SdpDirection;
  rtcpMux: boolean;
  rtcpMuxOnly: boolean;
  rtcpReducedSize: boolean;
  bundleOnly: boolean;
  extmapAllowMixed: boolean;
  /** In the m-line's order of preference. Formats without a rtpmap are absent, but for the static payload types. */
  codecs: readonly SdpCodec[];
  extensions: readonly SdpExtension[];
  msids: readonly SdpMsid[];
  sources: readonly SdpSource[];
  sourceGroups: readonly SdpSourceGroup[];
  rids: readonly SdpRid[];
  simulcast?: string;
  /** Values of `a=candidate`, each beginning "candidate:" (RFC 8839 §5.1). */
  candidates: readonly string[];
  endOfCandidates: boolean;
  sctpPort?: number;
  /** Bytes; 0: any size (RFC 8841 §6). */
  maxMessageSize?: number;
  ptimeMs?: number;
  maxptimeMs?: number;
  attributes: readonly SdpAttribute[];
}

export interface SdpSession extends SdpTransportAttributes {
  origin: SdpOrigin;
  name: string;
  information?: string;
  connection?: SdpConnection;
  bandwidth: readonly SdpBandwidth[];
  /** `t=` (and `r=`, `z=`) values; "0 0" in WebRTC. */
  timing: readonly string[];
  groups: readonly SdpGroup[];
  iceLite: boolean;
  direction?: SdpDirection;
  extmapAllowMixed: boolean;
  extensions: readonly SdpExtension[];
  attributes: readonly SdpAttribute[];
  media: readonly SdpMedia[];
}

/** An empty section to fill. */
export function emptyMedia(kind: string, protocol: string): SdpMedia {
  return {
    kind,
    port: 9,
    protocol,
    formats: [],
    bandwidth: [],
    rtcpMux: false,
    rtcpMuxOnly: false,
    rtcpReducedSize: false,
    bundleOnly: false,
    extmapAllowMixed: false,
    codecs: [],
    extensions: [],
    msids: [],
    sources: [],
    sourceGroups: [],
    rids: [],
    candidates: [],
    endOfCandidates: false,
    fingerprints: [],
    attributes: [],
  };
}

/** RFC 8829 §5.3.1: port 0 refuses a section, unless the section says it lives in a bundle only. */
export function isRejected(media: SdpMedia): boolean {
  return media.port === 0 && !media.bundleOnly;
}

/** The section's direction, with the session's and the standard's default (RFC 8866 §6.7). */
export function directionOf(session: SdpSession, media: SdpMedia): SdpDirection {
  return media.direction ?? session.direction ?? "sendrecv";
}

/** The section's transport attributes, where absent the session's (RFC 8839 §5.4, RFC 8122 §5, RFC 4145 §4). */
export function transportAttributesOf(session: SdpSession, media: SdpMedia): SdpTransportAttributes {
  const ufrag = media.iceUfrag ?? session.iceUfrag;
  const pwd = media.icePwd ?? session.icePwd;
  const setup = media.setup ?? session.setup;
  const options = media.iceOptions ?? session.iceOptions;
  const tlsId = media.tlsId ?? session.tlsId;
  return {
    ...(ufrag !== undefined && { iceUfrag: ufrag }),
    ...(pwd !== undefined && { icePwd: pwd }),
    ...(setup !== undefined && { setup }),
    ...(options !== undefined && { iceOptions: options }),
    ...(tlsId !== undefined && { tlsId }),
    fingerprints: media.fingerprints.length > 0 ? media.fingerprints : session.fingerprints,
  };
}

/** The mids of the first BUNDLE group (RFC 8843 §7.1), its tag first; empty without one. */
export function bundledMids(session: SdpSession): readonly string[] {
  return session.groups.find((group) => group.semantics === "BUNDLE")?.mids ?? [];
}
