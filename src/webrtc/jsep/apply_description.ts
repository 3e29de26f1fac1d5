/** setLocalDescription and setRemoteDescription after their checks (WebRTC 1.0 §4.4.1.5, RFC 8829 §5.9 to §5.11). */
import { isUsable } from "../../protocol/sdp/check_description.js";
import { isDataSection, negotiateData } from "../../protocol/sdp/data_section.js";
import { receives, reverseDirection, sends } from "../../protocol/sdp/directions.js";
import { dtlsRole } from "../../protocol/sdp/dtls_setup.js";
import {
  negotiateMedia,
  remoteTransportOf,
  transportSectionIndex,
} from "../../protocol/sdp/negotiated_media.js";
import {
  directionOf,
  isRejected,
  type SdpDirection,
  type SdpMedia,
  type SdpSession,
} from "../../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "../connection_core.js";
import { internals } from "../internals.js";
import { setLayerTracks } from "../layer_tracks.js";
import { setRemoteSource, setTrackMuted } from "../media_stream_track.js";
import { type RTCRtpTransceiver, setTransport, stopTransceiver } from "../rtc_rtp_transceiver.js";
import { rtpKind } from "./create_descriptions.js";
import type { AppliedDescription, CreatedDescription } from "./description_state.js";
import { addLocalCandidate } from "./local_candidates.js";
import { rememberStable } from "./rollback.js";
import { proposeLayers, settleLayers } from "./simulcast.js";
import type { TrackChanges } from "./track_changes.js";

/** Puts our own description in force. */
export function applyLocal(
  core: ConnectionCore,
  applied: AppliedDescription,
  created: CreatedDescription,
  changes: TrackChanges,
): void {
  if (core.descriptions.signalingState === "stable") rememberStable(core);
  created.transceivers.forEach((transceiver, index) => {
    if (transceiver === undefined) return;
    associate(transceiver, index, applied.session.media[index]);
    if (!isRejected(applied.session.media[index])) setTransport(transceiver, core.transport.dtls);
  });
  if (negotiatesData(applied.session)) core.data.announce();
  core.descriptions.apply("local", applied);
  for (const candidate of core.transport.gathered) addLocalCandidate(applied, candidate);
  if (applied.type !== "offer") settle(core, applied.type === "answer", changes, "local");
}

function negotiatesData({ media }: SdpSession): boolean {
  return media.some((section) => isDataSection(section) && !isRejected(section));
}

function associate(transceiver: RTCRtpTransceiver, index: number, media: SdpMedia): void {
  transceiver[internals].mlineIndex = index;
  transceiver[internals].mid = media.mid ?? `${index}`;
}

/** Puts the peer's checked description in force. */
export function applyRemote(core: ConnectionCore, applied: AppliedDescription, changes: TrackChanges): void {
  const { session, type } = applied;
  if (core.descriptions.signalingState === "stable") rememberStable(core);
  session.media.forEach((media, index) => {
    const transceiver = type === "offer" ? transceiverFor(core, session, index) : core.transceiverAt(index);
    if (transceiver === undefined) return;
    if (type === "offer") {
      associate(transceiver, index, media);
      transceiver.sender[internals].lastReturned = null;
      proposeLayers(transceiver, media);
    }
    if (isRejected(media)) {
      if (!transceiver[internals].stopped) stopTransceiver(transceiver);
    } else changes.update(transceiver, reverseDirection(directionOf(session, media)), media);
  });
  if (type === "offer" && negotiatesData(session)) core.data.announce();
  core.descriptions.apply("remote", applied);
  if (type !== "offer") settle(core, type === "answer", changes, "remote");
}

/** RFC 8829 §5.10: the section's transceiver, one of addTrack's that waits for a section, or a new one. */
function transceiverFor(
  core: ConnectionCore,
  session: SdpSession,
  index: number,
): RTCRtpTransceiver | undefined {
  const media = session.media[index];
  const known = core.transceiverAt(index);
  if (known !== undefined && known.mid === (media.mid ?? `${index}`)) return known;
  if (known !== undefined) known[internals].mlineIndex = null;
  const kind = rtpKind(media);
  if (kind === undefined || isRejected(media) || !isUsable(media)) return undefined;
  const waiting = core.transceivers.find((transceiver) => {
    const state = transceiver[internals];
    return (
      state.addTrackUsed &&
      state.mlineIndex === null &&
      !state.stopping &&
      transceiver.receiver[internals].kind === kind
    );
  });
  if (waiting !== undefined && receives(directionOf(session, media))) return waiting;
  return core.addTransceiver({ kind, direction: "recvonly", createdByRemote: true });
}

