/** Going back to the last stable state (RFC 8829 §4.1.10.2, WebRTC 1.0 §4.4.1.5 rollback). */
import type { SdpDirection } from "../../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "../connection_core.js";
import { internals } from "../internals.js";
import type { MediaStream } from "../media_stream.js";
import type { RTCDtlsTransport } from "../rtc_dtls_transport.js";
import type { RTCRtpEncodingParameters } from "../rtc_rtp_parameters.js";
import { type RTCRtpTransceiver, setTransport, stopTransceiver } from "../rtc_rtp_transceiver.js";
import { setEncodings, withdrawLayers } from "./simulcast.js";
import type { TrackChanges } from "./track_changes.js";

interface StableTransceiver {
  readonly mid: string | null;
  readonly mlineIndex: number | null;
  readonly firedDirection: SdpDirection | null;
  readonly streams: readonly MediaStream[];
  readonly transport: RTCDtlsTransport | null;
  readonly encodings: RTCRtpEncodingParameters[];
}

interface StableState {
  readonly transceivers: ReadonlyMap<RTCRtpTransceiver, StableTransceiver>;
  readonly hadSctp: boolean;
}

const stableStates = new WeakMap<ConnectionCore, StableState>();

/** Called before a description leaves the stable state. */
export function rememberStable(core: ConnectionCore): void {
  const states = core.transceivers.map((transceiver) => {
    const { mid, mlineIndex, firedDirection } = transceiver[internals];
    const { streams, transport } = transceiver.receiver[internals];
    const { encodings } = transceiver.sender[internals];
    return [transceiver, { mid, mlineIndex, firedDirection, streams, transport, encodings }] as const;
  });
  stableStates.set(core, { transceivers: new Map(states), hadSctp: core.data.sctp !== null });
}

export function rollback(core: ConnectionCore, changes: TrackChanges): void {
  const stableState = stableStates.get(core);
  const hadLocalOffer = core.descriptions.signalingState === "have-local-offer";
  for (const transceiver of core.transceivers) {
    const stable = stableState?.transceivers.get(transceiver);
    if (stable === undefined) {
      undo(core, transceiver, changes);
      continue;
    }
    restore(transceiver, stable);
    if (!hadLocalOffer) changes.process(transceiver, stable.firedDirection, stable.streams);
  }
  core.descriptions.rollback();
  if (stableState?.hadSctp === false) core.data.sctp = null;
  if (hadLocalOffer && core.transport.remote === null) core.replaceTransport();
  else if (hadLocalOffer && core.transport.withdrawRestart()) {
    // It has to be offered again, and with other credentials: the engine takes each only once.
    core.wantRestart();
    core.descriptions.lastOffer = null;
  }
}

function restore(transceiver: RTCRtpTransceiver, stable: StableTransceiver): void {
  const state = transceiver[internals];
  state.mid = stable.mid;
  state.mlineIndex = stable.mlineIndex;
  setTransport(transceiver, stable.transport);
  restoreEncodings(transceiver, stable.encodings);
}

/** The layers that a peer's offer proposed are not to be; what the application has set since stays. */
function restoreEncodings({ sender }: RTCRtpTransceiver, before: RTCRtpEncodingParameters[]): void {
  const now = sender[internals].encodings;
  if (now.length !== before.length || now[0]?.rid !== before[0]?.rid) setEncodings(sender, before);
}

/** A transceiver the rolled-back description saw for the first time. */
function undo(core: ConnectionCore, transceiver: RTCRtpTransceiver, changes: TrackChanges): void {
  const state = transceiver[internals];
  changes.process(transceiver, null, []);
  state.mid = null;
  state.mlineIndex = null;
  setTransport(transceiver, null);
  if (!state.createdByRemote) return;
  withdrawLayers(transceiver.sender);
  if (state.addTrackUsed) return;
  stopTransceiver(transceiver);
  core.transceivers = core.transceivers.filter((other) => other !== transceiver);
}
