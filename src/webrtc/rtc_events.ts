/** The events of a peer connection (WebRTC 1.0 §4.8.2, §5.7, §11.2). */
import type { MediaStream } from "./media_stream.js";
import type { MediaStreamTrack } from "./media_stream_track.js";
import type { RTCDataChannel } from "./rtc_data_channel.js";
import type { RTCError } from "./rtc_error.js";
import type { RTCIceCandidate } from "./rtc_ice_candidate.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import type { RTCRtpTransceiver } from "./rtc_rtp_transceiver.js";

export interface RTCPeerConnectionIceEventInit {
  readonly candidate?: RTCIceCandidate | null;
  readonly url?: string | null;
}

/** A new local candidate; null: gathering is over. */
export class RTCPeerConnectionIceEvent extends Event {
  readonly candidate: RTCIceCandidate | null;
  readonly url: string | null;

  constructor(type: string, init: RTCPeerConnectionIceEventInit = {}) {
    super(type);
    this.candidate = init.candidate ?? null;
    this.url = init.url ?? null;
  }
}

export interface RTCPeerConnectionIceErrorEventInit {
  readonly address?: string | null;
  readonly port?: number | null;
  readonly url?: string;
  /** A STUN error code, or 701: the server could not be reached. */
  readonly errorCode: number;
  readonly errorText?: string;
}

/** A server that gave no candidate. */
export class RTCPeerConnectionIceErrorEvent extends Event {
  readonly address: string | null;
  readonly port: number | null;
  readonly url: string;
  readonly errorCode: number;
  readonly errorText: string;

  constructor(type: string, init: RTCPeerConnectionIceErrorEventInit) {
    super(type);
    this.address = init.address ?? null;
    this.port = init.port ?? null;
    this.url = init.url ?? "";
    this.errorCode = init.errorCode;
    this.errorText = init.errorText ?? "";
  }
}

export interface RTCTrackEventInit {
  readonly receiver: RTCRtpReceiver;
  readonly track: MediaStreamTrack;
  readonly streams?: readonly MediaStream[];
  readonly transceiver: RTCRtpTransceiver;
}

/** The peer sends a track. */
export class RTCTrackEvent extends Event {
  readonly receiver: RTCRtpReceiver;
  readonly track: MediaStreamTrack;
  readonly streams: readonly MediaStream[];
  readonly transceiver: RTCRtpTransceiver;

  constructor(type: string, init: RTCTrackEventInit) {
    super(type);
    this.receiver = init.receiver;
    this.track = init.track;
    this.streams = Object.freeze([...(init.streams ?? [])]);
    this.transceiver = init.transceiver;
  }
}

/** The peer made a data channel (WebRTC 1.0 §6.3). */
export class RTCDataChannelEvent extends Event {
  readonly channel: RTCDataChannel;

  constructor(type: string, init: { readonly channel: RTCDataChannel }) {
    super(type);
    this.channel = init.channel;
  }
}

/** An error of a transport or a data channel. */
export class RTCErrorEvent extends Event {
  readonly error: RTCError;

  constructor(type: string, init: { readonly error: RTCError }) {
    super(type);
    this.error = init.error;
  }
}
