import type { CodecCapability } from "../protocol/sdp/codec_capabilities.js";
import type { SdpDirection } from "../protocol/sdp/sdp_model.js";
import { preferredCapabilities } from "./codec_preferences.js";
import type { ConnectionHost } from "./connection_host.js";
import { domError } from "./dom_error.js";
import { checkConstructor, internals } from "./internals.js";
import { endLayerTracks } from "./layer_tracks.js";
import type { MediaStream } from "./media_stream.js";
import { endRemoteTrack } from "./media_stream_track.js";
import type { RTCDtlsTransport } from "./rtc_dtls_transport.js";
import type { RTCRtpCodec, RTCRtpEncodingParameters } from "./rtc_rtp_parameters.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import { type RTCRtpSender, unwatchTrack } from "./rtc_rtp_sender.js";
import { checkThis, defineInterface } from "./web_idl.js";

export type RTCRtpTransceiverDirection = SdpDirection | "stopped";
export const settableDirections: readonly SdpDirection[] = ["sendrecv", "sendonly", "recvonly", "inactive"];

export interface RTCRtpTransceiverInit {
  readonly direction?: RTCRtpTransceiverDirection;
  readonly streams?: readonly MediaStream[];
  readonly sendEncodings?: readonly RTCRtpEncodingParameters[];
}

export interface TransceiverInit {
  readonly host: ConnectionHost;
  readonly sender: RTCRtpSender;
  readonly receiver: RTCRtpReceiver;
  readonly direction: SdpDirection;
  readonly createdByRemote: boolean;
  readonly createdByAddTrack: boolean;
}

interface TransceiverState {
  readonly sender: RTCRtpSender;
  readonly receiver: RTCRtpReceiver;
  readonly host: ConnectionHost;
  mid: string | null;
  /** Place in the descriptions once associated. */
  mlineIndex: number | null;
  direction: SdpDirection;
  currentDirection: SdpDirection | null;
  /** The direction the application last heard of by track events. */
  firedDirection: SdpDirection | null;
  /** Has ever sent: addTrack doesn't take its sender again (WebRTC 1.0 §5.1). */
  hasSent: boolean;
  stopping: boolean;
  stopped: boolean;
  preferred: readonly CodecCapability[];
  createdByRemote: boolean;
  /** Made by addTrack, or taken by it: a remote section may be married to it (RFC 8829 §5.10). */
  addTrackUsed: boolean;
}

/** A sender and a receiver that share a section (WebRTC 1.0 §5.4). */
export class RTCRtpTransceiver {
  declare readonly sender: RTCRtpSender;
  declare readonly receiver: RTCRtpReceiver;
  /** @internal */
  readonly [internals]: TransceiverState;

  /** @internal */
  constructor(token: typeof internals, init: TransceiverInit) {
    checkConstructor(token);
    this[internals] = {
      sender: init.sender,
      receiver: init.receiver,
      host: init.host,
      mid: null,
      mlineIndex: null,
      direction: init.direction,
      currentDirection: null,
      firedDirection: null,
      hasSent: false,
      stopping: false,
      stopped: false,
      preferred: [],
      createdByRemote: init.createdByRemote,
      addTrackUsed: init.createdByAddTrack,
    };
    init.sender[internals].isStopped = () => this[internals].stopping || this[internals].stopped;
  }

  get mid(): string | null {
    return this[internals].mid;
  }

  get direction(): RTCRtpTransceiverDirection {
    return this[internals].stopping ? "stopped" : this[internals].direction;
  }

  set direction(value: RTCRtpTransceiverDirection) {
    const state = checkThis(this[internals]);
    if (value === "stopped") throw new TypeError('The direction is never set to "stopped"; call stop()');
    // Web IDL: an attribute ignores what is no value of its enumeration.
    if (!settableDirections.includes(value)) return;
    this.#checkUsable();
    if (state.direction === value) return;
    state.direction = value;
    state.host.updateNegotiationNeeded();
  }

  get currentDirection(): RTCRtpTransceiverDirection | null {
    const { stopped, currentDirection } = this[internals];
    return stopped ? "stopped" : currentDirection;
  }

  /** Ends both directions for good; the peer learns of it in the next negotiation. */
  stop(): void {
    const state = this[internals];
    if (state.host.isClosed) throw domError("InvalidStateError", "The connection is closed");
    if (state.stopping) return;
    stopSendingAndReceiving(this);
    state.host.syncMedia();
    state.host.updateNegotiationNeeded();
  }

  /** Which codecs to negotiate, in this order; an empty list: the default again. */
  setCodecPreferences(codecs: readonly RTCRtpCodec[]): void {
    const state = this[internals];
    const capabilities = state.host.capabilities(this.receiver[internals].kind);
    state.preferred = preferredCapabilities(codecs, capabilities);
  }

  #checkUsable(): void {
    const { host, stopping } = this[internals];
    if (host.isClosed) throw domError("InvalidStateError", "The connection is closed");
    if (stopping) throw domError("InvalidStateError", "The transceiver is stopped");
  }
}

defineInterface(RTCRtpTransceiver, { attributes: ["sender", "receiver"] });

/** What both halves go over; null while no description gives them a transport. */
export function setTransport(transceiver: RTCRtpTransceiver, transport: RTCDtlsTransport | null): void {
  transceiver.sender[internals].transport = transport;
  transceiver.receiver[internals].transport = transport;
}

/** WebRTC 1.0 §5.4 "stop sending and receiving". */
export function stopSendingAndReceiving(transceiver: RTCRtpTransceiver): void {
  const state = transceiver[internals];
  state.direction = "inactive";
  state.stopping = true;
  endRemoteTrack(transceiver.receiver.track);
  endLayerTracks(transceiver.receiver);
}

/** WebRTC 1.0 §5.4 "stop the RTCRtpTransceiver". */
export function stopTransceiver(transceiver: RTCRtpTransceiver): void {
  const state = transceiver[internals];
  if (!state.stopping) stopSendingAndReceiving(transceiver);
  state.stopped = true;
  state.currentDirection = null;
  unwatchTrack(transceiver.sender);
}
