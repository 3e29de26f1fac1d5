import { native } from "../../../native/addon.js";
import type { CodecSettings } from "../engine_messages.js";
import type { VideoDecoderFactory, VideoEncoderFactory } from "./video_codec.js";

function library({ openH264Path }: CodecSettings) {
  return openH264Path === undefined ? {} : { libraryPath: openH264Path };
}

export const openH264Encoder: VideoEncoderFactory = {
  name: "OpenH264",
  codec: "H264",
  create: (request, settings) =>
    new native.H264Encoder({
      ...request,
      idrInterval: settings.idrInterval,
      threads: settings.encoderThreads,
      ...library(settings),
    }),
};

export const openH264Decoder: VideoDecoderFactory = {
  name: "OpenH264",
  codec: "H264",
  create: (settings) => new native.H264Decoder(library(settings)),
};
