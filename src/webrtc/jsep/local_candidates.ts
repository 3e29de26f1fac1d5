import { transportSectionIndex } from "../../protocol/sdp/negotiated_media.js";
import type { SdpMedia } from "../../protocol/sdp/sdp_model.js";
import { readCandidate } from "../rtc_ice_candidate.js";
import type { AppliedDescription } from "./description_state.js";

/** The section our candidates belong to: the BUNDLE group's tag. */
export function candidateSection(
  applied: AppliedDescription,
): { media: SdpMedia; index: number } | undefined {
  const index = transportSectionIndex(applied.session);
  const media = applied.session.media[index];
  return media === undefined ? undefined : { media, index };
}

/** Writes a gathered candidate into a local description, with the default address it may change (RFC 8839 §4.2.1.2). */
export function addLocalCandidate(applied: AppliedDescription, candidate: string): void {
  const media = candidateSection(applied)?.media;
  if (media === undefined || media.candidates.includes(candidate)) return;
  media.candidates = [...media.candidates, candidate];
  setDefaultCandidate(media);
  applied.touch();
}

const defaultOrder = ["relay", "srflx", "host", "prflx"];

/** The candidate a peer without ICE would most likely reach: relayed first, IPv4 before IPv6. */
function setDefaultCandidate(media: SdpMedia): void {
  const parsed = media.candidates.flatMap((line) => {
    const candidate = readCandidate(line);
    return candidate?.transport === "udp" && !candidate.address.endsWith(".local") ? [candidate] : [];
  });
  const rank = (candidate: (typeof parsed)[number]) =>
    2 * defaultOrder.indexOf(candidate.type) + (candidate.address.includes(":") ? 1 : 0);
  parsed.sort((a, b) => rank(a) - rank(b));
  const [best] = parsed;
  if (best === undefined || media.bundleOnly) return;
  media.port = best.port;
  media.connection = {
    netType: "IN",
    addressType: best.address.includes(":") ? "IP6" : "IP4",
    address: best.address,
  };
}

export function endLocalCandidates(applied: AppliedDescription): void {
  const media = candidateSection(applied)?.media;
  if (media === undefined) return;
  media.endOfCandidates = true;
  applied.touch();
}
