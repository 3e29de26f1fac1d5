/**
 * Sources that the application feeds itself. An input belongs to no engine: every engine that sends it connects an
 * outlet while it does, and whoever looks at the source on the main thread connects one too.
 */

import type { EncodedInput } from "./encoded_input.js";

/** A tightly packed I420 picture: Y, then U, then V, chroma planes of (width+1)/2 by (height+1)/2. */
export interface PushedPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Clockwise, before it is shown; 0 by default. Peers are told, where they understand (3GPP TS 26.114 §7.4.5). */
  readonly quarterTurns?: number;
  /** Monotonic, µs. */
  readonly captureTimeUs: number;
}

/** Interleaved 16-bit samples. */
export interface PushedSound {
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** When the first sample was captured; monotonic, µs. */
  readonly captureTimeUs: number;
}

/** Frames pass through at once and are never kept: an outlet copies what it needs before it returns. */
export class PushedInput<K extends "video" | "audio", T> {
  readonly isEncoded = false;
  readonly kind: K;
  readonly #outlets = new Set<(frame: T) => void>();

  constructor(kind: K) {
    this.kind = kind;
  }

  /** Whether anybody takes the frames. */
  get connected(): boolean {
    return this.#outlets.size > 0;
  }

  /** Hands a frame to every outlet. */
  push(frame: T): void {
    for (const outlet of this.#outlets) outlet(frame);
  }

  /** Returns the function that disconnects `outlet`. */
  connect(outlet: (frame: T) => void): () => void {
    this.#outlets.add(outlet);
    return () => this.#outlets.delete(outlet);
  }
}

export type PictureInput = PushedInput<"video", PushedPicture>;
export type SoundInput = PushedInput<"audio", PushedSound>;
export type RawInput = PictureInput | SoundInput;
export type MediaInput = RawInput | EncodedInput;
