/** FFmpeg as the other end of our files. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";

export function ffmpeg(...args: string[]): void {
  execFileSync("ffmpeg", ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

interface Probe {
  readonly streams: readonly {
    readonly codec_name: string;
    readonly codec_type: string;
    readonly width?: number;
    readonly height?: number;
    readonly channels?: number;
    readonly nb_read_frames?: string;
    readonly nb_read_packets?: string;
  }[];
  readonly format: { readonly format_name: string; readonly duration?: string };
}

/** What ffprobe says of a file after it decoded every frame; whatever it finds wrong fails, unless the file may end in a record. */
export function probe(path: string, { cut = false } = {}): Probe {
  const args = [
    "-v",
    "error",
    "-count_frames",
    "-count_packets",
    "-show_streams",
    "-show_format",
    "-of",
    "json",
  ];
  const { stdout, stderr } = spawnSync("ffprobe", [...args, path], { encoding: "utf8" });
  if (!cut) assert.equal(stderr, "");
  // Of a file in which nothing stands yet it says nothing.
  return { streams: [], ...JSON.parse(stdout) };
}

/** When the last packet of a file is presented, or that of its picture or its sound, in seconds. */
export function lastTime(path: string, stream?: "v" | "a"): number {
  const which = stream === undefined ? [] : ["-select_streams", stream];
  const args = ["-v", "error", ...which, "-show_entries", "packet=pts_time", "-of", "csv=p=0", path];
  const { stdout } = spawnSync("ffprobe", args, { encoding: "utf8" });
  return Math.max(...stdout.trim().split("\n").map(Number.parseFloat));
}
