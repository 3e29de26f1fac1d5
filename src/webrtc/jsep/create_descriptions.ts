/** createOffer and createAnswer (RFC 8829 §5.2, §5.3): which section is for which transceiver. */
import {
  type AnswerSection,
  buildAnswer,
  buildOffer,
  type DataSection,
  type LocalMediaSource,
  type LocalTransportDescription,
  type OfferSection,
  type RefusedSection,
} from "../../protocol/sdp/build_description.js";
import { isRtpKind, isUsable } from "../../protocol/sdp/check_description.js";
import type { CodecCapability, RtpKind } from "../../protocol/sdp/codec_capabilities.js";
import { dataSectionIndex, defaultSctpPort, isDataSection } from "../../protocol/sdp/data_section.js";
import { sends } from "../../protocol/sdp/directions.js";
import { transportSectionIndex } from "../../protocol/sdp/negotiated_media.js";
import {
  isRejected,
  type SdpMedia,
  type SdpOrigin,
  transportAttributesOf,
} from "../../protocol/sdp/sdp_model.js";
import { writeSdp } from "../../protocol/sdp/write_sdp.js";
import { withCarried } from "../carried_format.js";
import type { ConnectionCore } from "../connection_core.js";
import { maxReceivedMessageBytes } from "../data_channels.js";
import { internals } from "../internals.js";
import type { RTCCertificate } from "../rtc_certificate.js";
import type { RTCRtpTransceiver } from "../rtc_rtp_transceiver.js";
import type { CreatedDescription } from "./description_state.js";
import { answeredSimulcast, offeredSimulcast } from "./simulcast.js";

export function createOffer(core: ConnectionCore, certificate: RTCCertificate): CreatedDescription {
  const plan = planSections(core);
  const sections = plan.map(({ mid, transceiver, former, isData }) =>
    isData ? dataSection(mid) : offerSection(core, mid, transceiver, former),
  );
  const { currentLocal, currentRemote } = core.descriptions;
  const session = buildOffer({
    origin: origin(core),
    sections,
    transport: localTransport(core, certificate),
    bundleOnly: core.configuration.bundlePolicy === "max-bundle",
    inForce: [currentLocal, currentRemote].flatMap((applied) => (applied === null ? [] : [applied.session])),
  });
  return {
    type: "offer",
    sdp: writeSdp(session),
    session,
    transceivers: plan.map(({ transceiver }) => transceiver),
    credentials: core.transport.announced,
  };
}

interface PlannedSection {
  readonly mid: string;
  readonly transceiver: RTCRtpTransceiver | undefined;
  /** The section as it stands in the descriptions in force. */
  readonly former: SdpMedia | undefined;
  /** The data channels' section. */
  readonly isData?: boolean;
}

/** RFC 8829 §5.2.2: sections keep their place; a rejected one may be taken by a new transceiver; others go last. */
function planSections(core: ConnectionCore): PlannedSection[] {
  const inForce = core.descriptions.local?.session.media ?? [];
  const waiting = core.transceivers.filter(
    (transceiver) => transceiver[internals].mlineIndex === null && !isStopped(transceiver),
  );
  const freshMid = midAllocator(core);
  const localSession = core.descriptions.local?.session;
  const dataIndex = localSession === undefined ? -1 : dataSectionIndex(localSession);
  const plan = inForce.map((former, index): PlannedSection => {
    const transceiver = core.transceiverAt(index);
    if (transceiver === undefined && isRecyclable(core, index)) {
      const next = waiting.shift();
      if (next !== undefined) return { mid: freshMid(), transceiver: next, former: undefined };
    }
    if (index === dataIndex) return { mid: former.mid ?? `${index}`, transceiver, former, isData: true };
    return { mid: former.mid ?? `${index}`, transceiver, former };
  });
  for (const transceiver of waiting) plan.push({ mid: freshMid(), transceiver, former: undefined });
  if (core.data.wanted && dataIndex < 0) {
    plan.push({ mid: freshMid(), transceiver: undefined, former: undefined, isData: true });
  }
  return plan;
}

function isStopped(transceiver: RTCRtpTransceiver): boolean {
  return transceiver[internals].stopping || transceiver[internals].stopped;
}

/** Rejected in both current descriptions (RFC 8829 §5.2.2). */
function isRecyclable(core: ConnectionCore, index: number): boolean {
  const { currentLocal, currentRemote } = core.descriptions;
  return [currentLocal, currentRemote].every((applied) => {
    const media = applied?.session.media[index];
    return media !== undefined && isRejected(media);
  });
}

/** Small numbers no section has had. */
function midAllocator(core: ConnectionCore): () => string {
  const { local, remote, currentLocal } = core.descriptions;
  const sections = [local, remote, currentLocal].flatMap((applied) => applied?.session.media ?? []);
  const used = new Set(sections.flatMap(({ mid }) => (mid === undefined ? [] : [mid])));
  let number = sections.length === 0 ? 0 : (local?.session.media.length ?? 0);
  return () => {
    while (used.has(`${number}`)) number++;
    used.add(`${number}`);
    return `${number}`;
  };
}

