import type { Descriptor } from "./ring/descriptor.js";

/** A presented picture: I420 planes in `bytes` at the descriptor's offsets and strides. Valid during the call only. */
export type PictureListener = (bytes: Uint8Array, picture: Readonly<Descriptor>) => void;

/** Played sound: interleaved 48 kHz samples; `channels` is the descriptor's width. Valid during the call only. */
export type SamplesListener = (pcm: Int16Array, samples: Readonly<Descriptor>) => void;
/** One received RTP packet, valid during the call; of the descriptor `codec`, `arrivalUs` and, as `tag`, how many found no room before. */
export type PacketListener = (packet: Uint8Array, descriptor: Readonly<Descriptor>) => void;
