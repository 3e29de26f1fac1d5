import type { AudioSourceSpec, VideoSourceSpec } from "../../media/source_spec.js";
import type { MediaKind } from "../../media/transport_api.js";
import { defaultEngine, onceDefaultEngineStops, runningDefaultEngine } from "../default_engine.js";
import { domError } from "../dom_error.js";
import { eventTarget } from "../event_target.js";
import { MediaStream } from "../media_stream.js";
import { createLocalTrack, endSourceOf, type MediaStreamTrack } from "../media_stream_track.js";
import { defineInterface } from "../web_idl.js";
import {
  type MediaStreamConstraints,
  type MediaTrackConstraints,
  OverconstrainedError,
  readText,
} from "./constraints.js";
import { type Device, listCameras, type MediaDeviceInfo, testDevices } from "./device_list.js";
import { type Opened, openAudioDevice, openVideoDevice } from "./device_opener.js";
import { type DisplayMediaStreamOptions, displayConstraints, openDisplay } from "./display_opener.js";

/** Which device feeds the default engine, and the tracks that came of it. */
interface InUse {
  opened: Opened<unknown>;
  readonly tracks: Set<MediaStreamTrack>;
  unwatch(): void;
}

/**
 * Media Capture and Streams §9, for the default engine: its camera and its microphone. The engine has one of each, so
 * a later request with other wishes changes what the tracks of an earlier one show.
 */
export class MediaDevices extends eventTarget<{ devicechange: Event }>() {
  /**
   * Whether the engine's test picture and test tone count as devices; also switched on by ROOMRTC_TEST_DEVICES=1 in the
   * environment. Without it a machine without a camera has none (NotFoundError).
   */
  testDevices = process.env.ROOMRTC_TEST_DEVICES === "1";
  /**
   * What {@link getDisplayMedia} shows, since nobody can be asked to choose: as behind `screen:` (":1", "0,0,1280x720",
   * "window=0x1400003"). "" is the display of the environment's DISPLAY.
   */
  screen = "";
  readonly #inUse = new Map<MediaKind, InUse>();

