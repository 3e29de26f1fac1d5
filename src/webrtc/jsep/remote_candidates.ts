/** addIceCandidate (WebRTC 1.0 §4.4.1.7). */
import { defaultSdpLimits } from "../../protocol/sdp/sdp_limits.js";
import { transportAttributesOf } from "../../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "../connection_core.js";
import { domError } from "../dom_error.js";
import { type RTCIceCandidateInit, readCandidate } from "../rtc_ice_candidate.js";
import type { AppliedDescription } from "./description_state.js";

/** Where a candidate belongs, checked before anything is changed. */
interface Placement {
  readonly index: number | null;
  readonly ufrag: string | null;
}

export function checkCandidate(core: ConnectionCore, init: RTCIceCandidateInit): Placement {
  const remote = core.descriptions.remote;
  if (remote === null)
    throw domError("InvalidStateError", "There is no remote description to add a candidate to");
  const line = stripAttribute(init.candidate ?? "");
  const parsed = readCandidate(line);
  if (line !== "" && parsed === undefined) {
    throw domError("OperationError", `${JSON.stringify(line.slice(0, 120))} is no candidate`);
  }
  const placement = {
    index: sectionIndex(remote, init),
    ufrag: init.usernameFragment ?? parsed?.usernameFragment ?? null,
  };
  checkUfrag(core, placement);
  if (line !== "") checkRoom(core, placement);
  return placement;
}

/** A peer that trickles without end is stopped where one that puts all into its description is. */
function checkRoom(core: ConnectionCore, { index, ufrag }: Placement): void {
  const { maxCandidates } = defaultSdpLimits;
  const isFull = ({ session }: AppliedDescription) =>
    session.media.reduce((count, { candidates }) => count + candidates.length, 0) >= maxCandidates;
  if (!descriptionsWith(core, index, ufrag).some(isFull)) return;
  throw domError("OperationError", `The remote description holds ${maxCandidates} candidates already`);
}

/**
 * A candidate of RTCP's own component: an offerer that does not know yet whether RTCP will be multiplexed (Firefox)
 * tells those too. They are right, and of no use (RFC 5761 §5.1.3).
 */
function isForRtcp(line: string): boolean {
  return readCandidate(line)?.component === 2;
}

/** A trailing comparison of sdpMid and then sdpMLineIndex; null: every section (end of candidates only). */
function sectionIndex(remote: AppliedDescription, init: RTCIceCandidateInit): number | null {
  const { media } = remote.session;
  // Pion says "" where it means none; browsers go by the index then.
  const unnamed = init.sdpMid === "" && (init.sdpMLineIndex ?? null) !== null;
  if (init.sdpMid !== undefined && init.sdpMid !== null && !unnamed) {
    const index = media.findIndex((section, i) => (section.mid ?? `${i}`) === init.sdpMid);
    if (index < 0) throw domError("OperationError", `No section has the mid ${JSON.stringify(init.sdpMid)}`);
    return index;
  }
  if (init.sdpMLineIndex === undefined || init.sdpMLineIndex === null) return null;
  if (!(init.sdpMLineIndex < media.length)) {
    throw domError("OperationError", `There is no section ${init.sdpMLineIndex}`);
  }
  return init.sdpMLineIndex;
}

function checkUfrag(core: ConnectionCore, { index, ufrag }: Placement): void {
  if (ufrag === null) return;
  if (descriptionsWith(core, index, ufrag).length > 0) return;
  throw domError(
    "OperationError",
    `No remote description has the username fragment ${JSON.stringify(ufrag)}`,
  );
}

/** The remote descriptions in force whose section has these credentials. */
function descriptionsWith(
  core: ConnectionCore,
  index: number | null,
  ufrag: string | null,
): AppliedDescription[] {
  const { currentRemote, pendingRemote } = core.descriptions;
  return [currentRemote, pendingRemote].filter((applied): applied is AppliedDescription => {
    if (applied === null) return false;
    if (ufrag === null) return applied === core.descriptions.remote;
    const sections = applied.session.media.filter((_, i) => index === null || i === index);
    return sections.some((media) => transportAttributesOf(applied.session, media).iceUfrag === ufrag);
  });
}

/** Candidate lines are taken with or without "a=", as browsers do. */
function stripAttribute(line: string): string {
  return line.trim().replace(/^a=/, "");
}

/** Adds a checked candidate to the remote descriptions and, when they are in force, to the transport. */
export function addCandidate(
  core: ConnectionCore,
  init: RTCIceCandidateInit,
  { index, ufrag }: Placement,
): void {
  const line = stripAttribute(init.candidate ?? "");
  for (const applied of descriptionsWith(core, index, ufrag)) {
    const sections = applied.session.media.filter((_, i) => index === null || i === index);
    for (const media of sections) {
      if (line === "") media.endOfCandidates = true;
      else if (!media.candidates.includes(line)) media.candidates = [...media.candidates, line];
    }
    applied.touch();
  }
  forward(core, line, index, ufrag);
}

/** The transport learns candidates of its own section and generation; others wait in the description. */
function forward(core: ConnectionCore, line: string, index: number | null, ufrag: string | null): void {
  const { remote, media } = core.transport;
  if (remote === null || media === null) return;
  const ours = ufrag === null || ufrag === remote.iceUfrag;
  const tag =
    index === null || index === remote.mediaIndex || core.descriptions.remote?.session.groups.length === 0;
  if (!ours || !tag) return;
  if (isForRtcp(line)) return;
  if (line === "") media.endOfRemoteCandidates();
  else core.transport.addRemoteCandidate(line);
}
