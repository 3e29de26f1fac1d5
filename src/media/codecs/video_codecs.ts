import type { VideoDecoder, VideoEncoder } from "../../../native/addon.js";
import type { CodecSettings } from "../engine_messages.js";
import { MediaError } from "../media_error.js";
import type { VideoCodecName } from "./codec_name.js";
import { libvpxVp8Decoder, libvpxVp8Encoder } from "./libvpx.js";
import { openH264Decoder, openH264Encoder } from "./openh264.js";
import type { VideoDecoderFactory, VideoEncoderFactory, VideoEncoderRequest } from "./video_codec.js";

/** One kind of implementation, by name, the preferred first. */
class Registry<F extends { readonly name: string; readonly codec: VideoCodecName }> {
  readonly #factories: F[];

  constructor(
    readonly what: string,
    factories: readonly F[],
  ) {
    this.#factories = [...factories];
  }

  /** Puts an implementation before those there are; one of the same codec and name takes the other's place. */
  register(factory: F): void {
    this.unregister(factory.codec, factory.name);
    this.#factories.unshift(factory);
  }

  unregister(codec: VideoCodecName, name: string): void {
    const at = this.#factories.findIndex((known) => known.codec === codec && known.name === name);
    if (at >= 0) this.#factories.splice(at, 1);
  }

  /** What `make` makes of the first implementation that does not throw. */
  first<T>(codec: VideoCodecName, make: (factory: F) => T): T {
    let reason: unknown = new MediaError("CODEC_FAILED", `there is no ${this.what} for ${codec}`);
    for (const factory of this.#factories) {
      if (factory.codec !== codec) continue;
      try {
        return make(factory);
      } catch (error) {
        reason = error;
      }
    }
    throw reason;
  }
}

/** The encoders of this thread. */
export const videoEncoders = new Registry<VideoEncoderFactory>("encoder", [
  openH264Encoder,
  libvpxVp8Encoder,
]);
/** The decoders of this thread. */
export const videoDecoders = new Registry<VideoDecoderFactory>("decoder", [
  openH264Decoder,
  libvpxVp8Decoder,
]);

/** The first encoder of the codec that can be had; throws what the last one tried threw. */
export function createVideoEncoder(
  codec: VideoCodecName,
  request: VideoEncoderRequest,
  settings: CodecSettings,
): VideoEncoder {
  return videoEncoders.first(codec, (factory) => factory.create(request, settings));
}

export function createVideoDecoder(codec: VideoCodecName, settings: CodecSettings): VideoDecoder {
  return videoDecoders.first(codec, (factory) => factory.create(settings));
}
