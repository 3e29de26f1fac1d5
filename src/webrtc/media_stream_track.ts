import { randomUUID } from "node:crypto";
import type { MediaInput } from "../media/inputs/media_input.js";
import type { MediaKind, MediaTransport } from "../media/transport_api.js";
import type { MediaTrackConstraints } from "./devices/constraints.js";
import { eventTarget } from "./event_target.js";
import { checkConstructor, internals, queueTask } from "./internals.js";
import { defineInterface } from "./web_idl.js";

export type MediaStreamTrackState = "live" | "ended";

/** What a local track stands for: one of the engine's shared sources. All of it is optional. */
export interface LocalTrackSource {
  readonly kind: MediaKind;
  readonly label?: string;
  /** `getSettings()` of the track. */
  readonly settings?: MediaTrackSettings;
  readonly capabilities?: MediaTrackCapabilities;
  /** What the source was opened with. */
  readonly constraints?: MediaTrackConstraints;
  /** Makes the source another; throws OverconstrainedError and leaves it as it is when it cannot. */
  applyConstraints?(constraints: MediaTrackConstraints): void;
  /** What the application pushes; absent: the camera or the microphone of the engine that sends the track. */
  readonly input?: MediaInput;
  /** The last track of the source was stopped. */
  stop?(): void;
}

export interface MediaTrackSettings {
  readonly deviceId?: string;
  readonly groupId?: string;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  readonly sampleRate?: number;
  readonly channelCount?: number;
}

/** Media Capture and Streams §4.3.5: ranges, or lists of what there is. */
export interface MediaTrackCapabilities {
  readonly deviceId?: string;
  readonly groupId?: string;
  readonly width?: NumberRange;
  readonly height?: NumberRange;
  readonly frameRate?: NumberRange;
  readonly sampleRate?: NumberRange;
  readonly channelCount?: NumberRange;
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** Where a remote track's frames come from. */
export interface RemoteTrackSource {
  readonly transport: MediaTransport;
  readonly mid: string;
}

interface TrackEvents {
  mute: Event;
  unmute: Event;
  ended: Event;
}

/** Tracks that share a source; the last one to stop lets it go. */
interface SharedSource {
  readonly source: LocalTrackSource | null;
  readonly live: Set<MediaStreamTrack>;
}

export interface TrackInit {
  readonly kind: MediaKind;
  readonly label: string;
  readonly muted: boolean;
  readonly shared: SharedSource;
}

interface TrackState {
  readonly id: string;
  readonly kind: MediaKind;
  readonly label: string;
  contentHint: string;
  constraints: MediaTrackConstraints;
  enabled: boolean;
  muted: boolean;
  readyState: MediaStreamTrackState;
  readonly shared: SharedSource;
  /** Set while a receiver gets packets for it. */
  remote: RemoteTrackSource | null;
  /** Senders that carry it want to know of changes. */
  readonly observers: Set<() => void>;
  /** Sinks that show it want to know of another {@link remote}, and of its end. */
  readonly sinks: Set<() => void>;
}

/** A handle of an engine source or of what a peer sends (Media Capture and Streams §4.3). Frames never pass through it. */
export class MediaStreamTrack extends eventTarget<TrackEvents>() {
  declare readonly id: string;
  declare readonly kind: MediaKind;
  declare readonly label: string;
  /** @internal */
  readonly [internals]: TrackState;

  /** @internal */
  constructor(token: typeof internals, init: TrackInit) {
    super();
    checkConstructor(token);
    init.shared.live.add(this);
    this[internals] = {
      id: randomUUID(),
      kind: init.kind,
      label: init.label,
      contentHint: "",
      constraints: init.shared.source?.constraints ?? {},
      enabled: true,
      muted: init.muted,
      readyState: "live",
      shared: init.shared,
      remote: null,
      observers: new Set(),
      sinks: new Set(),
    };
  }

  get enabled(): boolean {
    return this[internals].enabled;
  }

  /** Of a disabled track black pictures or silence are sent. */
  set enabled(value: boolean) {
    const state = this[internals];
    if (state.enabled === Boolean(value)) return;
    state.enabled = Boolean(value);
    for (const observer of state.observers) observer();
  }

  get muted(): boolean {
    return this[internals].muted;
  }

  get readyState(): MediaStreamTrackState {
    return this[internals].readyState;
  }

  /** Ends the track for good; the source stops with its last track. No event: the application knows. */
  stop(): void {
    endTrack(this);
  }

