/** What offer and answer settled, section by section and for the transport. */
import { type AgreedCodec, agreedCodecs } from "./codec_negotiation.js";
import { receives, sends } from "./directions.js";
import { agreedReceiverRtt, type ReceiverRttMode, receiverRttOf } from "./extended_reports.js";
import { agreedExtensions } from "./extension_negotiation.js";
import {
  bundledMids,
  directionOf,
  isRejected,
  type SdpCodec,
  type SdpFingerprint,
  type SdpMedia,
  type SdpSession,
  type SdpSetup,
  transportAttributesOf,
} from "./sdp_model.js";
import {
  agreedLayers,
  carriesRids,
  noSimulcast,
  type SimulcastLayer,
  simulcastOf,
  sourceLayersOf,
} from "./simulcast.js";

/** A header extension in use; the direction is ours. */
export type AgreedExtension = ReturnType<typeof agreedExtensions>[number];

export interface NegotiatedMedia {
  readonly mid: string;
  readonly kind: string;
  readonly sending: boolean;
  readonly receiving: boolean;
  /** In the answer's order: what its first names is sent. */
  readonly codecs: readonly AgreedCodec[];
  readonly extensions: readonly AgreedExtension[];
  readonly reducedSizeRtcp: boolean;
  /** Receivers may ask for the round trip (RFC 3611 §4.4, §4.5). */
  readonly receiverRtt?: ReceiverRttMode;
  /** SSRCs of media that the peer announced; may be none. */
  readonly remoteSsrcs: readonly number[];
  /** Which of the peer's SSRCs repeats which (RFC 5576 §4.2, RFC 4588 §8.6 "FID"), as far as it announced them. */
  readonly remoteRepairs: readonly RepairedSource[];
  /** Which of them has parity of which (RFC 5956 §4.3 "FEC-FR"). */
  readonly remoteParities: readonly RepairedSource[];
  readonly remoteCname: string;
  /** Layers that we send; none: one stream, without a rid. */
  readonly sendLayers: readonly SimulcastLayer[];
  /** Layers that the peer sends us; none: one stream. */
  readonly receiveLayers: readonly ReceiveLayer[];
  /** Milliseconds of sound in a packet that the peer likes, and takes at most (RFC 8866 §6.4, §6.5). */
  readonly remotePtimeMs?: number;
  readonly remoteMaxPtimeMs?: number;
}

/** A layer that is received. */
export interface ReceiveLayer {
  /** Its rid, or the place in `a=ssrc-group:SIM` of a peer from before rids. */
  readonly name: string;
  /** By what its packets are found: the rid they carry, or the source that the description announces. */
  readonly rid?: string;
  readonly ssrc?: number;
}

/** A source and the one in which its lost packets are repeated, or which has their parity. */
export interface RepairedSource {
  readonly ssrc: number;
  readonly repairSsrc: number;
}

/** A section of both descriptions, of which `answerer` made the answer; undefined when either side rejects it. */
export function negotiateMedia(
  localSession: SdpSession,
  remoteSession: SdpSession,
  index: number,
  answerer: "local" | "remote",
): NegotiatedMedia | undefined {
  const local = localSession.media[index];
  const remote = remoteSession.media[index];
  if (local === undefined || remote === undefined || isRejected(local) || isRejected(remote))
    return undefined;
  const ours = directionOf(localSession, local);
  const theirs = directionOf(remoteSession, remote);
  const receiverRtt = agreedReceiverRtt(
    receiverRttOf(localSession, local),
    receiverRttOf(remoteSession, remote),
  );
  const remoteRepairs = repairsOf(remote, "FID");
  const remoteParities = repairsOf(remote, "FEC-FR");
  return {
    mid: local.mid ?? `${index}`,
    kind: local.kind,
    sending: sends(ours) && receives(theirs),
    receiving: receives(ours) && sends(theirs),
    codecs: inAnswerOrder(agreedCodecs(local.codecs, remote.codecs), local.codecs, answerer),
    extensions: agreedExtensions(local.extensions, [...remote.extensions, ...remoteSession.extensions]),
    reducedSizeRtcp: local.rtcpReducedSize && remote.rtcpReducedSize,
    ...(receiverRtt !== undefined && { receiverRtt }),
    remoteSsrcs: mediaSourcesOf(remote, [...remoteRepairs, ...remoteParities]),
    remoteRepairs,
    remoteParities,
    remoteCname: cnameOf(remote),
    ...layersOf(local, remote),
    ...(remote.ptimeMs !== undefined && { remotePtimeMs: remote.ptimeMs }),
    ...(remote.maxptimeMs !== undefined && { remoteMaxPtimeMs: remote.maxptimeMs }),
  };
}

