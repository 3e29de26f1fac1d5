import { randomUUID } from "node:crypto";
import { eventTarget } from "./event_target.js";
import { internals } from "./internals.js";
import { MediaStreamTrack } from "./media_stream_track.js";
import { defineInterface, requireObjects } from "./web_idl.js";

export interface MediaStreamTrackEventInit extends EventInit {
  readonly track: MediaStreamTrack;
}

/** A track joined or left a stream by the peer's doing (Media Capture and Streams §4.2.3). */
export class MediaStreamTrackEvent extends Event {
  declare readonly track: MediaStreamTrack;
  /** @internal */
  readonly [internals]: { readonly track: MediaStreamTrack };

  constructor(type: string, init: MediaStreamTrackEventInit) {
    requireObjects(init, "track");
    super(type, init);
    this[internals] = { track: init.track };
  }
}
defineInterface(MediaStreamTrackEvent, { attributes: ["track"], length: 2 });

interface StreamEvents {
  addtrack: MediaStreamTrackEvent;
  removetrack: MediaStreamTrackEvent;
}

interface EventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
}

/** A set of tracks that belong together (Media Capture and Streams §4.2). */
export class MediaStream extends eventTarget<StreamEvents>() {
  /** A random UUID, or what the peer calls the stream. */
  declare readonly id: string;
  /** @internal */
  readonly [internals]: { id: string; readonly tracks: Set<MediaStreamTrack> };

  constructor(from: MediaStream | Iterable<MediaStreamTrack> = []) {
    super();
    const tracks = from instanceof MediaStream ? from.getTracks() : [...from];
    if (tracks.some((track) => !(track instanceof MediaStreamTrack))) {
      throw new TypeError("A MediaStream is made of MediaStreamTracks");
    }
    this[internals] = { id: randomUUID(), tracks: new Set(tracks) };
  }

  /** Some track is not ended. */
  get active(): boolean {
    return this.getTracks().some((track) => track.readyState === "live");
  }

  getTracks(): MediaStreamTrack[] {
    return [...this[internals].tracks];
  }

  getAudioTracks(): MediaStreamTrack[] {
    return this.getTracks().filter((track) => track.kind === "audio");
  }

  getVideoTracks(): MediaStreamTrack[] {
    return this.getTracks().filter((track) => track.kind === "video");
  }

  getTrackById(id: string): MediaStreamTrack | null {
    return this.getTracks().find((track) => track.id === id) ?? null;
  }

  addTrack(track: MediaStreamTrack): void {
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("addTrack takes a MediaStreamTrack");
    this[internals].tracks.add(track);
  }

  removeTrack(track: MediaStreamTrack): void {
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("removeTrack takes a MediaStreamTrack");
    this[internals].tracks.delete(track);
  }

  clone(): MediaStream {
    return new MediaStream(this.getTracks().map((track) => track.clone()));
  }
}

defineInterface(MediaStream, { handlers: ["addtrack", "removetrack"], attributes: ["id"] });

/** The stream a peer calls by `id` (its msid). */
export function createRemoteStream(id: string): MediaStream {
  const stream = new MediaStream();
  stream[internals].id = id;
  return stream;
}

/** Puts a track into a stream for the peer, with the event. */
export function addRemoteTrack(stream: MediaStream, track: MediaStreamTrack): void {
  if (stream[internals].tracks.has(track)) return;
  stream.addTrack(track);
  stream.dispatchEvent(new MediaStreamTrackEvent("addtrack", { track }));
}

/** Takes a track out of a stream for the peer, with the event. */
export function removeRemoteTrack(stream: MediaStream, track: MediaStreamTrack): void {
  if (!stream[internals].tracks.delete(track)) return;
  stream.dispatchEvent(new MediaStreamTrackEvent("removetrack", { track }));
}