  /** A second handle of the same source, enabled or not on its own. */
  clone(): MediaStreamTrack {
    const { shared, enabled, muted, readyState, remote } = this[internals];
    const copy = new MediaStreamTrack(internals, { kind: this.kind, label: this.label, muted, shared });
    copy[internals].enabled = enabled;
    copy[internals].constraints = structuredClone(this[internals].constraints);
    copy[internals].remote = remote;
    copy.contentHint = this.contentHint;
    if (readyState === "ended") {
      // The source is gone; the copy was never a user of it.
      copy[internals].readyState = "ended";
      shared.live.delete(copy);
    }
    return copy;
  }

  getSettings(): MediaTrackSettings {
    return { ...this[internals].shared.source?.settings };
  }

  /** What the device can do. */
  getCapabilities(): MediaTrackCapabilities {
    return structuredClone(this[internals].shared.source?.capabilities ?? {});
  }

  /** What was asked for, at the start or by `applyConstraints`. */
  getConstraints(): MediaTrackConstraints {
    return structuredClone(this[internals].constraints);
  }

  /**
   * Asks the source for something else; all tracks of the source show it.
   *
   * @throws OverconstrainedError when the source cannot do it; it stays as it was then.
   */
  async applyConstraints(constraints: MediaTrackConstraints = {}): Promise<void> {
    const state = this[internals];
    const asked = structuredClone(constraints ?? {});
    if (state.readyState === "ended") return;
    state.shared.source?.applyConstraints?.(asked);
    state.constraints = asked;
  }

  /** What the picture or the sound is of (MediaStreamTrack Content Hints); "" when it was not said. */
  get contentHint(): string {
    return this[internals].contentHint;
  }

  /** Another kind's or an unknown hint is ignored. */
  set contentHint(hint: string) {
    if (contentHints[this[internals].kind].includes(hint)) this[internals].contentHint = hint;
  }
}
defineInterface(MediaStreamTrack, {
  handlers: ["mute", "unmute", "ended"],
  attributes: ["id", "kind", "label"],
});

const contentHints: Readonly<Record<MediaKind, readonly string[]>> = {
  audio: ["", "speech", "speech-recognition", "music"],
  video: ["", "motion", "detail", "text"],
};

function endTrack(track: MediaStreamTrack): boolean {
  const state = track[internals];
  if (state.readyState === "ended") return false;
  state.readyState = "ended";
  state.shared.live.delete(track);
  if (state.shared.live.size === 0) state.shared.source?.stop?.();
  for (const observer of state.observers) observer();
  for (const sink of state.sinks) sink();
  return true;
}

/** A track of a local source; not in the W3C API, where only devices make tracks. */
export function createLocalTrack(source: LocalTrackSource): MediaStreamTrack {
  const label = source.label ?? source.kind;
  return new MediaStreamTrack(internals, {
    kind: source.kind,
    label,
    muted: false,
    shared: { source, live: new Set() },
  });
}

/** The source of a track is gone (a device was pulled): the track ends and its clones too, with the event. */
export function endSourceOf(track: MediaStreamTrack): void {
  for (const live of [...track[internals].shared.live]) endRemoteTrack(live);
}

/** The track of a new receiver: muted until packets come (WebRTC 1.0 §5.3). */
export function createRemoteTrack(kind: MediaKind): MediaStreamTrack {
  return new MediaStreamTrack(internals, {
    kind,
    label: `remote ${kind}`,
    muted: true,
    shared: { source: null, live: new Set() },
  });
}

/** Which stream of which transport a remote track shows; null for local tracks and before negotiation. */
export function remoteTrackSource(track: MediaStreamTrack): RemoteTrackSource | null {
  return track[internals].remote;
}

/** The receiver's stream is there, or gone: whoever shows the track learns of it. */
export function setRemoteSource(track: MediaStreamTrack, remote: RemoteTrackSource | null): void {
  const state = track[internals];
  if (state.remote?.transport === remote?.transport && state.remote?.mid === remote?.mid) return;
  state.remote = remote;
  for (const sink of state.sinks) sink();
}

/** Sets the muted state and tells of it (Media Capture and Streams §4.3.1). */
export function setTrackMuted(track: MediaStreamTrack, muted: boolean): void {
  const state = track[internals];
  if (state.muted === muted || state.readyState === "ended") return;
  state.muted = muted;
  track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
}

/** The source ended by itself: the track ends and says so. */
export function endRemoteTrack(track: MediaStreamTrack): void {
  if (endTrack(track)) queueTask(() => track.dispatchEvent(new Event("ended")));
}
