/** The part of @u4/opencv4nodejs that is used here, and where it comes from. */
import { constants, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { constants as os, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { MediaError } from "../../media_error.js";

/** One picture. */
export interface OpenCvMat {
  readonly rows: number;
  readonly cols: number;
  /** 1, 3 or 4 samples a pixel: grey, BGR or BGRA. */
  readonly channels: number;
  /** Bits and kind of a sample in the low three bits (0: 8 bits unsigned). */
  readonly type: number;
  /** True at the end of a file. */
  readonly empty: boolean;
  /** A copy, rows without gaps. */
  getData(): Uint8Array;
  /** Frees the samples, which the garbage collector would do late. */
  release(): void;
}

export interface OpenCvCapture {
  /** Waits for the next picture. */
  read(): OpenCvMat;
  get(property: number): number;
  /** Whether the back end knows the property; not whether the device obeyed. */
  set(property: number, value: number): boolean;
  release(): void;
}

export interface OpenCv {
  /** @param backEnd one of {@link BackEnd}. Throws when it cannot open `target`. */
  VideoCapture: new (
    target: string | number,
    backEnd: number,
  ) => OpenCvCapture;
}

/** cv::VideoCaptureAPIs. */
export const BackEnd = { any: 0, v4l2: 200, gstreamer: 1800, ffmpeg: 1900, images: 2000 } as const;

/** cv::VideoCaptureProperties. */
export const CaptureProperty = {
  position: 1,
  width: 3,
  height: 4,
  frameRate: 5,
  fourcc: 6,
  frameCount: 7,
} as const;

const PACKAGE = "@u4/opencv4nodejs";
const BINDING = "build/Release/opencv4nodejs.node";
/** This file runs from dist/src/media/sources/opencv. */
const OWN_FOLDER = new URL("../../../../../optional/opencv/package.json", import.meta.url);
/** Unloaded, it would leave OpenCV with the address of its error handler (dlfcn.h; Node has no name for it). */
const RTLD_NODELETE = 0x1000;

/** Of this thread: each load is another copy. */
let loaded: OpenCv | undefined;

/**
 * Loads OpenCV into this thread, once: the one that `npm run setup:opencv` built, or else one that the program has installed
 * itself. Throws MediaError OPENCV_UNAVAILABLE that says which command installs it.
 */
export function loadOpenCv(): OpenCv {
  loaded ??= load();
  return loaded;
}

function load(): OpenCv {
  const reasons: string[] = [];
  for (const from of [OWN_FOLDER, import.meta.url]) {
    try {
      return loadCopy(bindingOf(from));
    } catch (error) {
      reasons.push(firstLine(error));
    }
  }
  throw new MediaError(
    "OPENCV_UNAVAILABLE",
    `opencv: sources need ${PACKAGE}, which could not be loaded (${reasons[0]}); ` +
      "`npm run setup:opencv` in RoomRTC's folder builds it",
  );
}

/** The package's own loader is passed by: it looks for an OpenCV of its making, and talks on standard output meanwhile. */
function bindingOf(from: string | URL): string {
  // …/cjs/lib/opencv4nodejs.js
  return join(dirname(createRequire(from).resolve(PACKAGE)), "..", "..", BINDING);
}

/**
 * The binding keeps its JavaScript classes in static variables: a second thread that loads it, or the next engine's camera, would
 * end the process (docs/decisions/0102-opencv-as-a-source.md). A copy of the file has variables of its own.
 */
function loadCopy(binding: string): OpenCv {
  const folder = mkdtempSync(join(tmpdir(), "roomrtc-opencv-"));
  try {
    const copy = join(folder, "opencv4nodejs.node");
    copyFileSync(binding, copy, constants.COPYFILE_FICLONE);
    const module = { exports: {} as OpenCv };
    process.dlopen(module, copy, os.dlopen.RTLD_NOW | RTLD_NODELETE);
    return module.exports;
  } finally {
    // What is mapped stays.
    rmSync(folder, { recursive: true });
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0];
}
