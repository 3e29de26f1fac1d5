/** Agrees with a camera on format and size, in a stated order, and says what was not to be had. */
import { CaptureProperty, type OpenCvCapture } from "./opencv_module.js";

export interface WantedMode {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
}

/** First what needs least of a USB bus; last what the driver has without being asked. */
const FORMATS = ["MJPG", "YUYV", "NV12"] as const;
const FALLBACK_SIZES = [
  { width: 1280, height: 720 },
  { width: 640, height: 480 },
  { width: 320, height: 240 },
] as const;

/**
 * Tries the wanted size in each format, then each smaller size of 1280x720, 640x480 and 320x240, and takes the driver's
 * own choice when it gives none of them. Returns a line for each attempt that failed; none when the first one served.
 */
export function negotiateMode(capture: OpenCvCapture, wanted: WantedMode): string[] {
  const failures: string[] = [];
  for (const size of [wanted, ...smallerThan(wanted)]) {
    for (const format of FORMATS) {
      const failure = tryMode(capture, format, { ...size, frameRate: wanted.frameRate });
      if (failure === undefined) return failures;
      failures.push(failure);
    }
  }
  return [...failures, `taken: ${describeMode(capture)}, the driver's own`];
}

function smallerThan({ width, height }: WantedMode) {
  return FALLBACK_SIZES.filter((size) => size.width * size.height < width * height);
}

/** Undefined when the driver agreed. A format before its size: a driver's sizes depend on it. */
function tryMode(capture: OpenCvCapture, format: string, wanted: WantedMode): string | undefined {
  capture.set(CaptureProperty.fourcc, toFourcc(format));
  capture.set(CaptureProperty.width, wanted.width);
  capture.set(CaptureProperty.height, wanted.height);
  capture.set(CaptureProperty.frameRate, wanted.frameRate);
  const agreed =
    capture.get(CaptureProperty.width) === wanted.width &&
    capture.get(CaptureProperty.height) === wanted.height &&
    capture.get(CaptureProperty.fourcc) === toFourcc(format);
  return agreed
    ? undefined
    : `${format} ${wanted.width}x${wanted.height}: the driver gives ${describeMode(capture)}`;
}

function describeMode(capture: OpenCvCapture): string {
  const width = capture.get(CaptureProperty.width);
  const height = capture.get(CaptureProperty.height);
  return `${fromFourcc(capture.get(CaptureProperty.fourcc))} ${width}x${height}`;
}

/** Four characters as OpenCV packs them. */
export function toFourcc(text: string): number {
  return Buffer.from(text, "latin1").readUInt32LE(0);
}

function fromFourcc(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(Number.isFinite(value) ? value >>> 0 : 0);
  const text = bytes.toString("latin1");
  return /^[\x21-\x7e ]{4}$/.test(text) ? text : "an unnamed format";
}
