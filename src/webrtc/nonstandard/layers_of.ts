import { internals } from "../internals.js";
import type { MediaStreamTrack } from "../media_stream_track.js";
import type { RTCRtpReceiver } from "../rtc_rtp_receiver.js";

/**
 * The layers that the peer sends in one section (simulcast, RFC 8853), each as a track of its own, by rid: to forward or to record them all.
 * The receiver's own track shows the largest that arrives. Empty without simulcast and before the answer; layers of a peer from before rids
 * (`a=ssrc-group:SIM`) are called by their place, "0" the lowest.
 */
export function layersOf(receiver: RTCRtpReceiver): ReadonlyMap<string, MediaStreamTrack> {
  return new Map(receiver[internals].layers);
}
