/** Offers and answers from what an endpoint wants (RFC 8829 §5.2, §5.3). Pure: the same input, the same text. */
import type { CodecCapability, RtpKind } from "./codec_capabilities.js";
import { answerCodecs, isFlexfec, isRtx, offerCodecs, PayloadTypeTable } from "./codec_negotiation.js";
import { dataMedia, isDataSection, type LocalDataSection } from "./data_section.js";
import { answerDirection } from "./directions.js";
import { answerSetup, type DtlsRole } from "./dtls_setup.js";
import { receiverRttAttribute, receiverRttOf } from "./extended_reports.js";
import { answerExtensions, ExtensionIdTable, meaningsOf, offerExtensions } from "./extension_negotiation.js";
import {
  bundledMids,
  directionOf,
  emptyMedia,
  isRejected,
  type SdpDirection,
  type SdpFingerprint,
  type SdpMedia,
  type SdpMsid,
  type SdpOrigin,
  type SdpSession,
  type SdpSetup,
  type SdpSource,
  type SdpSourceGroup,
  transportAttributesOf,
} from "./sdp_model.js";
import { describeSimulcast, type Simulcast } from "./simulcast.js";

/** This side's half of the one transport that BUNDLE leaves. */
export interface LocalTransportDescription {
  readonly iceUfrag: string;
  readonly icePwd: string;
  /** RFC 8839 §5.3: this side only answers checks. */
  readonly iceLite?: boolean;
  readonly fingerprints: readonly SdpFingerprint[];
  /** What to say in an offer; "actpass" unless the association exists already (RFC 8842 §5.5). */
  readonly offerSetup: SdpSetup;
  /** The DTLS role of an existing association: an answer keeps it. */
  readonly dtlsRole?: DtlsRole;
}

/** What one side sends in a section. */
export interface LocalMediaSource {
  readonly msids: readonly SdpMsid[];
  readonly sources: readonly SdpSource[];
  /** Written where the section's codecs have what the group is for ("FID": RTX, "FEC-FR": FlexFEC). */
  readonly sourceGroups?: readonly SdpSourceGroup[];
  /** Layers, where packets can tell which they are of; absent: none. */
  readonly simulcast?: Simulcast;
}

/** A section of an offer to write. */
export interface OfferSection extends LocalMediaSource {
  readonly mid: string;
  readonly kind: RtpKind;
  readonly direction: SdpDirection;
  /** Port 0: a stopped transceiver's section, or one that waits to be used again. */
  readonly rejected: boolean;
  readonly codecs: readonly CodecCapability[];
  readonly extensions: readonly string[];
}

/** The data channels' section. */
export interface DataSection {
  readonly data: LocalDataSection;
}

/** A section this side never accepted, kept in its place (RFC 8829 §5.2.2). */
export interface RefusedSection {
  readonly refused: SdpMedia;
}

export interface OfferInput {
  readonly origin: SdpOrigin;
  readonly sections: readonly (OfferSection | DataSection | RefusedSection)[];
  readonly transport: LocalTransportDescription;
  /** Later sections live in the bundle or not at all (`a=bundle-only`). */
  readonly bundleOnly: boolean;
  /** Descriptions in force: their payload types and extension ids keep their meaning. */
  readonly inForce: readonly SdpSession[];
}

export function buildOffer(input: OfferInput): SdpSession {
  const payloadTypes = new PayloadTypeTable();
  const extensionIds = new ExtensionIdTable();
  for (const media of input.inForce.flatMap((session) => session.media)) {
    payloadTypes.reserve(media.codecs);
    extensionIds.reserve(media.extensions);
  }
  const media = input.sections.map((section) => {
    if ("refused" in section) return refusedMedia(section.refused);
    if ("data" in section) {
      const data = { ...dataMedia(section.data), connection: anyAddress };
      describeTransport(data, input.transport, input.transport.offerSetup);
      return data;
    }
    return offerMedia(section, input.transport, payloadTypes, extensionIds);
  });
  const accepted = media.filter((section) => section.port !== 0);
  if (input.bundleOnly) for (const section of accepted.slice(1)) markBundleOnly(section);
  return assembleSession(input, media, accepted);
}

