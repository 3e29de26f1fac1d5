/** What a sender of a track gives the engine to send. */
import { native } from "../../native/addon.js";
import {
  type MediaInput,
  PushedInput,
  type PushedPicture,
  type PushedSound,
} from "../media/inputs/media_input.js";
import { internals } from "./internals.js";
import type { MediaStreamTrack } from "./media_stream_track.js";
import { watchRemotePictures, watchRemoteSamples } from "./track_output.js";

const forwards = new WeakMap<MediaStreamTrack, MediaInput>();

/**
 * The input behind a track: of a local one what the application pushes, or undefined for the engine's own camera or
 * microphone; of a peer's track what was decoded of it, to be encoded anew.
 */
export function inputOf(track: MediaStreamTrack | null): MediaInput | undefined {
  if (track === null) return undefined;
  const { source } = track[internals].shared;
  if (source !== null) return source.input;
  const known = forwards.get(track);
  if (known !== undefined) return known;
  const forward = track.kind === "video" ? forwardPictures(track) : forwardSound(track);
  forwards.set(track, forward);
  return forward;
}

/** Watches the peer's track only while something is connected. */
class ForwardInput<K extends "video" | "audio", T> extends PushedInput<K, T> {
  readonly #watch: (push: (frame: T) => void) => () => void;
  #unwatch: (() => void) | undefined;

  constructor(kind: K, watch: (push: (frame: T) => void) => () => void) {
    super(kind);
    this.#watch = watch;
  }

  override connect(outlet: (frame: T) => void): () => void {
    const disconnect = super.connect(outlet);
    this.#unwatch ??= this.#watch((frame) => this.push(frame));
    return () => {
      disconnect();
      if (this.connected) return;
      this.#unwatch?.();
      this.#unwatch = undefined;
    };
  }
}

function forwardPictures(track: MediaStreamTrack): MediaInput {
  return new ForwardInput<"video", PushedPicture>("video", (push) =>
    watchRemotePictures(track, ({ rotation, ...picture }) =>
      push({ ...picture, quarterTurns: rotation / 90, captureTimeUs: native.monotonicUs() }),
    ),
  );
}

function forwardSound(track: MediaStreamTrack): MediaInput {
  return new ForwardInput<"audio", PushedSound>("audio", (push) =>
    watchRemoteSamples(track, (samples, channels) => {
      const lengthUs = (samples.length / channels / 48_000) * 1e6;
      push({ samples, channels, sampleRate: 48_000, captureTimeUs: native.monotonicUs() - lengthUs });
    }),
  );
}
