/** What a media thread and the application's worker say to each other about the frames of one stream. */
import type { MessagePort } from "node:worker_threads";
import type { CodecName } from "../codecs/codec_name.js";
import type { MediaKind } from "../transport_api.js";

/** What is known of a frame beside its bytes. */
export interface FrameAbout {
  readonly codec: CodecName;
  readonly keyframe: boolean;
  readonly rtpTimestamp: number;
  readonly ssrc: number;
  readonly payloadType: number;
  /** Of a picture; 0: not known. */
  readonly width: number;
  readonly height: number;
  /** Of a received packet of sound. */
  readonly sequenceNumber?: number;
}

/** The first message: whose frames they are, and the bell that wakes the thread. */
export interface TransformOpened {
  readonly type: "open";
  readonly kind: MediaKind;
  readonly side: "send" | "receive";
  readonly doorbell: SharedArrayBuffer;
}

export interface FrameOut {
  readonly type: "frame";
  /** Names the frame; they only grow. */
  readonly ticket: number;
  readonly about: FrameAbout;
  readonly data: Uint8Array<ArrayBuffer>;
}

export type ToTransformer = TransformOpened | FrameOut;

export type FromTransformer =
  | { readonly type: "frame"; readonly ticket: number; readonly data: Uint8Array }
  /** A keyframe is wanted: of our encoder, or of the peer's. */
  | { readonly type: "keyframe" };

/** To the decoder and the speaker: the stream's frames go to the port from now on, and come back from there; without one, no longer. */
export interface SetTransform {
  readonly type: "setTransform";
  readonly streamId: number;
  readonly port?: MessagePort;
  /** The stream's ReceiveCounters block. */
  readonly counters: SharedArrayBuffer;
}
