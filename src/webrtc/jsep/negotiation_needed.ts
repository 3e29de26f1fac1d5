import { isDataSection } from "../../protocol/sdp/data_section.js";
import { answerDirection, reverseDirection, sends } from "../../protocol/sdp/directions.js";
import { directionOf, isRejected, type SdpDirection, type SdpMedia } from "../../protocol/sdp/sdp_model.js";
import { internals } from "../internals.js";
import type { RTCRtpTransceiver } from "../rtc_rtp_transceiver.js";
import type { DescriptionState } from "./description_state.js";

/** What the answer depends on. */
export interface NegotiationState {
  /** ICE is to be restarted. */
  readonly restartWanted: boolean;
  readonly descriptions: Pick<DescriptionState, "currentLocal" | "currentRemote">;
  /** Whether the application made a channel. */
  readonly data: { readonly wanted: boolean };
  readonly transceivers: readonly RTCRtpTransceiver[];
}

/** WebRTC 1.0 §4.7.3 "check if negotiation is needed". */
export function isNegotiationNeeded(core: NegotiationState): boolean {
  if (core.restartWanted) return true;
  const { currentLocal } = core.descriptions;
  if (core.data.wanted && !currentLocal?.session.media.some(isDataSection)) return true;
  return core.transceivers.some((transceiver) => transceiverNeedsNegotiation(core, transceiver));
}

function transceiverNeedsNegotiation(core: NegotiationState, transceiver: RTCRtpTransceiver): boolean {
  const { stopping, stopped, mlineIndex } = transceiver[internals];
  const { currentLocal, currentRemote } = core.descriptions;
  if (stopping && !stopped) return true;
  if (mlineIndex === null || currentLocal === null || currentRemote === null) return !stopped;
  const local = currentLocal.session.media[mlineIndex];
  const remote = currentRemote.session.media[mlineIndex];
  if (local === undefined || remote === undefined) return !stopped;
  if (stopped) return !isRejected(local) && !isRejected(remote);
  if (sends(transceiver[internals].direction) && !sameMsids(transceiver, local)) return true;
  const ours = directionOf(currentLocal.session, local);
  const theirs = directionOf(currentRemote.session, remote);
  return !directionIsSettled(transceiver, currentLocal.type, ours, theirs);
}

function sameMsids(transceiver: RTCRtpTransceiver, media: SdpMedia): boolean {
  const described = media.msids.map(({ stream }) => stream).filter((stream) => stream !== "-");
  const wanted = transceiver.sender[internals].streamIds;
  return (
    media.msids.length > 0 &&
    described.length === wanted.length &&
    wanted.every((id) => described.includes(id))
  );
}

function directionIsSettled(
  transceiver: RTCRtpTransceiver,
  localType: string,
  ours: SdpDirection,
  theirs: SdpDirection,
): boolean {
  const { direction } = transceiver[internals];
  if (localType === "offer") return direction === ours || direction === reverseDirection(theirs);
  return ours === answerDirection(direction, theirs);
}