function markBundleOnly(media: SdpMedia): void {
  media.port = 0;
  media.bundleOnly = true;
}

/** RFC 8829 §5.2.1: the parts every WebRTC description shares. */
function assembleSession(
  { origin, transport }: { readonly origin: SdpOrigin; readonly transport: LocalTransportDescription },
  media: SdpMedia[],
  bundled: readonly SdpMedia[],
): SdpSession {
  const mids = bundled.flatMap((section) => (section.mid === undefined ? [] : [section.mid]));
  return {
    origin,
    name: "-",
    bandwidth: [],
    timing: ["0 0"],
    groups: mids.length > 0 ? [{ semantics: "BUNDLE", mids }] : [],
    iceLite: transport.iceLite ?? false,
    extmapAllowMixed: true,
    extensions: [],
    fingerprints: [],
    attributes: [{ name: "msid-semantic", value: "WMS *" }],
    media,
  };
}

const anyAddress = { netType: "IN", addressType: "IP4", address: "0.0.0.0" };

function rtpMedia(kind: string, protocol: string, mid: string): SdpMedia {
  return { ...emptyMedia(kind, protocol), mid, connection: anyAddress, rtcpMux: true, rtcpReducedSize: true };
}

function describeTransport(media: SdpMedia, transport: LocalTransportDescription, setup: SdpSetup): void {
  media.iceUfrag = transport.iceUfrag;
  media.icePwd = transport.icePwd;
  media.iceOptions = ["trickle"];
  media.fingerprints = transport.fingerprints;
  media.setup = setup;
}

function offerMedia(
  section: OfferSection,
  transport: LocalTransportDescription,
  payloadTypes: PayloadTypeTable,
  extensionIds: ExtensionIdTable,
): SdpMedia {
  const media = rtpMedia(section.kind, "UDP/TLS/RTP/SAVPF", section.mid);
  media.codecs = offerCodecs(section.codecs, payloadTypes);
  media.formats = media.codecs.map((codec) => `${codec.payloadType}`);
  media.direction = section.rejected ? "inactive" : section.direction;
  if (section.rejected) {
    media.port = 0;
    return media;
  }
  describeTransport(media, transport, transport.offerSetup);
  media.extensions = offerExtensions(section.extensions, extensionIds);
  media.attributes = [receiverRttAttribute];
  describeSources(media, section);
  return media;
}

/** What the codecs of a section must have for a group of sources to be of use (RFC 4588 §8.6, RFC 5956 §4.3). */
const groupsOf: Readonly<Record<string, typeof isRtx | undefined>> = {
  FID: isRtx,
  "FEC-FR": isFlexfec,
};

/**
 * Without RTX among the codecs, a source for it would only puzzle the peer. Layers have no `a=ssrc`: the first packets name them (RFC
 * 8853 §5.5).
 */
function describeSources(media: SdpMedia, { simulcast, ...source }: LocalMediaSource): void {
  if (simulcast !== undefined) describeSimulcast(media, simulcast);
  const { msids, sources, sourceGroups = [] } = source;
  if (media.rids.some(({ direction }) => direction === "send")) {
    media.msids = msids;
    return;
  }
  const groups = sourceGroups.filter(({ semantics }) => media.codecs.some(groupsOf[semantics] ?? isRtx));
  const unused = sourceGroups
    .filter((group) => !groups.includes(group))
    .flatMap(({ ssrcs }) => ssrcs.slice(1));
  media.msids = msids;
  media.sources = sources.filter(({ ssrc }) => !unused.includes(ssrc));
  media.sourceGroups = groups;
}

/** RFC 3264 §6: port 0, a format of the offer, and nothing that would carry media. */
function refusedMedia(offered: SdpMedia): SdpMedia {
  const media = emptyMedia(offered.kind, offered.protocol);
  media.port = 0;
  media.connection = anyAddress;
  media.formats = offered.formats;
  if (offered.mid !== undefined) media.mid = offered.mid;
  if (offered.protocol.includes("RTP/")) {
    media.codecs = offered.codecs.map((codec) => ({ ...codec, feedback: [] }));
    media.direction = "inactive";
  }
  return media;
}

