/**
 * What feeds the engine and what it feeds, as plain data that crosses to the workers, and the short texts that the
 * command line and the configuration use for it.
 */
import { MediaError } from "./media_error.js";
import { parseScreen, type ScreenPlace } from "./sources/screen_text.js";

export type VideoSourceSpec =
  | {
      readonly kind: "test";
      readonly width: number;
      readonly height: number;
      readonly frameRate: number;
      /** Camera-like noise over the picture. */
      readonly noise: boolean;
      /** 16 bits carried in the block code, to tell whose picture it is. */
      readonly tag: number;
    }
  | {
      readonly kind: "file";
      readonly path: string;
      readonly loop: boolean;
      /** For streams that do not say their rate (H.264); Y4M brings its own. 30 by default. */
      readonly frameRate?: number;
    }
  | {
      readonly kind: "v4l2";
      readonly device: string;
      readonly width: number;
      readonly height: number;
      readonly frameRate: number;
    }
  | {
      readonly kind: "opencv";
      /** A device's number, a file's path, a URL or a GStreamer pipeline. */
      readonly target: string;
      /** Whether a file begins again at its end. */
      readonly loop: boolean;
      /** What a device is asked for; the rest brings its own. */
      readonly width: number;
      readonly height: number;
      readonly frameRate: number;
    }
  | (ScreenPlace & { readonly kind: "screen"; readonly frameRate: number })
  | { readonly kind: "none" };

export type AudioSourceSpec =
  | { readonly kind: "tone"; readonly frequencyHz: number; readonly channels: 1 | 2 }
  | { readonly kind: "file"; readonly path: string; readonly loop: boolean }
  /** Silence: a sound device that is not there. */
  | { readonly kind: "null" }
  | { readonly kind: "none" };

/** Decoded pictures (Y4M), or the received stream as it is (Annex-B H.264). */
export type VideoSinkSpec =
  | { readonly kind: "y4m"; readonly path: string; readonly frameRate: number }
  | { readonly kind: "h264"; readonly path: string }
  | { readonly kind: "null" };

export type AudioSinkSpec = { readonly kind: "wav"; readonly path: string } | { readonly kind: "null" };

/** What a text leaves open. */
export interface VideoSourceDefaults {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly tag?: number;
}

/** Whether a source holds what others want too, so that it is closed while nobody watches. */
export function holdsDevice({ kind }: VideoSourceSpec): boolean {
  return kind === "v4l2" || kind === "opencv" || kind === "screen";
}

/**
 * Reads `test`, `test:noise`, `file:PATH`, `v4l2:/dev/videoN`, `opencv:TARGET`, `screen:…` or `none`. A `file:` is Y4M
 * (.y4m) or Annex-B H.264 (.h264, .264, .avc) and brings its own size and rate. Throws MediaError BAD_SOURCE.
 */
export function parseVideoSource(text: string, defaults: VideoSourceDefaults): VideoSourceSpec {
  const { width, height, frameRate, tag = 0 } = defaults;
  const { scheme, rest } = splitScheme(text);
  if (scheme === "test" && (rest === "" || rest === "noise")) {
    return { kind: "test", width, height, frameRate, noise: rest === "noise", tag };
  }
  if (scheme === "file" && rest !== "") return { kind: "file", path: rest, loop: true, frameRate };
  if (scheme === "v4l2" && rest !== "") return { kind: "v4l2", device: rest, width, height, frameRate };
  if (scheme === "opencv" && rest !== "")
    return { kind: "opencv", target: rest, loop: true, width, height, frameRate };
  const screen = scheme === "screen" ? parseScreen(rest) : undefined;
  if (screen !== undefined) return { kind: "screen", ...screen, frameRate };
  if (text === "none") return { kind: "none" };
  throw new MediaError(
    "BAD_SOURCE",
    `video source "${text}": allowed are test, test:noise, file:PATH, v4l2:/dev/videoN, opencv:N, opencv:PATH, ` +
      "opencv:URL, opencv:PIPELINE, screen:, screen:DISPLAY, screen:X,Y,WIDTHxHEIGHT, screen:window=ID and none",
  );
}

/** Reads `tone`, `tone:HZ` (20 to 20000), `file:PATH` (WAV), `null` or `none`. Throws MediaError BAD_SOURCE. */
export function parseAudioSource(text: string, channels: 1 | 2 = 1): AudioSourceSpec {
  const { scheme, rest } = splitScheme(text);
  if (scheme === "tone") {
    const frequencyHz = rest === "" ? 440 : Number(rest);
    if (frequencyHz >= 20 && frequencyHz <= 20_000) return { kind: "tone", frequencyHz, channels };
  }
  if (scheme === "file" && rest !== "") return { kind: "file", path: rest, loop: true };
  if (text === "null") return { kind: "null" };
  if (text === "none") return { kind: "none" };
  throw new MediaError(
    "BAD_SOURCE",
    `audio source "${text}": allowed are tone, tone:HZ (20 to 20000), file:PATH, null and none`,
  );
}

/** A recording's video part by the file's ending: .y4m, or .h264/.264; containers have a recorder. Throws MediaError BAD_SINK. */
export function parseVideoSink(path: string, frameRate: number): VideoSinkSpec {
  if (/\.y4m$/i.test(path)) return { kind: "y4m", path, frameRate };
  if (/\.(h264|264|avc)$/i.test(path)) return { kind: "h264", path };
  throw new MediaError("BAD_SINK", `video file "${path}": allowed endings are .y4m, .h264, .264 and .avc`);
}

function splitScheme(text: string): { scheme: string; rest: string } {
  const colon = text.indexOf(":");
  return colon < 0
    ? { scheme: text, rest: "" }
    : { scheme: text.slice(0, colon), rest: text.slice(colon + 1) };
}
