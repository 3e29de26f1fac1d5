/** Screen Capture: an X display as a track's source. */
import { createHash } from "node:crypto";
import { native } from "../../../native/addon.js";
import type { VideoSourceSpec } from "../../media/source_spec.js";
import { parseScreen, type ScreenPlace } from "../../media/sources/screen_text.js";
import { domError } from "../dom_error.js";
import { checkNumber, chooseNumber, type MediaTrackConstraints } from "./constraints.js";
import type { Opened } from "./device_opener.js";

/** Screen Capture §5.3; `audio` is taken for a wish that cannot be fulfilled: a screen has no sound here. */
export interface DisplayMediaStreamOptions {
  readonly video?: boolean | MediaTrackConstraints;
  readonly audio?: boolean | MediaTrackConstraints;
}

const FRAME_RATE = { min: 1, max: 60, usual: 30 } as const;

/** The constraints of the picture. Throws the TypeErrors of Screen Capture §5.1. */
export function displayConstraints({ video = true }: DisplayMediaStreamOptions): MediaTrackConstraints {
  if (video === false) throw new TypeError("getDisplayMedia: video is false");
  if (video === true) return {};
  if ("advanced" in video) throw new TypeError("getDisplayMedia: advanced constraints are not allowed");
  for (const [name, constraint] of Object.entries(video)) {
    const required = ["min", "exact"].find((kind) => typeof constraint === "object" && kind in constraint);
    if (required !== undefined) throw new TypeError(`getDisplayMedia: ${name} has a member ${required}`);
  }
  return video;
}

/** @param text as behind `screen:`, "" for the display of the environment */
export function openDisplay(text: string, constraints: MediaTrackConstraints): Opened<VideoSourceSpec> {
  const place = parseScreen(text);
  if (place === undefined) throw new TypeError(`mediaDevices.screen is "${text}", which names no screen`);
  const size = probe(place);
  const frameRate = chooseNumber("frameRate", constraints.frameRate, FRAME_RATE);
  for (const name of ["width", "height"] as const) checkNumber(name, constraints[name], size[name]);
  const deviceId = createHash("sha256").update(`display ${text}`).digest("hex");
  const { min, max } = FRAME_RATE;
  const range = (side: number) => ({ min: side, max: side });
  return {
    spec: { kind: "screen", ...place, frameRate },
    settings: { deviceId, ...size, frameRate },
    capabilities: {
      deviceId,
      width: range(size.width),
      height: range(size.height),
      frameRate: { min, max },
    },
  };
}

/** Opens the screen for a moment, to learn its size and whether it may be seen. */
function probe(place: ScreenPlace): { width: number; height: number } {
  const display = place.display === "" ? (process.env.DISPLAY ?? "") : place.display;
  if (display === "")
    throw domError("NotFoundError", "No display is named, and the environment has no DISPLAY");
  try {
    const capture = new native.ScreenCapture({ ...place, display });
    const { width, height } = capture;
    capture.close();
    return { width, height };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    throw domError(code === "SCREEN_UNAVAILABLE" ? "NotFoundError" : "NotReadableError", message);
  }
}
