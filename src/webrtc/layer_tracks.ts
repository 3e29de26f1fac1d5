import { streamKey } from "../media/transport_api.js";
import type { ReceiveLayer } from "../protocol/sdp/negotiated_media.js";
import { internals } from "./internals.js";
import {
  createRemoteTrack,
  endRemoteTrack,
  type RemoteTrackSource,
  setRemoteSource,
} from "./media_stream_track.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";

/** A track for each layer that is received, beside the receiver's own; it ends when the layer does. */
export function setLayerTracks(
  receiver: RTCRtpReceiver,
  remote: RemoteTrackSource | null,
  received: readonly ReceiveLayer[],
): void {
  const { layers, kind } = receiver[internals];
  const names = new Set(received.map(({ name }) => name));
  for (const [name, track] of [...layers]) {
    if (names.has(name)) continue;
    layers.delete(name);
    setRemoteSource(track, null);
    endRemoteTrack(track);
  }
  if (remote === null) return;
  for (const name of names) {
    const track = layers.get(name) ?? createRemoteTrack(kind);
    layers.set(name, track);
    setRemoteSource(track, { ...remote, mid: streamKey({ mid: remote.mid, layer: name }) });
  }
}

/** The receiver will never receive again. */
export function endLayerTracks(receiver: RTCRtpReceiver): void {
  setLayerTracks(receiver, null, []);
}
