import type { VideoDecoder, VideoEncoder } from "../../../native/addon.js";
import type { CodecSettings } from "../engine_messages.js";
import type { VideoCodecName } from "./codec_name.js";
import { libvpxVp8Decoder, libvpxVp8Encoder } from "./libvpx.js";
import { openH264Decoder, openH264Encoder } from "./openh264.js";
import { Registry } from "./registry.js";
import type { VideoDecoderFactory, VideoEncoderFactory, VideoEncoderRequest } from "./video_codec.js";

/** The encoders of this thread. */
export const videoEncoders = new Registry<VideoCodecName, VideoEncoderFactory>("encoder", [
  openH264Encoder,
  libvpxVp8Encoder,
]);
/** The decoders of this thread. */
export const videoDecoders = new Registry<VideoCodecName, VideoDecoderFactory>("decoder", [
  openH264Decoder,
  libvpxVp8Decoder,
]);

/** The first encoder of the codec that can be had; throws what the last one tried threw. */
export function createVideoEncoder(
  codec: VideoCodecName,
  request: VideoEncoderRequest,
  settings: CodecSettings,
): Maker & { readonly encoder: VideoEncoder } {
  return videoEncoders.first(codec, (factory) => ({
    encoder: factory.create(request, settings),
    ...makerOf(factory),
  }));
}

export function createVideoDecoder(
  codec: VideoCodecName,
  settings: CodecSettings,
): Maker & { readonly decoder: VideoDecoder } {
  return videoDecoders.first(codec, (factory) => ({
    decoder: factory.create(settings),
    ...makerOf(factory),
  }));
}

/** What made an encoder or a decoder, as statistics tell it. */
export interface Maker {
  readonly name: string;
  readonly isHardware: boolean;
}

function makerOf({ name, isHardware = false }: VideoEncoderFactory | VideoDecoderFactory): Maker {
  return { name, isHardware };
}
