import type { AudioCodecName, CodecName, VideoCodecName } from "../codecs/codec_name.js";
import type { LowerLayer } from "../transport_api.js";

/** What every encoding of a source is told. Absent limits: as the engine aims at. */
interface EncodingWishes {
  readonly codec: CodecName;
  readonly maxBitrateBps?: number;
  /** Black or silence instead of what the source gives. */
  readonly blank: boolean;
}

/** What one encoder is to make of pictures. */
export interface VideoWishes extends EncodingWishes {
  readonly kind: "video";
  readonly codec: VideoCodecName;
  /** 0: no pictures at all. */
  readonly maxFrameRate?: number;
  /** 1 or more: the picture's sides divided by this. */
  readonly scaleResolutionDownBy: number;
  /** Macroblocks in a picture; scaled down further until it has no more. */
  readonly maxMacroblocks?: number;
  /** Of a layer: those that are served before it where a path is too narrow for all (layer_share.ts). */
  readonly below?: readonly LowerLayer[];
}

/** What one encoder is to make of sound. */
export interface AudioWishes extends EncodingWishes {
  readonly kind: "audio";
  readonly codec: AudioCodecName;
  /** Two only where the source has two. */
  readonly channels: 1 | 2;
  /** Absent: as the engine's settings say. */
  readonly fec?: boolean;
  readonly dtx?: boolean;
  /** Length of one packet in time; absent: the engine's setting, for G.711 20 ms. */
  readonly frameUs?: number;
}

export type Wishes = VideoWishes | AudioWishes;

/**
 * One encoding of a source, made once for all send streams that wish the same. Its number is unique in the engine, 1 and up:
 * encoded frames carry it, and keyframes are asked for by it.
 */
export interface Encoding<W extends Wishes> {
  readonly id: number;
  readonly wishes: W;
}

export type VideoEncoding = Encoding<VideoWishes>;
export type AudioEncoding = Encoding<AudioWishes>;

/** Encodings of one source at most; a stream with wishes beyond that gets what comes nearest to them. */
export const MAX_ENCODINGS_PER_SOURCE = 8;

export function sameWishes(a: Wishes, b: Wishes): boolean {
  return JSON.stringify(normalized(a)) === JSON.stringify(normalized(b));
}

/** How much worse `offered` serves someone with these wishes, 0: not at all; Infinity: it cannot. */
export function distanceOf(wishes: Wishes, offered: Wishes): number {
  // Whoever is to be sent black must not be sent the picture.
  if (wishes.codec !== offered.codec || wishes.blank !== offered.blank) return Number.POSITIVE_INFINITY;
  const rate = ratio(wishes.maxBitrateBps ?? UNLIMITED_BPS, offered.maxBitrateBps ?? UNLIMITED_BPS);
  if (wishes.kind === "audio" || offered.kind === "audio") {
    return sameSound(wishes, offered) ? rate : Number.POSITIVE_INFINITY;
  }
  const scale = ratio(wishes.scaleResolutionDownBy, offered.scaleResolutionDownBy);
  const frames = ratio(wishes.maxFrameRate ?? UNLIMITED_RATE, offered.maxFrameRate ?? UNLIMITED_RATE);
  const size = ratio(
    wishes.maxMacroblocks ?? UNLIMITED_MACROBLOCKS,
    offered.maxMacroblocks ?? UNLIMITED_MACROBLOCKS,
  );
  return 4 * scale + rate + frames + size;
}

/** What the peer's description says of sound is no wish but a rule. */
function sameSound(a: Wishes, b: Wishes): boolean {
  if (a.kind !== "audio" || b.kind !== "audio") return false;
  return a.channels === b.channels && a.fec === b.fec && a.dtx === b.dtx && a.frameUs === b.frameUs;
}

/** Stand for "no limit" when limits are compared. */
const UNLIMITED_BPS = 100_000_000;
const UNLIMITED_RATE = 120;
const UNLIMITED_MACROBLOCKS = 8192;

function ratio(a: number, b: number): number {
  return Math.abs(Math.log2(Math.max(a, 1) / Math.max(b, 1)));
}

/** The same members in the same order, whoever made the object. */
function normalized(wishes: Wishes) {
  const { codec, maxBitrateBps, blank } = wishes;
  if (wishes.kind === "audio") {
    const { channels, fec = null, dtx = null, frameUs = null } = wishes;
    return [codec, blank, maxBitrateBps ?? null, channels, fec, dtx, frameUs];
  }
  return [
    codec,
    blank,
    maxBitrateBps ?? null,
    wishes.maxFrameRate ?? null,
    wishes.scaleResolutionDownBy,
    wishes.maxMacroblocks ?? null,
    wishes.below?.map(({ scaleResolutionDownBy, maxBitrateBps }) => [
      scaleResolutionDownBy,
      maxBitrateBps ?? null,
    ]) ?? null,
  ];
}
