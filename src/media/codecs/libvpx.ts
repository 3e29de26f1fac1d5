import { native } from "../../../native/addon.js";
import type { VideoDecoderFactory, VideoEncoderFactory } from "./video_codec.js";

export const libvpxVp8Encoder: VideoEncoderFactory = {
  name: "libvpx",
  codec: "VP8",
  create: ({ maxNalBytes: _none, ...request }, settings) =>
    new native.Vp8Encoder({
      ...request,
      keyframeInterval: settings.idrInterval,
      threads: settings.encoderThreads,
    }),
};

export const libvpxVp8Decoder: VideoDecoderFactory = {
  name: "libvpx",
  codec: "VP8",
  create: () => new native.Vp8Decoder(),
};