  async enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return this.#devices().map(({ info }) => ({ ...info }));
  }

  getSupportedConstraints(): Record<string, boolean> {
    const names = ["deviceId", "width", "height", "frameRate", "sampleRate", "channelCount"];
    return Object.fromEntries(names.map((name) => [name, true]));
  }

  /** Opens all that is asked for, or nothing. */
  async getUserMedia(constraints: MediaStreamConstraints = {}): Promise<MediaStream> {
    const audio = wanted(constraints.audio);
    const video = wanted(constraints.video);
    if (audio === undefined && video === undefined)
      throw new TypeError("getUserMedia: neither audio nor video is asked for");
    // Both are found and checked before anything is opened.
    const sound = audio && this.#open("audioinput", audio, openAudioDevice);
    const picture = video && this.#open("videoinput", video, openVideoDevice);
    const tracks: MediaStreamTrack[] = [];
    if (sound !== undefined) {
      tracks.push(this.#start("audio", sound, audio, this.#reopen(sound, openAudioDevice)));
    }
    if (picture !== undefined) {
      tracks.push(this.#start("video", picture, video, this.#reopen(picture, openVideoDevice)));
    }
    return new MediaStream(tracks);
  }

  /**
   * Screen Capture §5.1: a track of what {@link screen} names, in place of the camera. There is no sound of it. Rejects with
   * TypeError (no video wanted; `min`, `exact` or `advanced` constraints), NotFoundError (no such display or window) and
   * NotReadableError.
   */
  async getDisplayMedia(options: DisplayMediaStreamOptions = {}): Promise<MediaStream> {
    const constraints = displayConstraints(options);
    const place = this.screen;
    const open = (wishes: MediaTrackConstraints) => openDisplay(place, wishes);
    const opened = { ...open(constraints), label: `Screen ${place}`.trim() };
    return new MediaStream([this.#start("video", opened, constraints, open)]);
  }

  #devices(): Device[] {
    return [...listCameras(), ...(this.testDevices ? testDevices() : [])];
  }

  #open<Spec>(
    kind: "audioinput" | "videoinput",
    constraints: MediaTrackConstraints,
    open: (device: Device, constraints: MediaTrackConstraints) => Opened<Spec>,
  ): Opened<Spec> & { label: string } {
    const devices = this.#devices().filter(({ info }) => info.kind === kind);
    if (devices.length === 0) throw domError("NotFoundError", `There is no ${kind} device`);
    const { exact, ideal } = readText(constraints.deviceId);
    const allowed = devices.filter(({ info }) => exact === undefined || exact.includes(info.deviceId));
    if (allowed.length === 0) throw new OverconstrainedError("deviceId", `No ${kind} device has that id`);
    allowed.sort((a, b) => Number(ideal.includes(b.info.deviceId)) - Number(ideal.includes(a.info.deviceId)));
    return firstThatOpens(allowed, (device) => ({ ...open(device, constraints), label: device.info.label }));
  }

  /** How a track's device is opened again, with other wishes. */
  #reopen<Spec>(
    { settings, label }: Opened<Spec> & { label: string },
    open: (device: Device, constraints: MediaTrackConstraints) => Opened<Spec>,
  ): (wishes: MediaTrackConstraints) => Opened<Spec> {
    return (wishes) => {
      const device = this.#devices().find(({ info }) => info.deviceId === settings.deviceId);
      if (device === undefined) throw domError("NotFoundError", `${label} is not there any more`);
      checkDevice(device, wishes);
      return open(device, wishes);
    };
  }

  /** Makes a device the engine's source, and a track of it. */
  #start<Spec extends VideoSourceSpec | AudioSourceSpec>(
    kind: MediaKind,
    opened: Opened<Spec> & { label: string },
    constraints: MediaTrackConstraints = {},
    reopen: (wishes: MediaTrackConstraints) => Opened<Spec>,
  ): MediaStreamTrack {
    const known = this.#inUse.get(kind);
    const inUse: InUse = known ?? { opened, tracks: new Set(), unwatch: () => undefined };
    if (known === undefined) inUse.unwatch = this.#watch(kind, inUse);
    const use = (next: Opened<Spec>) => {
      const same = JSON.stringify(inUse.opened.spec) === JSON.stringify(next.spec);
      inUse.opened = next;
      return same;
    };
    if (!use(opened) || known === undefined) setSource(kind, opened.spec);
    const track: MediaStreamTrack = createLocalTrack({
      kind,
      label: opened.label,
      constraints,
      get settings() {
        return inUse.opened.settings;
      },
      get capabilities() {
        return inUse.opened.capabilities;
      },
      applyConstraints: (wishes) => {
        const next = reopen(wishes);
        if (!use(next)) setSource(kind, next.spec);
      },
      stop: () => this.#release(kind, inUse, track),
    });
    inUse.tracks.add(track);
    return track;
  }

  /** A device that fails, or an engine that stops, ends the tracks. */
  #watch(kind: MediaKind, inUse: InUse): () => void {
    this.#inUse.set(kind, inUse);
    const engine = defaultEngine();
    const end = () => {
      for (const track of [...inUse.tracks]) endSourceOf(track);
    };
    // The camera's thread tells of nothing but a camera that failed.
    const onProblem = ({ name }: { name: string }) => void (name === "camera" && kind === "video" && end());
    engine.on("problem", onProblem);
    const forget = onceDefaultEngineStops(end);
    return () => {
      engine.off("problem", onProblem);
      forget();
    };
  }

  #release(kind: MediaKind, inUse: InUse, track: MediaStreamTrack): void {
    inUse.tracks.delete(track);
    if (inUse.tracks.size > 0 || this.#inUse.get(kind) !== inUse) return;
    this.#inUse.delete(kind);
    inUse.unwatch();
    setSource(kind, { kind: "none" });
  }
}

defineInterface(MediaDevices, { handlers: ["devicechange"] });

/** A track's device is what it is. */
function checkDevice({ info }: Device, { deviceId }: MediaTrackConstraints): void {
  const { exact } = readText(deviceId);
  if (exact === undefined || exact.includes(info.deviceId)) return;
  throw new OverconstrainedError("deviceId", "A track stays with its device");
}

function wanted(constraints: boolean | MediaTrackConstraints | undefined): MediaTrackConstraints | undefined {
  if (constraints === undefined || constraints === false) return undefined;
  return constraints === true ? {} : constraints;
}

/** The next device may do what the first cannot; the first's reason is told when none can. */
function firstThatOpens<T>(devices: readonly Device[], open: (device: Device) => T): T {
  let first: unknown;
  for (const device of devices) {
    try {
      return open(device);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

function setSource(kind: MediaKind, spec: VideoSourceSpec | AudioSourceSpec): void {
  const engine = spec.kind === "none" ? runningDefaultEngine() : defaultEngine();
  if (kind === "video") engine?.setVideoSource(spec as VideoSourceSpec);
  else engine?.setAudioSource(spec as AudioSourceSpec);
}

/** The process's devices. */
export const mediaDevices = new MediaDevices();

/** {@link MediaDevices.getUserMedia} of {@link mediaDevices}. */
export function getUserMedia(constraints?: MediaStreamConstraints): Promise<MediaStream> {
  return mediaDevices.getUserMedia(constraints);
}
