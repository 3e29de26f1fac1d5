import { findSps, profileLevelId } from "../../protocol/h264/sps.js";
import { parseVp8FrameHeader } from "../../protocol/vp8/frame_header.js";
import type { EncodedFrame } from "./encoded_frame.js";

/** What a keyframe says that a container must know. */
export interface PictureFormat {
  readonly codec: "H264" | "VP8";
  /** As WebCodecs spell it: "avc1.42c01f", "vp8". */
  readonly codecString: string;
  readonly width: number;
  readonly height: number;
}

/** Undefined: the keyframe does not parse. */
export function pictureFormatOf({ codec, data }: EncodedFrame): PictureFormat | undefined {
  if (codec === "VP8") {
    const header = parseVp8FrameHeader(data, 0, data.length);
    return header?.keyframe
      ? { codec, codecString: "vp8", width: header.width, height: header.height }
      : undefined;
  }
  if (codec !== "H264") return undefined;
  const sps = findSps(data);
  return sps && { codec, codecString: `avc1.${profileLevelId(sps)}`, width: sps.width, height: sps.height };
}

export function sameFormat(a: PictureFormat | undefined, b: PictureFormat | undefined): boolean {
  return a?.codecString === b?.codecString && a?.width === b?.width && a?.height === b?.height;
}
