/** What an encoded transform gets and gives back (WebRTC Encoded Transform §4). */
import type { FrameAbout } from "../../media/transforms/transform_messages.js";
import { checkConstructor, internals } from "../internals.js";
import { defineInterface } from "../web_idl.js";

export type RTCEncodedVideoFrameType = "key" | "delta" | "empty";

interface EncodedFrameMetadata {
  readonly synchronizationSource: number;
  /** Absent on the way in. */
  readonly payloadType?: number;
  readonly contributingSources: number[];
  readonly rtpTimestamp: number;
  readonly mimeType: string;
}

export interface RTCEncodedVideoFrameMetadata extends EncodedFrameMetadata {
  /** Of a picture on its way out. */
  readonly width?: number;
  readonly height?: number;
}

export interface RTCEncodedAudioFrameMetadata extends EncodedFrameMetadata {
  /** Of sound on its way in. */
  readonly sequenceNumber?: number;
}

interface FrameState {
  readonly ticket: number;
  readonly about: FrameAbout;
}

export interface EncodedFrameInit extends FrameState {
  readonly data: ArrayBuffer;
}

function metadataOf(
  { ssrc, payloadType, rtpTimestamp, codec }: FrameAbout,
  kind: string,
): EncodedFrameMetadata {
  return {
    synchronizationSource: ssrc,
    ...(payloadType > 0 && { payloadType }),
    contributingSources: [],
    rtpTimestamp,
    mimeType: `${kind}/${codec}`,
  };
}

/** One encoded picture. */
export class RTCEncodedVideoFrame {
  /** @internal */
  readonly [internals]: FrameState;
  /** The bytes; another buffer may be put in its place. Empty once the frame was written. */
  data: ArrayBuffer;

  /** @internal */
  constructor(token: typeof internals, init: EncodedFrameInit) {
    checkConstructor(token);
    this[internals] = init;
    this.data = init.data;
  }

  get type(): RTCEncodedVideoFrameType {
    if (this.data.byteLength === 0) return "empty";
    return this[internals].about.keyframe ? "key" : "delta";
  }

  /** RTP's. */
  get timestamp(): number {
    return this[internals].about.rtpTimestamp;
  }

  getMetadata(): RTCEncodedVideoFrameMetadata {
    const { about } = this[internals];
    const { width, height } = about;
    return { ...metadataOf(about, "video"), ...(width > 0 && { width, height }) };
  }
}
defineInterface(RTCEncodedVideoFrame);

/** One packet of sound. */
export class RTCEncodedAudioFrame {
  /** @internal */
  readonly [internals]: FrameState;
  /** The bytes; another buffer may be put in its place. Empty once the frame was written. */
  data: ArrayBuffer;

  /** @internal */
  constructor(token: typeof internals, init: EncodedFrameInit) {
    checkConstructor(token);
    this[internals] = init;
    this.data = init.data;
  }

  /** RTP's. */
  get timestamp(): number {
    return this[internals].about.rtpTimestamp;
  }

  getMetadata(): RTCEncodedAudioFrameMetadata {
    const { about } = this[internals];
    const { sequenceNumber } = about;
    return { ...metadataOf(about, "audio"), ...(sequenceNumber !== undefined && { sequenceNumber }) };
  }
}
defineInterface(RTCEncodedAudioFrame);

export type RTCEncodedFrame = RTCEncodedVideoFrame | RTCEncodedAudioFrame;
