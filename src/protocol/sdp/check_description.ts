/** What must hold before a peer's description is used (RFC 8829 §5.8.3, §5.9; RFC 8843, RFC 8842, RFC 8839). */
import { extensionUris, type RtpKind } from "./codec_capabilities.js";
import { answerDirection, reverseDirection } from "./directions.js";
import { SdpError } from "./sdp_error.js";
import {
  bundledMids,
  directionOf,
  isRejected,
  type SdpMedia,
  type SdpSession,
  transportAttributesOf,
} from "./sdp_model.js";

export function isRtpKind(kind: string): kind is RtpKind {
  return kind === "audio" || kind === "video";
}

/** A section this stack could take part in: audio or video over SRTP with DTLS keys (RFC 8829 §5.1.2). */
export function isUsable(media: SdpMedia): boolean {
  return isRtpKind(media.kind) && /^((UDP|TCP)\/TLS\/)?RTP\/SAVPF?$/.test(media.protocol);
}

function sectionName(media: SdpMedia, index: number): string {
  return `section ${index} (${media.kind}${media.mid === undefined ? "" : `, mid ${JSON.stringify(media.mid)}`})`;
}

/** Checks a peer's offer or answer by itself. */
export function checkRemoteDescription(session: SdpSession): void {
  checkMids(session);
  checkBundle(session);
  checkSessionFingerprint(session);
  session.media.forEach((media, index) => {
    if (!isRejected(media)) checkTransport(session, media, index);
    if (!isRejected(media) && isUsable(media)) checkRtp(media, index);
  });
}

function checkMids(session: SdpSession): void {
  const seen = new Set<string>();
  for (const { mid } of session.media) {
    if (mid === undefined) continue;
    if (seen.has(mid)) throw new SdpError("SDP_MISMATCH", `mid ${JSON.stringify(mid)} appears twice`);
    seen.add(mid);
  }
}

function checkBundle(session: SdpSession): void {
  const mids = bundledMids(session);
  const sections = mids.map((mid) => session.media.find((media) => media.mid === mid));
  sections.forEach((media, index) => {
    if (media !== undefined) return;
    throw new SdpError("SDP_MISMATCH", `BUNDLE names ${JSON.stringify(mids[index])}, which no section has`);
  });
  checkExtensionIds(sections.filter((media) => media !== undefined && !isRejected(media)) as SdpMedia[]);
}

/**
 * RFC 8843 §9.1: within a BUNDLE group an id means one extension. aiortc numbers each section by itself, and what a
 * section's streams carry is read by its own map, so only an id whose meaning must be known before the section is
 * (the mid's) has to be clear.
 */
function checkExtensionIds(sections: readonly SdpMedia[]): void {
  const uriOfId = new Map<number, string>();
  for (const { id, uri } of sections.flatMap((media) => media.extensions)) {
    const known = uriOfId.get(id);
    if (known !== undefined && known !== uri && [known, uri].includes(extensionUris.mid)) {
      throw new SdpError("SDP_MISMATCH", `header extension id ${id} means both ${known} and ${uri}`);
    }
    uriOfId.set(id, uri);
  }
}

function checkSessionFingerprint(session: SdpSession): void {
  const used = session.media.filter((media) => !isRejected(media));
  if (used.length === 0 || session.fingerprints.length > 0) return;
  if (used.some((media) => media.fingerprints.length > 0)) return;
  throw new SdpError("SDP_NO_FINGERPRINT", "no certificate fingerprint: who would the keys be agreed with?");
}

/** RFC 8843 §7.1.3: a bundle-only section takes its transport from the group's tag. */
function checkTransport(session: SdpSession, media: SdpMedia, index: number): void {
  if (media.bundleOnly) return;
  const transport = transportAttributesOf(session, media);
  const name = sectionName(media, index);
  if (transport.iceUfrag === undefined || transport.icePwd === undefined) {
    throw new SdpError("SDP_ICE_CREDENTIALS", `${name} has no ice-ufrag and ice-pwd`);
  }
  if (transport.fingerprints.length === 0) {
    throw new SdpError("SDP_NO_FINGERPRINT", `${name} has no fingerprint`);
  }
}

function checkRtp(media: SdpMedia, index: number): void {
  // RFC 8829 §4.1.1: the "require" policy, the only one there is.
  if (!media.rtcpMux && !media.bundleOnly) {
    throw new SdpError("SDP_UNSUPPORTED", `${sectionName(media, index)} has no rtcp-mux`);
  }
}

/** Checks that an answer fits the offer it answers (RFC 3264 §6, RFC 8843 §7.5). */
export function checkAnswer(offer: SdpSession, answer: SdpSession): void {
  if (offer.media.length !== answer.media.length) {
    throw new SdpError(
      "SDP_MISMATCH",
      `the offer has ${offer.media.length} sections, the answer ${answer.media.length}`,
    );
  }
  answer.media.forEach((media, index) => {
    checkAnswerSection(offer, offer.media[index], answer, media, index);
  });
  checkAnswerBundle(offer, answer);
}

function checkAnswerSection(
  offer: SdpSession,
  offered: SdpMedia,
  answer: SdpSession,
  media: SdpMedia,
  index: number,
): void {
  const name = sectionName(media, index);
  if (offered.kind !== media.kind)
    throw new SdpError("SDP_MISMATCH", `${name} answers a ${offered.kind} section`);
  if (media.mid !== undefined && offered.mid !== undefined && media.mid !== offered.mid) {
    throw new SdpError("SDP_MISMATCH", `${name} answers the section with mid ${JSON.stringify(offered.mid)}`);
  }
  if (isRejected(media)) return;
  if (isRejected(offered)) throw new SdpError("SDP_MISMATCH", `${name} was offered as rejected`);
  if (transportAttributesOf(answer, media).setup === "actpass") {
    throw new SdpError("SDP_MISMATCH", `${name} answers with a=setup:actpass`);
  }
  if (!isRtpKind(media.kind)) return;
  const direction = directionOf(answer, media);
  const offeredDirection = directionOf(offer, offered);
  // RFC 3264 §6.1; what a peer sends in spite of it is left unread, so only the contradiction itself is refused.
  if (answerDirection(direction, offeredDirection) !== direction) {
    const allowed = reverseDirection(offeredDirection);
    throw new SdpError(
      "SDP_MISMATCH",
      `${name} answers ${offeredDirection} with ${direction}; ${allowed} allows less`,
    );
  }
}

function checkAnswerBundle(offer: SdpSession, answer: SdpSession): void {
  const offered = bundledMids(offer);
  const answered = bundledMids(answer);
  const stranger = answered.find((mid) => !offered.includes(mid));
  if (stranger !== undefined) {
    throw new SdpError("SDP_MISMATCH", `the answer bundles ${JSON.stringify(stranger)}, the offer does not`);
  }
  const alone = answer.media.filter((media, index) => {
    const mid = media.mid ?? offer.media[index].mid;
    return !isRejected(media) && (mid === undefined || !answered.includes(mid));
  });
  const accepted = answer.media.filter((media) => !isRejected(media)).length;
  if (alone.length > 0 && accepted > 1) {
    throw new SdpError(
      "SDP_UNSUPPORTED",
      "the answer accepts sections outside BUNDLE; there is one transport for all",
    );
  }
}