/** An answer, provisional or not, is there: directions, transport and media follow from the pair. */
function settle(
  core: ConnectionCore,
  final: boolean,
  changes: TrackChanges,
  answerer: "local" | "remote",
): void {
  const local = core.descriptions.local?.session;
  const remote = core.descriptions.remote?.session;
  if (local === undefined || remote === undefined) return;
  for (const transceiver of core.transceivers) {
    const index = transceiver[internals].mlineIndex;
    if (index === null || index >= local.media.length || index >= remote.media.length) continue;
    const answer = answerer === "local" ? local : remote;
    const media = answer.media[index];
    if (isRejected(media)) {
      if (!transceiver[internals].stopped) stopTransceiver(transceiver);
      setNegotiated(core, transceiver, null);
      continue;
    }
    const said = directionOf(answer, media);
    const direction = answerer === "local" ? said : reverseDirection(said);
    setDirection(transceiver, direction);
    if (answerer === "local") changes.update(transceiver, direction, remote.media[index]);
    const negotiated = negotiateMedia(local, remote, index, answerer) ?? null;
    if (final && negotiated !== null) settleLayers(transceiver.sender, negotiated);
    setNegotiated(core, transceiver, negotiated);
  }
  const data = negotiateData(local, remote);
  if (data !== undefined) core.data.start(data);
  else if (final) core.data.refuse();
  connectTransport(core, answerer === "local");
  if (core.transport.role !== null) core.data.openWaiting(core.transport.role);
  if (final) forgetStopped(core);
  if (final && core.transport.media !== null && transportSectionIndex(local) < 0) core.discardTransport();
  core.syncMedia();
  if (final) core.noteCredentials();
}

function setDirection(transceiver: RTCRtpTransceiver, direction: SdpDirection): void {
  transceiver[internals].currentDirection = direction;
  if (sends(direction)) transceiver[internals].hasSent = true;
}

function setNegotiated(
  core: ConnectionCore,
  transceiver: RTCRtpTransceiver,
  negotiated: ReturnType<typeof negotiateMedia> | null,
): void {
  const { sender, receiver } = transceiver;
  sender[internals].negotiated = negotiated ?? null;
  sender[internals].lastReturned = null;
  receiver[internals].negotiated = negotiated ?? null;
  setTransport(transceiver, negotiated ? core.transport.dtls : null);
  const { media } = core.transport;
  const remote = negotiated?.receiving && media !== null ? { transport: media, mid: negotiated.mid } : null;
  setRemoteSource(receiver.track, remote);
  if (remote === null) setTrackMuted(receiver.track, true);
  setLayerTracks(receiver, remote, remote === null ? [] : (negotiated?.receiveLayers ?? []));
}

/** Hands the peer's credentials, fingerprints and candidates to the transport (RFC 8829 §5.11). */
function connectTransport(core: ConnectionCore, weAnswered: boolean): void {
  const local = core.descriptions.local?.session;
  const remote = core.descriptions.remote?.session;
  if (local === undefined || remote === undefined) return;
  const answer = weAnswered ? local : remote;
  const index = transportSectionIndex(answer);
  const description = remoteTransportOf(remote, index);
  if (description === undefined) return;
  const setup = (weAnswered ? local : remote).media[index].setup ?? answer.setup;
  const role = core.transport.role ?? dtlsRole(setup, weAnswered);
  const { candidates, endOfCandidates } = remote.media[index];
  core.transport.connect(description, role, candidates, endOfCandidates);
}

/**
 * WebRTC 1.0 §4.4.1.5: transceivers whose section both sides have rejected leave the connection, and so do those that
 * were stopped before any section was theirs: nothing is left to negotiate about them.
 */
function forgetStopped(core: ConnectionCore): void {
  for (const transceiver of core.transceivers) {
    const { stopping, mlineIndex } = transceiver[internals];
    if (stopping && mlineIndex === null) stopTransceiver(transceiver);
  }
  core.transceivers = core.transceivers.filter((transceiver) => !transceiver[internals].stopped);
}
