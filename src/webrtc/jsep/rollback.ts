/** Going back to the last stable state (RFC 8829 §4.1.10.2, WebRTC 1.0 §4.4.1.5 rollback). */
import { receives } from "../../protocol/sdp/directions.js";
import type { SdpDirection } from "../../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "../connection_core.js";
import { internals } from "../internals.js";
import type { MediaStream } from "../media_stream.js";
import { type RTCRtpTransceiver, stopTransceiver } from "../rtc_rtp_transceiver.js";
import type { TrackChanges } from "./track_changes.js";

interface StableTransceiver {
  readonly mid: string | null;
  readonly mlineIndex: number | null;
  readonly firedDirection: SdpDirection | null;
  readonly streams: readonly MediaStream[];
}

const stableStates = new WeakMap<ConnectionCore, ReadonlyMap<RTCRtpTransceiver, StableTransceiver>>();

/** Called before a description leaves the stable state. */
export function rememberStable(core: ConnectionCore): void {
  const states = core.transceivers.map((transceiver) => {
    const { mid, mlineIndex, firedDirection } = transceiver[internals];
    const { streams } = transceiver.receiver[internals];
    return [transceiver, { mid, mlineIndex, firedDirection, streams }] as const;
  });
  stableStates.set(core, new Map(states));
}

export function rollback(core: ConnectionCore, changes: TrackChanges): void {
  const states = stableStates.get(core) ?? new Map<RTCRtpTransceiver, StableTransceiver>();
  for (const transceiver of core.transceivers) {
    const stable = states.get(transceiver);
    if (stable !== undefined) restore(transceiver, stable, changes);
    else undo(core, transceiver, changes);
  }
  const hadLocalOffer = core.descriptions.signalingState === "have-local-offer";
  core.descriptions.rollback();
  if (hadLocalOffer && core.transport.remote === null) core.replaceTransport();
  // A restart that was announced and taken back has new credentials the peer knows nothing of: it must be offered again.
  else if (hadLocalOffer && restartWasOffered(core)) core.restartWanted = true;
}

function restore(transceiver: RTCRtpTransceiver, stable: StableTransceiver, changes: TrackChanges): void {
  const state = transceiver[internals];
  state.mid = stable.mid;
  state.mlineIndex = stable.mlineIndex;
  if (state.firedDirection !== stable.firedDirection) {
    const withdrawn = stable.firedDirection === null || !receives(stable.firedDirection);
    if (withdrawn) changes.withdraw(transceiver);
  }
  changes.setStreams(transceiver, stable.streams);
  state.firedDirection = stable.firedDirection;
}

/** A transceiver the rolled-back description saw for the first time. */
function undo(core: ConnectionCore, transceiver: RTCRtpTransceiver, changes: TrackChanges): void {
  const state = transceiver[internals];
  if (state.firedDirection !== null && receives(state.firedDirection)) changes.withdraw(transceiver);
  state.mid = null;
  state.mlineIndex = null;
  state.firedDirection = null;
  if (!state.createdByRemote || state.addTrackUsed) return;
  stopTransceiver(transceiver);
  core.transceivers = core.transceivers.filter((other) => other !== transceiver);
}

function restartWasOffered(core: ConnectionCore): boolean {
  const session = core.descriptions.currentLocal?.session;
  return (
    session !== undefined &&
    !session.media.some((media) => media.iceUfrag === core.transport.local.usernameFragment)
  );
}
