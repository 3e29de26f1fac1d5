/** What applying a description does to tracks and streams, gathered first and fired together (WebRTC 1.0 §4.4.1.5). */

import { randomUUID } from "node:crypto";
import { receives } from "../../protocol/sdp/directions.js";
import type { SdpDirection, SdpMedia } from "../../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "../connection_core.js";
import { internals } from "../internals.js";
import { addRemoteTrack, createRemoteStream, type MediaStream, removeRemoteTrack } from "../media_stream.js";
import { type MediaStreamTrack, setTrackMuted } from "../media_stream_track.js";
import type { RTCRtpTransceiver } from "../rtc_rtp_transceiver.js";
import { RTCTrackEvent } from "../rtc_track_event.js";

export class TrackChanges {
  private readonly muted: MediaStreamTrack[] = [];
  private readonly added: [MediaStream, MediaStreamTrack][] = [];
  private readonly removed: [MediaStream, MediaStreamTrack][] = [];
  private readonly heralds: RTCTrackEvent[] = [];
  private readonly newStreams = new Map<string, MediaStream>();

  constructor(private readonly core: ConnectionCore) {}

  /** The peer's section as the application shall see it; `direction` is ours. */
  update(transceiver: RTCRtpTransceiver, direction: SdpDirection, media: SdpMedia): void {
    this.process(transceiver, direction, receives(direction) ? this.streamsOf(transceiver, media) : []);
  }

  /** RFC 8829 §5.10: a peer that names no stream at all gets one with a name of ours, the same one every time. */
  private streamsOf(transceiver: RTCRtpTransceiver, { msids }: SdpMedia): readonly MediaStream[] {
    if (msids.length > 0) {
      const ids = new Set(msids.map(({ stream }) => stream).filter((stream) => stream !== "-"));
      return [...ids].map((id) => this.streamCalled(id));
    }
    const { streams } = transceiver.receiver[internals];
    return streams.length > 0 ? streams : [createRemoteStream(randomUUID())];
  }

  /** WebRTC 1.0 §4.4.1.5 "process remote tracks"; null: the application had not heard of the track. */
  process(
    transceiver: RTCRtpTransceiver,
    direction: SdpDirection | null,
    streams: readonly MediaStream[],
  ): void {
    const fired = transceiver[internals].firedDirection;
    const wasReceiving = fired !== null && receives(fired);
    if (direction !== null && receives(direction)) this.receive(transceiver, streams, wasReceiving);
    else if (wasReceiving) this.withdraw(transceiver);
    transceiver[internals].firedDirection = direction;
  }

  private receive(
    transceiver: RTCRtpTransceiver,
    streams: readonly MediaStream[],
    wasReceiving: boolean,
  ): void {
    const before = transceiver.receiver[internals].streams;
    this.setStreams(transceiver, streams);
    const joins = streams.some((stream) => !before.includes(stream));
    if (wasReceiving && !joins) return;
    const { receiver } = transceiver;
    this.heralds.push(new RTCTrackEvent("track", { receiver, track: receiver.track, streams, transceiver }));
  }

  /** WebRTC 1.0 §4.4.1.5 "process the removal of a remote track". */
  private withdraw(transceiver: RTCRtpTransceiver): void {
    this.setStreams(transceiver, []);
    this.muted.push(transceiver.receiver.track);
  }

  private setStreams(transceiver: RTCRtpTransceiver, streams: readonly MediaStream[]): void {
    const { receiver } = transceiver;
    const before = receiver[internals].streams;
    for (const stream of before) if (!streams.includes(stream)) this.removed.push([stream, receiver.track]);
    for (const stream of streams) if (!before.includes(stream)) this.added.push([stream, receiver.track]);
    receiver[internals].streams = streams;
  }

  private streamCalled(id: string): MediaStream {
    const known = this.core.transceivers.flatMap(({ receiver }) => receiver[internals].streams);
    const stream =
      known.find((candidate) => candidate.id === id) ?? this.newStreams.get(id) ?? createRemoteStream(id);
    this.newStreams.set(id, stream);
    return stream;
  }

  /** Fires everything in the order the W3C lists it. */
  announce(fireTrack: (event: RTCTrackEvent) => void): void {
    for (const track of this.muted) setTrackMuted(track, true);
    for (const [stream, track] of this.removed) removeRemoteTrack(stream, track);
    for (const [stream, track] of this.added) addRemoteTrack(stream, track);
    for (const event of this.heralds) fireTrack(event);
  }
}
