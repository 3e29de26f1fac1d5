/** What the text behind `opencv:` names, and by which back ends it is tried. */
import { BackEnd } from "./opencv_module.js";

export type OpenCvTargetKind = "device" | "file" | "pipeline" | "url";

export interface OpenCvTarget {
  readonly kind: OpenCvTargetKind;
  /** What OpenCV opens. */
  readonly value: string | number;
  /** For messages: "device 0". */
  readonly name: string;
  /** In the order in which they are tried. */
  readonly backEnds: readonly { readonly id: number; readonly name: string }[];
  /** What to look at when none of them opens it. */
  readonly advice: string;
}

const V4L2 = { id: BackEnd.v4l2, name: "V4L2" };
const FFMPEG = { id: BackEnd.ffmpeg, name: "FFmpeg" };
const GSTREAMER = { id: BackEnd.gstreamer, name: "GStreamer" };
const IMAGES = { id: BackEnd.images, name: "numbered pictures" };
const ANY = { id: BackEnd.any, name: "whatever OpenCV finds" };

/** A number is a device, a text with `!` a GStreamer pipeline, one with `://` a URL; the rest is a file's path. */
export function describeTarget(text: string): OpenCvTarget {
  if (/^\d{1,3}$/.test(text)) return device(Number(text));
  if (text.includes("!")) return pipeline(text);
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? url(text) : file(text);
}

function device(index: number): OpenCvTarget {
  return {
    kind: "device",
    value: index,
    name: `device ${index}`,
    backEnds: [V4L2, ANY],
    advice: `is /dev/video${index} plugged in, free and allowed for this user (group video)?`,
  };
}

function pipeline(text: string): OpenCvTarget {
  return {
    kind: "pipeline",
    value: text,
    name: `pipeline "${text}"`,
    backEnds: [GSTREAMER],
    advice: "does gst-launch-1.0 play it with fakesink at its end in place of appsink?",
  };
}

function url(text: string): OpenCvTarget {
  return {
    kind: "url",
    value: text,
    name: withoutPassword(text),
    backEnds: [FFMPEG, GSTREAMER],
    advice: "does ffprobe show it from this machine?",
  };
}

function file(text: string): OpenCvTarget {
  return {
    kind: "file",
    value: text,
    name: `file ${text}`,
    // Not whatever there is: of OpenCV 4.6, GStreamer drops what it cannot play while it still plays it.
    backEnds: [FFMPEG, IMAGES],
    advice: "does it exist, is it readable and does ffprobe know its format?",
  };
}

/** Messages are logged. */
function withoutPassword(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, "$1…@");
}
