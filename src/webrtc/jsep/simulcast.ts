/** Layers in offers and answers: what a sender's encodings become by them (WebRTC 1.0 §4.4.1.5, RFC 8853 §5.3). */
import { receives, sends } from "../../protocol/sdp/directions.js";
import type { NegotiatedMedia } from "../../protocol/sdp/negotiated_media.js";
import type { SdpMedia } from "../../protocol/sdp/sdp_model.js";
import {
  agreedLayers,
  type Simulcast,
  type SimulcastLayer,
  simulcastOf,
} from "../../protocol/sdp/simulcast.js";
import { internals } from "../internals.js";
import { initialEncodings, type RTCRtpEncodingParameters } from "../rtc_rtp_parameters.js";
import type { RTCRtpSender } from "../rtc_rtp_sender.js";
import type { RTCRtpTransceiver } from "../rtc_rtp_transceiver.js";

/** What to offer: the encodings' layers, and those of the peer's that were agreed upon before. */
export function offeredSimulcast(transceiver: RTCRtpTransceiver): Simulcast {
  const send = layersOf(transceiver);
  const { negotiated } = transceiver.receiver[internals];
  const received = receives(transceiver[internals].direction) ? (negotiated?.receiveLayers ?? []) : [];
  const recv = received.flatMap(({ rid }) => (rid === undefined ? [] : [{ rid, paused: false }]));
  // RFC 8851 §6: a name is for one direction.
  return { send, recv: recv.filter(({ rid }) => send.every((layer) => layer.rid !== rid)) };
}

/** What to answer: of the layers that the peer wants those there are, and all that it offers. */
export function answeredSimulcast(transceiver: RTCRtpTransceiver, offered: SdpMedia): Simulcast {
  const theirs = simulcastOf(offered);
  return {
    send: agreedLayers(unpaused(theirs.recv), layersOf(transceiver)),
    recv: receives(transceiver[internals].direction) ? theirs.send : [],
  };
}

/**
 * One encoding alone has no rid, and is no layer. An inactive one is a layer as the others are: `active` needs no negotiation, and none
 * changes it (WebRTC 1.0 §5.4.1).
 */
function layersOf(transceiver: RTCRtpTransceiver): SimulcastLayer[] {
  const { encodings } = transceiver.sender[internals];
  if (!sends(transceiver[internals].direction)) return [];
  return encodings.flatMap(({ rid }) => (rid === undefined ? [] : [{ rid, paused: false }]));
}

/** RFC 8853 §5.3.2: who has no messages to pause and resume by pauses nothing. */
function unpaused(layers: readonly SimulcastLayer[]): SimulcastLayer[] {
  return layers.map(({ rid }) => ({ rid, paused: false }));
}

/**
 * The peer offers to take layers: a sender that has not been told of any by the application makes those. The answer decides; until
 * then a rollback brings the former encodings back.
 */
export function proposeLayers({ sender }: RTCRtpTransceiver, offered: SdpMedia): void {
  const state = sender[internals];
  const [alone, ...others] = state.encodings;
  const proposed = simulcastOf(offered).recv;
  if (proposed.length === 0 || others.length > 0 || alone?.rid !== undefined) return;
  const made = initialEncodings(
    state.kind,
    proposed.map(({ rid }) => ({ rid })),
  );
  setEncodings(sender, made);
}

/** The offer that made the transceiver is rolled back, and the application has put a track there: it is sent in one encoding. */
export function withdrawLayers(sender: RTCRtpSender): void {
  const { encodings, kind } = sender[internals];
  if (encodings[0]?.rid !== undefined) setEncodings(sender, initialEncodings(kind));
}

/**
 * An answer is there: layers that it does not name are gone for good. One that takes no layers leaves the first, which keeps its name:
 * it may be asked for again, the others may not.
 */
export function settleLayers(sender: RTCRtpSender, { sendLayers, sending }: NegotiatedMedia): void {
  const { encodings } = sender[internals];
  const [first] = encodings;
  if (!sending || first?.rid === undefined) return;
  if (sendLayers.length === 0) {
    setEncodings(sender, [first]);
    return;
  }
  const left = encodings.filter((encoding) => sendLayers.some(({ rid }) => rid === encoding.rid));
  setEncodings(sender, left);
}

/** What getParameters returned before is no longer so. */
export function setEncodings(sender: RTCRtpSender, encodings: RTCRtpEncodingParameters[]): void {
  sender[internals].encodings = encodings;
  sender[internals].lastReturned = null;
}
