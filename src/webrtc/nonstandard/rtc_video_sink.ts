import { eventTarget } from "../event_target.js";
import { internals, queueTask } from "../internals.js";
import { MediaStreamTrack } from "../media_stream_track.js";
import { type PackedPicture, watchRemotePictures } from "../track_output.js";
import { defineInterface } from "../web_idl.js";

/** An I420 picture, tightly packed, in memory of its own. */
export interface RTCVideoSinkFrame {
  readonly width: number;
  readonly height: number;
  readonly rotation: number;
  readonly data: Uint8Array;
}

export class RTCVideoFrameEvent extends Event {
  readonly frame: RTCVideoSinkFrame;

  constructor(frame: RTCVideoSinkFrame) {
    super("frame");
    this.frame = frame;
  }
}

/** Fires `frame` for every picture of a track: a peer's, or one of an RTCVideoSource. Stop it when done. */
export class RTCVideoSink extends eventTarget<{ frame: RTCVideoFrameEvent }>() {
  #stop: (() => void) | undefined;

  constructor(track: MediaStreamTrack) {
    super();
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("RTCVideoSink takes a MediaStreamTrack");
    if (track.kind !== "video") throw new TypeError(`The track is ${track.kind}, RTCVideoSink takes video`);
    this.#stop = watchPictures(track, (picture) => this.#fire(picture));
  }

  get stopped(): boolean {
    return this.#stop === undefined;
  }

  /** No event follows. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #fire({ width, height, rotation, data }: PackedPicture): void {
    if (this.stopped) return;
    this.dispatchEvent(new RTCVideoFrameEvent({ width, height, rotation, data }));
  }
}
defineInterface(RTCVideoSink, { handlers: ["frame"], length: 1 });

function watchPictures(track: MediaStreamTrack, listener: (picture: PackedPicture) => void): () => void {
  const { source } = track[internals].shared;
  if (source === null) return watchRemotePictures(track, listener);
  const { input } = source;
  // A device's pictures go to the encoder's thread and never come here, nor does what is encoded already.
  if (input === undefined || input.isEncoded || input.kind !== "video") return () => undefined;
  return input.connect(({ width, height, data, quarterTurns = 0 }) => {
    if (!track.enabled || track.readyState === "ended") return;
    const copy = { width, height, rotation: 90 * quarterTurns, data: data.slice() };
    queueTask(() => listener(copy));
  });
}
