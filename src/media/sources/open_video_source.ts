import { BLOCK_CODE_MIN } from "../analysis/block_code.js";
import { MediaError } from "../media_error.js";
import type { VideoSourceSpec } from "../source_spec.js";
import { H264FileSource } from "./h264_file.js";
import { loadOpenCv } from "./opencv/opencv_module.js";
import { OpenCvSource } from "./opencv/opencv_source.js";
import { describeTarget } from "./opencv/opencv_target.js";
import { ScreenSource } from "./screen_source.js";
import { TestPattern } from "./test_pattern.js";
import { V4l2Camera } from "./v4l2_camera.js";
import type { PictureSize, VideoSource } from "./video_source.js";
import { Y4mFileSource } from "./y4m_file.js";

/**
 * Opens what a spec names; undefined for "none". `largest` is what a screen that is larger is scaled down to. Throws MediaError saying which device or
 * file and why.
 */
export function openVideoSource(
  spec: VideoSourceSpec,
  openH264Path?: string,
  largest?: PictureSize,
): VideoSource | undefined {
  switch (spec.kind) {
    case "none":
      return undefined;
    case "test":
      return openTestPattern(spec);
    case "file":
      return explain(`video file ${spec.path}`, "does it exist and is it readable?", () =>
        /\.y4m$/i.test(spec.path)
          ? new Y4mFileSource(spec.path, spec.loop)
          : new H264FileSource(spec.path, spec.loop, spec.frameRate ?? 30, openH264Path),
      );
    case "v4l2":
      return explain(`camera ${spec.device}`, "is it plugged in, free and allowed for this user?", () => {
        const { width, height, frameRate } = spec;
        return new V4l2Camera(spec.device, { width, height, frameRate });
      });
    case "opencv":
      return explain(
        `opencv: ${describeTarget(spec.target).name}`,
        "can OpenCV read it?",
        () => new OpenCvSource(loadOpenCv(), spec),
      );
    case "screen": {
      const { display, region, window } = spec;
      const place = { display, ...(region && { region }), ...(window !== undefined && { window }) };
      return new ScreenSource(place, spec.frameRate, largest);
    }
  }
}

function openTestPattern(spec: VideoSourceSpec & { kind: "test" }): VideoSource {
  const { width, height } = spec;
  if (width < BLOCK_CODE_MIN.width || height < BLOCK_CODE_MIN.height) {
    throw new MediaError(
      "BAD_SOURCE",
      `test source: ${width}x${height} is too small, at least ${BLOCK_CODE_MIN.width}x${BLOCK_CODE_MIN.height} is needed`,
    );
  }
  return new TestPattern(spec);
}

/** Runs `open`; whatever it throws comes out as a MediaError that names the thing and what to check. */
function explain<T>(what: string, check: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof MediaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new MediaError("SOURCE_FAILED", `${what}: ${reason} (${check})`, { cause: error });
  }
}
