/**
 * Where a picture codec comes in. An implementation (OpenH264, libvpx, one in hardware) is a factory with a name; the
 * engine asks for a codec and takes the first implementation that can be made. A new one is a file beside this and a
 * line in {@link ./video_codecs.ts}.
 */
import type { VideoDecoder, VideoEncoder } from "../../../native/addon.js";
import type { CodecSettings } from "../engine_messages.js";
import type { VideoCodecName } from "./codec_name.js";

/** What one encoder is to make. */
export interface VideoEncoderRequest {
  /** Even. */
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly bitrateBps: number;
  /** Largest NAL unit (RFC 6184 §6.2, mode 0), 0: no bound; codecs without NAL units pass it over. */
  readonly maxNalBytes: number;
}

export interface VideoEncoderFactory {
  /** The implementation's, unique among those of its codec. */
  readonly name: string;
  readonly codec: VideoCodecName;
  /** It encodes in hardware; false when absent. */
  readonly isHardware?: boolean;
  /** Throws when there is no such device or library here, or it does not take the request. */
  create(request: VideoEncoderRequest, settings: CodecSettings): VideoEncoder;
}

export interface VideoDecoderFactory {
  readonly name: string;
  readonly isHardware?: boolean;
  readonly codec: VideoCodecName;
  create(settings: CodecSettings): VideoDecoder;
}
