/**
 * Held against TypeScript's own declarations of the browser's API (lib.dom): what is typed for a browser takes our objects. Compiled
 * alone, by test/api/types.test.ts. What differs is left out by name, with its reason, and has to differ.
 */
import type * as ours from "../../dist/src/webrtc/index.js";

/** Compiles when ours can stand where theirs is wanted. */
type Fits<Ours extends Theirs, Theirs> = Ours;

/** Theirs without members that ours differs in. One of them that fits after all does not compile. */
type Without<Theirs, Ours, Names extends keyof Theirs> =
  Extract<{ [Name in Names]: Ours extends Pick<Theirs, Name> ? Name : never }[Names], Names> extends never
    ? Omit<Theirs, Names>
    : never;

/**
 * Parameters: a degradation preference that lib.dom does not know, and members that are always there. What takes objects takes those
 * of the same implementation.
 */
type Sender = Without<RTCRtpSender, ours.RTCRtpSender, "getParameters" | "setParameters" | "setStreams">;
/** Senders follow. */
type Transceiver = Without<RTCRtpTransceiver, ours.RTCRtpTransceiver, "sender"> & {
  readonly sender: Sender;
};
type TrackEvent = Without<RTCTrackEvent, ours.RTCTrackEvent, "streams" | "transceiver"> & {
  readonly transceiver: Transceiver;
};
type Connection = Without<
  RTCPeerConnection,
  ours.RTCPeerConnection,
  | "addTrack"
  | "addTransceiver"
  | "getConfiguration"
  | "getSenders"
  | "getTransceivers"
  // What takes objects takes those of the same implementation.
  | "removeTrack"
  | "setConfiguration"
  // Handlers get events that say more than a browser's: see Handles.
  | "ondatachannel"
  | "onicecandidate"
  | "ontrack"
> & {
  addTrack(track: ours.MediaStreamTrack, ...streams: ours.MediaStream[]): Sender;
  addTransceiver(trackOrKind: ours.MediaStreamTrack | string): Transceiver;
  getSenders(): Sender[];
  getTransceivers(): Transceiver[];
};

/** A browser's handler can be ours. */
type Handles<Event, Handler> = ((event: Event) => void) extends NonNullable<Handler> ? true : false;
type True<Holds extends true> = Holds;

export type Checks = [
  Fits<ours.RTCPeerConnection, Connection>,
  Fits<ours.RTCRtpSender, Sender>,
  Fits<ours.RTCRtpReceiver, RTCRtpReceiver>,
  Fits<ours.RTCRtpTransceiver, Transceiver>,
  Fits<ours.RTCTrackEvent, TrackEvent>,
  Fits<ours.MediaStream, Without<MediaStream, ours.MediaStream, "clone" | "onaddtrack" | "onremovetrack">>,
  Fits<ours.RTCDataChannel, RTCDataChannel>,
  Fits<ours.RTCDtlsTransport, RTCDtlsTransport>,
  Fits<ours.RTCIceTransport, RTCIceTransport>,
  Fits<ours.RTCSctpTransport, RTCSctpTransport>,
  Fits<ours.RTCIceCandidate, RTCIceCandidate>,
  Fits<ours.RTCSessionDescription, RTCSessionDescription>,
  Fits<ours.RTCCertificate, RTCCertificate>,
  Fits<ours.RTCDTMFSender, RTCDTMFSender>,
  Fits<ours.RTCStatsReport, RTCStatsReport>,
  Fits<ours.RTCError, RTCError>,
  Fits<ours.RTCDataChannelEvent, RTCDataChannelEvent>,
  Fits<ours.RTCPeerConnectionIceEvent, RTCPeerConnectionIceEvent>,
  Fits<ours.RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceErrorEvent>,
  Fits<ours.RTCErrorEvent, RTCErrorEvent>,
  Fits<ours.MediaStreamTrack, MediaStreamTrack>,
  Fits<ours.MediaStreamTrackEvent, MediaStreamTrackEvent>,
  True<Handles<RTCDataChannelEvent, ours.RTCPeerConnection["ondatachannel"]>>,
  True<Handles<RTCPeerConnectionIceEvent, ours.RTCPeerConnection["onicecandidate"]>>,
  True<Handles<TrackEvent, ours.RTCPeerConnection["ontrack"]>>,
  True<Handles<MediaStreamTrackEvent, ours.MediaStream["onaddtrack"]>>,
  // What a browser's code gives us.
  // Certificates are those of the same implementation.
  Fits<Omit<RTCConfiguration, "certificates">, ours.RTCConfiguration>,
  Fits<RTCDataChannelInit, ours.RTCDataChannelInit>,
  Fits<RTCIceCandidateInit, ours.RTCIceCandidateInit>,
  Fits<RTCSessionDescriptionInit, ours.RTCSessionDescriptionInit>,
  Fits<RTCOfferOptions, ours.RTCOfferOptions>,
];

/** A program as written for a browser. */
export async function call(pc: ours.RTCPeerConnection): Promise<string> {
  pc.onicecandidate = ({ candidate }) => candidate?.toJSON();
  pc.onconnectionstatechange = () => pc.connectionState;
  const channel: RTCDataChannel = pc.createDataChannel("chat", { ordered: false, maxRetransmits: 0 });
  channel.binaryType = "arraybuffer";
  channel.onmessage = ({ data }) => String(data);
  await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
  const report: RTCStatsReport = await pc.getStats();
  const kinds = [...report.values()].map(({ type }) => type);
  return `${pc.localDescription?.sdp ?? ""} ${kinds}`;
}
