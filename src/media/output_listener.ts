import type { Descriptor } from "./ring/descriptor.js";

/** A presented picture: I420 planes in `bytes` at the descriptor's offsets and strides. Valid during the call only. */
export type PictureListener = (bytes: Uint8Array, picture: Readonly<Descriptor>) => void;

/** Played sound: interleaved 48 kHz samples; `channels` is the descriptor's width. Valid during the call only. */
export type SamplesListener = (pcm: Int16Array, samples: Readonly<Descriptor>) => void;
