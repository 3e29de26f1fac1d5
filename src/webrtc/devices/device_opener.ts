import { native } from "../../../native/addon.js";
import type { AudioSourceSpec, VideoSourceSpec } from "../../media/source_spec.js";
import { domError } from "../dom_error.js";
import type { MediaTrackCapabilities, MediaTrackSettings } from "../media_stream_track.js";
import {
  checkNumber,
  chooseNumber,
  type MediaTrackConstraints,
  OverconstrainedError,
} from "./constraints.js";
import type { Device, MediaDeviceInfo } from "./device_list.js";

/** What the engine is to open, and what comes of it. */
export interface Opened<Spec> {
  readonly spec: Spec;
  readonly settings: MediaTrackSettings;
  readonly capabilities: MediaTrackCapabilities;
}

const PICTURE = {
  width: { min: 160, max: 1920, usual: 640 },
  height: { min: 90, max: 1080, usual: 480 },
  frameRate: { min: 1, max: 60, usual: 30 },
} as const;
/** What a camera is asked for when the program does not say; it gives the nearest that it has. */
const CAMERA = { min: 1, max: 8192 } as const;
const TEST_TONE_HZ = 440;

/** Fits constraints to a device; a camera is opened for a moment, to learn what it gives and whether it is free. */
export function openVideoDevice(device: Device, constraints: MediaTrackConstraints): Opened<VideoSourceSpec> {
  return device.path === undefined
    ? testPicture(device, constraints)
    : openCamera(device, device.path, constraints);
}

export function openAudioDevice(device: Device, constraints: MediaTrackConstraints): Opened<AudioSourceSpec> {
  const channels = chooseNumber("channelCount", constraints.channelCount, { min: 1, max: 2, usual: 1 });
  const sampleRate = chooseNumber("sampleRate", constraints.sampleRate, {
    min: 48_000,
    max: 48_000,
    usual: 48_000,
  });
  const { deviceId, groupId } = device.info;
  return {
    spec: { kind: "tone", frequencyHz: TEST_TONE_HZ, channels: channels === 2 ? 2 : 1 },
    settings: { deviceId, groupId, sampleRate, channelCount: channels === 2 ? 2 : 1 },
    capabilities: {
      deviceId,
      groupId,
      sampleRate: { min: 48_000, max: 48_000 },
      channelCount: { min: 1, max: 2 },
    },
  };
}

function testPicture({ info }: Device, constraints: MediaTrackConstraints): Opened<VideoSourceSpec> {
  const width = even("width", constraints, PICTURE.width);
  const height = even("height", constraints, PICTURE.height);
  const frameRate = chooseNumber("frameRate", constraints.frameRate, PICTURE.frameRate);
  return {
    spec: { kind: "test", width, height, frameRate, noise: false, tag: 0 },
    settings: { ...identity(info), width, height, frameRate },
    capabilities: {
      ...identity(info),
      width: range(PICTURE.width),
      height: range(PICTURE.height),
      frameRate: range(PICTURE.frameRate),
    },
  };
}

function identity({ deviceId, groupId }: MediaDeviceInfo) {
  return { deviceId, groupId };
}

function range({ min, max }: { readonly min: number; readonly max: number }) {
  return { min, max };
}

/** H.264 pictures have even sides. */
function even(
  name: "width" | "height",
  constraints: MediaTrackConstraints,
  device: { readonly min: number; readonly max: number; readonly usual: number },
): number {
  const nearest = chooseNumber(name, constraints[name], device);
  const below = 2 * Math.floor(nearest / 2);
  for (const side of [below, below + 2]) {
    try {
      checkNumber(name, constraints[name], side);
      if (side >= device.min && side <= device.max) return side;
    } catch (error) {
      if (!(error instanceof OverconstrainedError)) throw error;
    }
  }
  throw new OverconstrainedError(name, `${name}: the device gives even numbers only`);
}

function openCamera(
  device: Device,
  path: string,
  constraints: MediaTrackConstraints,
): Opened<VideoSourceSpec> {
  const request = {
    width: Math.round(chooseNumber("width", constraints.width, { ...CAMERA, usual: 640 })),
    height: Math.round(chooseNumber("height", constraints.height, { ...CAMERA, usual: 480 })),
    frameRate: chooseNumber("frameRate", constraints.frameRate, { ...CAMERA, max: 1000, usual: 30 }),
  };
  const given = probe(path, request);
  for (const name of ["width", "height", "frameRate"] as const)
    checkNumber(name, constraints[name], given[name]);
  return {
    spec: { kind: "v4l2", device: path, ...request },
    settings: { ...identity(device.info), ...given },
    // What it has beside what it gave is known only by asking for it.
    capabilities: { ...identity(device.info), width: range(CAMERA), height: range(CAMERA) },
  };
}

function probe(path: string, request: { width: number; height: number; frameRate: number }) {
  try {
    const capture = native.V4l2Capture.open(path, request);
    const { width, height, frameRate } = capture;
    capture.close();
    return { width, height, frameRate };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const forbidden = /EACCES|EPERM|permission/i.test(message);
    throw domError(forbidden ? "NotAllowedError" : "NotReadableError", `${path}: ${message}`);
  }
}