/** RFC 3264 §7: the offerer sends what the answer names first; the answerer has named it by its own preference. */
function inAnswerOrder(
  agreed: readonly AgreedCodec[],
  local: readonly SdpCodec[],
  answerer: "local" | "remote",
): readonly AgreedCodec[] {
  if (answerer === "remote") return agreed;
  return [...agreed].sort((a, b) => local.indexOf(a.local) - local.indexOf(b.local));
}

function layersOf(local: SdpMedia, remote: SdpMedia): Pick<NegotiatedMedia, "sendLayers" | "receiveLayers"> {
  const haveRids = carriesRids(local) && carriesRids(remote);
  const ours = haveRids ? simulcastOf(local) : noSimulcast;
  const theirs = haveRids ? simulcastOf(remote) : noSimulcast;
  const received = agreedLayers(theirs.send, ours.recv).map(({ rid }) => ({ name: rid, rid }));
  const sources = received.length > 0 ? [] : sourceLayersOf(remote);
  return {
    sendLayers: agreedLayers(ours.send, theirs.recv),
    receiveLayers: [...received, ...sources.map((ssrc, index) => ({ name: `${index}`, ssrc }))],
  };
}

function repairsOf({ sourceGroups }: SdpMedia, kind: "FID" | "FEC-FR"): RepairedSource[] {
  return sourceGroups.flatMap(({ semantics, ssrcs: [ssrc, repairSsrc] }) =>
    semantics === kind && repairSsrc !== undefined ? [{ ssrc, repairSsrc }] : [],
  );
}

function mediaSourcesOf({ sources }: SdpMedia, repairs: readonly RepairedSource[]): number[] {
  const isRepair = (ssrc: number): boolean => repairs.some(({ repairSsrc }) => repairSsrc === ssrc);
  return sources.map(({ ssrc }) => ssrc).filter((ssrc) => !isRepair(ssrc));
}

function cnameOf(media: SdpMedia): string {
  const cnames = media.sources.flatMap((source) => source.attributes.filter(({ name }) => name === "cname"));
  return cnames[0]?.value ?? "";
}

/** The peer's half of the transport. */
export interface RemoteTransportDescription {
  readonly iceUfrag: string;
  readonly icePwd: string;
  readonly iceLite: boolean;
  readonly fingerprints: readonly SdpFingerprint[];
  readonly setup: SdpSetup | undefined;
  /** Index of the section it was read from: the BUNDLE group's tag. */
  readonly mediaIndex: number;
}

/** Index of the section whose transport all others share (RFC 8843 §7.1.3), -1 when every section is rejected. */
export function transportSectionIndex(session: SdpSession): number {
  const [tag] = bundledMids(session);
  const tagged = session.media.findIndex(
    (media) => tag !== undefined && media.mid === tag && !isRejected(media),
  );
  return tagged >= 0 ? tagged : session.media.findIndex((media) => !isRejected(media));
}

/** The transport a checked description speaks of; undefined when it accepts nothing. */
export function remoteTransportOf(
  session: SdpSession,
  mediaIndex: number,
): RemoteTransportDescription | undefined {
  const media = session.media[mediaIndex];
  if (media === undefined) return undefined;
  const { iceUfrag, icePwd, fingerprints, setup } = transportAttributesOf(session, media);
  if (iceUfrag === undefined || icePwd === undefined) return undefined;
  return { iceUfrag, icePwd, iceLite: session.iceLite, fingerprints, setup, mediaIndex };
}
