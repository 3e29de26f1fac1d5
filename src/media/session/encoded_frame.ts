import type { CodecName } from "../codecs/codec_name.js";

/** One encoded picture (H.264: an Annex-B access unit; VP8: a frame) or Opus packet. */
export interface EncodedFrame {
  /** The frame lies at the beginning. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Monotonic; of a sound frame: of its first sample. */
  readonly captureTimeUs: number;
  readonly codec: CodecName;
  /** A whole RTP packet of another stream, to be passed on. */
  readonly isPacket?: boolean;
  readonly keyframe: boolean;
  /** Sound only: samples since the microphone began, and how long the packet lasts. */
  readonly rtpTimestamp: number;
  readonly durationUs: number;
  /** Number of the encoding (encodings/encoding.ts); 0 when absent. */
  readonly encoding?: number;
  /** Pictures: size, how long encoding took, bytes by the target bitrate, when the encoder gave it out. For statistics alone. */
  readonly width?: number;
  readonly height?: number;
  readonly encodeUs?: number;
  /** -1: not known. */
  readonly quantizer?: number;
  readonly targetBytes?: number;
  readonly enqueuedUs?: number;
  readonly isPathLimited?: boolean;
  /** Of sound, as RFC 6464 writes it: -dBov, and 128 where there is a voice. Absent: not known. */
  readonly audioLevel?: number;
  /** Of a picture: quarter turns clockwise before it is shown; 0 when absent. */
  readonly quarterTurns?: number;
}
