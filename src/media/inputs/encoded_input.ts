import type { CodecName } from "../codecs/codec_name.js";

/** What an encoded input is in. */
export interface EncodedFormat {
  readonly codec: CodecName;
  readonly clockRate: number;
  /** As SDP says it; Opus always 2. */
  readonly channels?: number;
  readonly fmtp?: string;
}

/** One access unit (H.264, H.265: Annex B; AV1: low-overhead OBUs), frame or packet of sound. */
export interface PushedSample {
  readonly data: Uint8Array;
  /** Monotonic, µs; of sound: of its first sample. */
  readonly captureTimeUs: number;
  /** Of sound. */
  readonly durationUs: number;
  /** Since the source began, in the format's clock; of sound. */
  readonly rtpTimestamp: number;
  readonly keyframe: boolean;
}

/** A whole RTP packet. */
export interface PushedPacket {
  readonly data: Uint8Array;
}

/**
 * A source that the application feeds with what others have encoded: samples, which are packetized here, or packets. As {@link PushedInput}
 * it belongs to no engine and keeps nothing.
 */
export class EncodedPush<K extends "video" | "audio", U extends "sample" | "packet", T> {
  readonly isEncoded = true;
  readonly kind: K;
  readonly unit: U;
  readonly format: EncodedFormat;
  readonly #outlets = new Set<(piece: T) => void>();
  readonly #onKeyframeWanted: () => void;

  /** @param onKeyframeWanted a peer cannot go on, or begin, without a keyframe */
  constructor(kind: K, unit: U, format: EncodedFormat, onKeyframeWanted: () => void) {
    this.kind = kind;
    this.unit = unit;
    this.format = format;
    this.#onKeyframeWanted = onKeyframeWanted;
  }

  get connected(): boolean {
    return this.#outlets.size > 0;
  }

  push(piece: T): void {
    for (const outlet of this.#outlets) outlet(piece);
  }

  connect(outlet: (piece: T) => void): () => void {
    this.#outlets.add(outlet);
    return () => this.#outlets.delete(outlet);
  }

  askKeyframe(): void {
    this.#onKeyframeWanted();
  }
}

export type SampleInput = EncodedPush<"video" | "audio", "sample", PushedSample>;
export type PacketInput = EncodedPush<"video" | "audio", "packet", PushedPacket>;
export type EncodedInput = SampleInput | PacketInput;
