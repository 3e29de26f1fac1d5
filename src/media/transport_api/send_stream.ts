import type { CodecName } from "../codecs/codec_name.js";
import type { HeaderExtensionIds, MediaKind, RedOptions } from "./stream_options.js";

export interface SendStreamOptions {
  readonly kind: MediaKind;
  readonly mid: string;
  /** Its rid where it is one of several layers of the section (RFC 8853). */
  readonly layer?: string;
  readonly ssrc: number;
  readonly cname: string;
  readonly payloadType: number;
  readonly codec: CodecName;
  readonly clockRate: number;
  /** RFC 6184 §6.2; H.264 only. */
  readonly packetizationMode?: 0 | 1;
  readonly extensions: HeaderExtensionIds;
  readonly nack: boolean;
  /** Absent: lost packets are sent again as they were. */
  readonly rtx?: RtxSendOptions;
  /** Pictures: their parity goes in a stream of its own while there is loss. */
  readonly flexfec?: FlexfecSendOptions;
  /** Sound: each packet goes with a copy of the one before. Pictures: they and their parity travel in it while there is loss. */
  readonly red?: RedOptions & {
    /** As what {@link rtx} repeats it. */
    readonly rtx?: number;
  };
  readonly reducedSizeRtcp: boolean;
  /** Pictures: how soon the peer is asked to show them, where it understands. */
  readonly playoutDelay?: PlayoutDelay;
  /** Number of a pushed input (`MediaTransport.inputId`); 0 or absent: the engine's camera or microphone. */
  readonly source?: number;
  /** What it carries comes encoded, as packets or as samples, and its packets may be larger than ours. */
  readonly encoded?: boolean;
  /** Nothing is sent that has not been through a transform (`MediaTransport.setSendTransform`). */
  readonly transformed?: boolean;
  /** To begin with; `MediaTransport.limitSendStream` changes them. */
  readonly limits?: SendLimits;
  /** To begin with; `MediaTransport.blankSendStream` changes it. */
  readonly blank?: boolean;
  /** What the peer's description says of sound. */
  readonly sound?: SoundOptions;
  /** Payload type for keys of a telephone (RFC 4733), at the stream's clock rate; absent: none. */
  readonly telephoneEvent?: number;
}

/** The stream in which lost packets are repeated (RFC 4588). */
export interface RtxSendOptions {
  readonly ssrc: number;
  readonly payloadType: number;
}

/** The stream that has parity of another (RFC 8627). */
export interface FlexfecSendOptions {
  readonly ssrc: number;
  readonly payloadType: number;
}

/** From the capture of a picture until it is shown, µs; 0 and 0: at once, whatever the jitter. */
export interface PlayoutDelay {
  readonly minUs: number;
  readonly maxUs: number;
}

/** Absent members: as the engine's settings say. */
export interface SoundOptions {
  /** 1 by default. */
  readonly channels?: 1 | 2;
  readonly fec?: boolean;
  readonly dtx?: boolean;
  readonly maxBitrateBps?: number;
  /** 10, 20, 40 or 60 ms; G.711 20. */
  readonly frameUs?: number;
}

/**
 * What one stream may use; absent: what the engine aims at. Streams of one source that wish the same share one encoding, others
 * have encodings of their own, eight a source at most; beyond that a stream gets the one that comes nearest.
 */
export interface SendLimits {
  readonly maxBitrateBps?: number;
  /** 0: no pictures. */
  readonly maxFrameRate?: number;
  /** 1 or more: the picture's sides divided by this. */
  readonly scaleResolutionDownBy?: number;
  /** Macroblocks of 16x16 in a picture: a larger one is scaled down until it has no more. */
  readonly maxMacroblocks?: number;
  /**
   * Of a layer (simulcast): the lower ones, which have what they want of a narrow path first. What is left may be too little for this one,
   * which rests then.
   */
  readonly below?: readonly LowerLayer[];
}

/** What a lower layer takes of the path. */
export interface LowerLayer {
  readonly scaleResolutionDownBy: number;
  readonly maxBitrateBps?: number;
}
