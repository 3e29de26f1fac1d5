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

export interface AudioDecoder {
  /** Decodes one packet into interleaved samples; returns samples per channel, -1 when the packet is damaged. */
  decode(packet: Uint8Array, pcm: Int16Array): number;
  /** The frame before `packet`, from what that carries of it; samples per channel, 0 or less: it carries nothing. */
  decodeFec(packet: Uint8Array, pcm: Int16Array, samples: number): number;
  /** Makes up for a lost frame; returns samples per channel. */
  conceal(pcm: Int16Array, samples: number): number;
  close(): void;
}

export interface AudioDecoderFactory {
  readonly name: string;
  readonly codec: AudioCodecName;
  /** What it gives. */
  readonly sampleRate: number;
  /** The RTP clock's. */
  readonly clockRate: number;
  readonly maxChannels: 1 | 2;
  /** Frames to recover or conceal are multiples of so many samples. */
  readonly step: number;
  /** Duration of a payload on the RTP clock, 0: malformed. */
  packetSamples(buf: Uint8Array, offset: number, length: number): number;
  /** Whether a payload holds two channels. */
  isStereo(buf: Uint8Array, offset: number): boolean;
  create(channels: 1 | 2): AudioDecoder;
}
