import { internals } from "./internals.js";
import type { MediaStream } from "./media_stream.js";
import type { MediaStreamTrack } from "./media_stream_track.js";
import type { EventInit } from "./rtc_events.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import type { RTCRtpTransceiver } from "./rtc_rtp_transceiver.js";
import { defineInterface, requireObjects } from "./web_idl.js";

export interface RTCTrackEventInit extends EventInit {
  readonly receiver: RTCRtpReceiver;
  readonly track: MediaStreamTrack;
  readonly streams?: readonly MediaStream[];
  readonly transceiver: RTCRtpTransceiver;
}

/** The peer sends a track (WebRTC 1.0 §5.7). */
export class RTCTrackEvent extends Event {
  declare readonly receiver: RTCRtpReceiver;
  declare readonly track: MediaStreamTrack;
  declare readonly streams: readonly MediaStream[];
  declare readonly transceiver: RTCRtpTransceiver;
  /** @internal */
  readonly [internals]: Required<Omit<RTCTrackEventInit, keyof EventInit>>;

  constructor(type: string, init: RTCTrackEventInit) {
    requireObjects(init, "receiver", "track", "transceiver");
    super(type, init);
    const { receiver, track, transceiver, streams = [] } = init;
    this[internals] = { receiver, track, transceiver, streams: Object.freeze([...streams]) };
  }
}
defineInterface(RTCTrackEvent, { attributes: ["receiver", "track", "streams", "transceiver"], length: 2 });