/** What this side wants in a section it is offered; undefined refuses it. */
export interface AnswerSection extends LocalMediaSource {
  readonly direction: SdpDirection;
  readonly codecs: readonly CodecCapability[];
  /** Whether the codecs' order is the application's wish and goes before the offer's. */
  readonly keepOwnOrder: boolean;
  readonly extensions: readonly string[];
}

export interface AnswerInput {
  readonly origin: SdpOrigin;
  readonly offer: SdpSession;
  /** One for each section of the offer. */
  readonly sections: readonly (AnswerSection | DataSection | undefined)[];
  readonly transport: LocalTransportDescription;
}

export function buildAnswer(input: AnswerInput): SdpSession {
  const { offer } = input;
  const usable = bundleCandidates(offer);
  const media = offer.media.map((offered, index) => {
    const section = input.sections[index];
    if (section === undefined || !usable.has(offered)) return refusedMedia(offered);
    if ("data" in section) return answerData(offer, offered, section.data, input.transport);
    return answerMedia(offer, offered, section, input.transport);
  });
  const accepted = media.filter((section) => !isRejected(section));
  const group = bundledMids(offer);
  // RFC 8843 §7.3.1: the offerer's tag stays first when it was accepted; an offer without BUNDLE gets none back.
  const bundled = group.flatMap((mid) => accepted.filter((section) => section.mid === mid));
  const session = assembleSession(input, media, bundled);
  session.extmapAllowMixed = offer.extmapAllowMixed;
  return session;
}

/**
 * The sections that can share our one transport: those in the offer's BUNDLE group, or else the first (RFC 8829
 * §4.1.1 max-bundle: a peer without BUNDLE gets one section).
 */
function bundleCandidates(offer: SdpSession): ReadonlySet<SdpMedia> {
  const mids = bundledMids(offer);
  const offered = offer.media.filter((media) => !isRejected(media));
  const bundled = offered.filter((media) => media.mid !== undefined && mids.includes(media.mid));
  return new Set(bundled.length > 0 ? bundled : offered.slice(0, 1));
}

function answerMedia(
  offer: SdpSession,
  offered: SdpMedia,
  section: AnswerSection,
  transport: LocalTransportDescription,
): SdpMedia {
  const media = rtpMedia(offered.kind, offered.protocol, offered.mid ?? "");
  if (offered.mid === undefined) delete media.mid;
  media.codecs = answerCodecs(offered.codecs, section.codecs, section.keepOwnOrder);
  if (media.codecs.length === 0) return refusedMedia(offered);
  media.formats = media.codecs.map((codec) => `${codec.payloadType}`);
  media.direction = answerDirection(section.direction, directionOf(offer, offered));
  media.rtcpReducedSize = offered.rtcpReducedSize;
  if (receiverRttOf(offer, offered) !== undefined) media.attributes = [receiverRttAttribute];
  const meanings = meaningsOf([offer.extensions, ...offer.media.map(({ extensions }) => extensions)]);
  media.extensions = answerExtensions(
    [...offered.extensions, ...offer.extensions],
    section.extensions,
    meanings,
  );
  media.extmapAllowMixed = offered.extmapAllowMixed;
  describeTransport(media, transport, setupFor(offer, offered, transport));
  describeSources(media, section);
  return media;
}

function answerData(
  offer: SdpSession,
  offered: SdpMedia,
  section: LocalDataSection,
  transport: LocalTransportDescription,
): SdpMedia {
  if (!isDataSection(offered)) return refusedMedia(offered);
  const media: SdpMedia = { ...dataMedia(section, offered.protocol), connection: anyAddress };
  if (offered.mid === undefined) delete media.mid;
  describeTransport(media, transport, setupFor(offer, offered, transport));
  return media;
}

function setupFor(offer: SdpSession, offered: SdpMedia, transport: LocalTransportDescription): SdpSetup {
  if (transport.dtlsRole !== undefined) return setupOf(transport.dtlsRole);
  return answerSetup(transportAttributesOf(offer, offered).setup);
}

function setupOf(role: DtlsRole): SdpSetup {
  return role === "client" ? "active" : "passive";
}
