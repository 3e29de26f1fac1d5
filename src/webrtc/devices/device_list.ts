import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type MediaDeviceKind = "audioinput" | "audiooutput" | "videoinput";

/** Media Capture and Streams §9.1. */
export interface MediaDeviceInfo {
  readonly deviceId: string;
  readonly groupId: string;
  readonly kind: MediaDeviceKind;
  readonly label: string;
}

/** A device, and how the engine opens it. */
export interface Device {
  readonly info: MediaDeviceInfo;
  /** Of a camera: /dev/videoN; undefined: made up by the engine. */
  readonly path: string | undefined;
}

/** Where Linux lists its cameras. */
const CAMERAS = "/sys/class/video4linux";

/** The cameras that are plugged in, in the kernel's order. */
export function listCameras(folder = CAMERAS, devices = "/dev"): Device[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /^video\d+$/.test(name));
  names.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  return names.flatMap((name) => {
    // A camera's further nodes carry metadata, not pictures.
    if (readLine(join(folder, name, "index")) !== "0") return [];
    const path = join(devices, name);
    const label = readLine(join(folder, name, "name")) || path;
    return existsSync(path) ? [{ info: describe("videoinput", path, label), path }] : [];
  });
}

/** The engine's own picture and tone, for programs without devices. */
export function testDevices(): Device[] {
  return [
    { info: describe("videoinput", "test-picture", "Test picture"), path: undefined },
    { info: describe("audioinput", "test-tone", "Test tone"), path: undefined },
  ];
}

/** The same device has the same id in every run. */
function describe(kind: MediaDeviceKind, key: string, label: string): MediaDeviceInfo {
  const hash = (text: string) => createHash("sha256").update(text).digest("hex");
  return { deviceId: hash(`${kind} ${key}`), groupId: hash(key), kind, label };
}

function readLine(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