function offerSection(
  core: ConnectionCore,
  mid: string,
  transceiver: RTCRtpTransceiver | undefined,
  former: SdpMedia | undefined,
): OfferSection | RefusedSection {
  if (transceiver === undefined) {
    if (former === undefined) throw new Error("a new section has a transceiver");
    return { refused: former };
  }
  const { direction } = transceiver[internals];
  return {
    mid,
    kind: transceiver.receiver[internals].kind,
    direction,
    rejected: isStopped(transceiver),
    codecs: codecsOf(core, transceiver),
    extensions: core.headerExtensions(transceiver.receiver[internals].kind),
    ...mediaSource(core, transceiver),
    simulcast: offeredSimulcast(transceiver),
  };
}

function dataSection(mid: string): DataSection {
  return { data: { mid, sctpPort: defaultSctpPort, maxMessageSize: maxReceivedMessageBytes } };
}

function codecsOf(core: ConnectionCore, transceiver: RTCRtpTransceiver): readonly CodecCapability[] {
  const { preferred } = transceiver[internals];
  const codecs = preferred.length > 0 ? preferred : core.capabilities(transceiver.receiver[internals].kind);
  return withCarried(codecs, transceiver.sender.track, transceiver[internals].direction === "sendonly");
}

/** `a=msid`, `a=ssrc` and `a=ssrc-group` of what the transceiver sends (RFC 8829 §5.2.1, RFC 4588 §8.6). */
function mediaSource(core: ConnectionCore, transceiver: RTCRtpTransceiver): LocalMediaSource {
  if (!sends(transceiver[internals].direction)) return { msids: [], sources: [] };
  const { streamIds, msidTrackId, source } = transceiver.sender[internals];
  const { ssrc, rtxSsrc, paritySsrc } = source;
  const streams = streamIds.length > 0 ? streamIds : ["-"];
  return {
    msids: streams.map((stream) => ({ stream, track: msidTrackId })),
    sources: [ssrc, rtxSsrc, paritySsrc].map((id) => ({
      ssrc: id,
      attributes: [{ name: "cname", value: core.cname }],
    })),
    sourceGroups: [
      { semantics: "FID", ssrcs: [ssrc, rtxSsrc] },
      { semantics: "FEC-FR", ssrcs: [ssrc, paritySsrc] },
    ],
  };
}

const sessionIds = new WeakMap<ConnectionCore, string>();

/** RFC 8829 §5.2.1: a random 62-bit session id, a version that grows with each description. */
function origin(core: ConnectionCore): SdpOrigin {
  let sessionId = sessionIds.get(core);
  if (sessionId === undefined) {
    sessionId = `${BigInt.asUintN(62, crypto.getRandomValues(new BigUint64Array(1))[0])}`;
    sessionIds.set(core, sessionId);
  }
  return {
    username: "-",
    sessionId,
    sessionVersion: `${core.descriptions.localVersion}`,
    netType: "IN",
    addressType: "IP4",
    address: "127.0.0.1",
  };
}

function localTransport(core: ConnectionCore, certificate: RTCCertificate): LocalTransportDescription {
  const { transport } = core;
  const { usernameFragment, password } = transport.announced;
  return {
    iceUfrag: usernameFragment,
    icePwd: password,
    iceLite: transport.isLite,
    fingerprints: [certificate[internals].fingerprint],
    offerSetup: "actpass",
    ...(transport.role !== null && { dtlsRole: transport.role }),
  };
}

/** @param core - in a state with a remote offer. */
export function createAnswer(core: ConnectionCore, certificate: RTCCertificate): CreatedDescription {
  const offer = core.descriptions.pendingRemote?.session;
  if (offer === undefined) throw new Error("createAnswer needs a remote offer");
  restartWithPeer(core);
  const transceivers = offer.media.map((_, index) => core.transceiverAt(index));
  const session = buildAnswer({
    origin: origin(core),
    offer,
    sections: offer.media.map((media, index) => answerSection(core, media, transceivers[index])),
    transport: localTransport(core, certificate),
  });
  const credentials = core.transport.announced;
  return { type: "answer", sdp: writeSdp(session), session, transceivers, credentials };
}

/** RFC 8839 §4.4.3: an offer with new credentials restarts ICE on both sides. */
function restartWithPeer(core: ConnectionCore): void {
  const offer = core.descriptions.pendingRemote?.session;
  const known = core.transport.remote;
  if (offer === undefined || known === null) return;
  const media = offer.media[transportSectionIndex(offer)];
  if (media === undefined) return;
  const { iceUfrag, icePwd } = transportAttributesOf(offer, media);
  if (iceUfrag !== known.iceUfrag || icePwd !== known.icePwd) core.transport.prepareRestart();
}

function answerSection(
  core: ConnectionCore,
  media: SdpMedia,
  transceiver: RTCRtpTransceiver | undefined,
): AnswerSection | DataSection | undefined {
  if (isDataSection(media) && !isRejected(media)) return dataSection(media.mid ?? "");
  // One whose stop() still has to be offered is answered with what stop() made of it: inactive (WebRTC 1.0 §5.4).
  if (transceiver === undefined || transceiver[internals].stopped) return undefined;
  if (isRejected(media) || !isUsable(media)) return undefined;
  return {
    direction: transceiver[internals].direction,
    codecs: codecsOf(core, transceiver),
    keepOwnOrder: transceiver[internals].preferred.length > 0,
    extensions: core.headerExtensions(transceiver.receiver[internals].kind),
    ...mediaSource(core, transceiver),
    simulcast: answeredSimulcast(transceiver, media),
  };
}

/** The kind of a section as the API knows it. */
export function rtpKind(media: SdpMedia): RtpKind | undefined {
  return isRtpKind(media.kind) ? media.kind : undefined;
}
