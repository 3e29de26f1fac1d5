/** The section of data channels: SCTP over DTLS over UDP (RFC 8841). */
import { emptyMedia, isRejected, type SdpMedia, type SdpSession } from "./sdp_model.js";

const format = "webrtc-datachannel";
/** RFC 8831 §6.1 asks for no port in particular; everybody takes this one. */
export const defaultSctpPort = 5000;
/** RFC 8841 §6.1: what a section without a=max-message-size allows. */
const impliedMaxMessageSize = 65_536;

/** What one side says about its data channels. */
export interface LocalDataSection {
  readonly mid: string;
  readonly sctpPort: number;
  /** Largest message this side takes, in bytes. */
  readonly maxMessageSize: number;
}

/** Whether a section is for data channels as RFC 8841 writes them. */
export function isDataSection(media: SdpMedia): boolean {
  return (
    media.kind === "application" &&
    /^(UDP|TCP)\/DTLS\/SCTP$/.test(media.protocol) &&
    media.formats.includes(format)
  );
}

/** The section without its transport. */
export function dataMedia(section: LocalDataSection, protocol = "UDP/DTLS/SCTP"): SdpMedia {
  return {
    ...emptyMedia("application", protocol),
    mid: section.mid,
    formats: [format],
    sctpPort: section.sctpPort,
    maxMessageSize: section.maxMessageSize,
  };
}

export interface NegotiatedData {
  readonly localPort: number;
  readonly remotePort: number;
  /** Largest message we take, in bytes. */
  readonly localMaxMessageSize: number;
  /** Largest message the peer takes; Infinity: any. */
  readonly remoteMaxMessageSize: number;
}

/** Index of the section for data channels that is not rejected; -1: there is none. */
export function dataSectionIndex(session: SdpSession): number {
  return session.media.findIndex((media) => isDataSection(media) && !isRejected(media));
}

/** What both descriptions settle; undefined when one of them has no data channels. */
export function negotiateData(local: SdpSession, remote: SdpSession): NegotiatedData | undefined {
  const index = dataSectionIndex(local);
  const ours = local.media[index];
  const theirs = remote.media[index];
  if (ours === undefined || theirs === undefined || !isDataSection(theirs) || isRejected(theirs))
    return undefined;
  const theirMaximum = theirs.maxMessageSize ?? impliedMaxMessageSize;
  return {
    localPort: ours.sctpPort ?? defaultSctpPort,
    remotePort: theirs.sctpPort ?? defaultSctpPort,
    localMaxMessageSize: ours.maxMessageSize ?? impliedMaxMessageSize,
    remoteMaxMessageSize: theirMaximum === 0 ? Number.POSITIVE_INFINITY : theirMaximum,
  };
}
