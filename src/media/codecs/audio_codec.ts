/**
 * Where a sound codec comes in, as {@link ./video_codec.ts} says of pictures: a factory with a name, and a line in
 * {@link ./audio_codecs.ts}.
 */
import type { AudioCodecName } from "./codec_name.js";

export interface AudioEncoder {
  /** Encodes one frame of interleaved samples; returns the bytes written to `out`, two or fewer of which stand for silence. */
  encode(pcm: Int16Array, out: Uint8Array): number;
  /** Codecs of one rate pass it over. */
  setBitrate(bitrateBps: number): void;
  /** Expected loss, 0 to 100. */
  setPacketLoss(percent: number): void;
  close(): void;
}

/** What one encoder is to make. */
export interface AudioEncoderRequest {
  /** One of the factory's {@link AudioEncoderFactory.sampleRates}. */
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  readonly bitrateBps: number;
  readonly fec: boolean;
  readonly dtx: boolean;
}

export interface AudioEncoderFactory {
  /** The implementation's, unique among those of its codec. */
  readonly name: string;
  readonly codec: AudioCodecName;
  /** What it takes at its input, the one that others are converted to first. */
  readonly sampleRates: readonly number[];
  readonly maxChannels: 1 | 2;
  /** The RTP clock's. */
  readonly clockRate: number;
  create(request: AudioEncoderRequest): AudioEncoder;
}
