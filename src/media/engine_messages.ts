/**
 * What the main thread and the workers say to each other, and which memory each worker shares with which: the one
 * truth for both ends. Media never goes this way (slot channels carry it); these are orders and events.
 *
 *   camera ─rawVideo→ encoder ─encodedVideo→ sender          receiver ─accessUnits→ decoder ─pictures→ main
 *   microphone ─encodedAudio→ sender                          receiver ─audioPackets→ speaker ─samples→ main
 *   receiver ─rtcpIn→ rtcp ─rtcpOut→ sender
 *   main ─pushedVideoN→ encoder                               main ─pushedAudioN→ microphone
 */

import type { AudioEncoding, VideoEncoding } from "./encodings/encoding.js";
import type { RemoveEncodedTap, SetEncodedTap } from "./recording/encoded_taps.js";
import type { MessageLaneBuffers } from "./ring/message_lane.js";
import type { MetricsBuffers } from "./ring/metrics.js";
import type { SlotChannelBuffers } from "./ring/slot_channel.js";
import type {
  ReceiverCommand,
  ReceiverEvent,
  RtcpCommand,
  RtcpEvent,
  SenderCommand,
  SenderEvent,
} from "./session/messages.js";
import type { AudioSinkSpec, AudioSourceSpec, VideoSinkSpec, VideoSourceSpec } from "./source_spec.js";
import type { PictureSize } from "./sources/video_source.js";
import type { SetTransform } from "./transforms/transform_messages.js";

/** The threads, by the names the operating system shows. */
export const WORKER_NAMES = [
  "camera",
  "encoder",
  "sender",
  "receiver",
  "decoder",
  "rtcp",
  "microphone",
  "speaker",
] as const;

export type WorkerName = (typeof WORKER_NAMES)[number];

/** What every worker gets. */
export interface CommonWiring {
  readonly name: WorkerName;
  /** Everyone's doorbell; ring whom you gave work, wait on your own. */
  readonly doorbells: Readonly<Record<WorkerName, SharedArrayBuffer>>;
  readonly control: SharedArrayBuffer;
  readonly metrics: MetricsBuffers;
  /** Encode and decode a few frames before saying ready, so that the first call finds warm code. */
  readonly warmUp: boolean;
  /** Modules of the application's interceptors, for the threads that load them. */
  readonly interceptors: readonly string[];
}

export interface CodecSettings {
  /** File of the OpenH264 library; the system's when absent. */
  readonly openH264Path?: string;
  /** Frames between IDRs without a request; 0: only on request. */
  readonly idrInterval: number;
  readonly encoderThreads: number;
  /** Largest NAL unit while a peer needs packetization mode 0. */
  readonly maxNalBytes: number;
  readonly bitrateBps: number;
}

export interface AudioSettings {
  readonly bitrateBps: number;
  readonly fec: boolean;
  readonly dtx: boolean;
  /** Samples of one Opus frame at 48 kHz. */
  readonly frameSamples: number;
}

/** Channel ends and settings of each worker (its `workerData`, with {@link CommonWiring}). */
export interface Wiring {
  camera: {
    readonly rawVideo: SlotChannelBuffers;
    readonly source: VideoSourceSpec;
    /** Largest picture that the engine takes. */
    readonly largest: PictureSize;
  };
  encoder: {
    readonly rawVideo: SlotChannelBuffers;
    readonly encodedVideo: SlotChannelBuffers;
    readonly codec: CodecSettings;
    /** The camera's SourceCounters block (session/stream_counters.ts). */
    readonly counters: SharedArrayBuffer;
  };
  microphone: {
    readonly encodedAudio: SlotChannelBuffers;
    readonly source: AudioSourceSpec;
    readonly audio: AudioSettings;
    /** The microphone's SourceCounters block. */
    readonly counters: SharedArrayBuffer;
  };
  sender: {
    readonly encodedVideo: SlotChannelBuffers;
    readonly encodedAudio: SlotChannelBuffers;
    /** Compounds to protect and send, and retransmission requests (descriptor.tag says which, session's business). */
    readonly rtcpOut: SlotChannelBuffers;
  };
  receiver: {
    readonly accessUnits: SlotChannelBuffers;
    readonly audioPackets: SlotChannelBuffers;
    /** Arrival records and unprotected incoming RTCP compounds (session/arrival_log.ts). */
    readonly rtcpIn: SlotChannelBuffers;
    /** Small messages of data channels, to and from the main thread. */
    readonly lane: MessageLaneBuffers;
  };
  rtcp: {
    readonly rtcpIn: SlotChannelBuffers;
    readonly rtcpOut: SlotChannelBuffers;
  };
  decoder: {
    readonly accessUnits: SlotChannelBuffers;
    readonly pictures: SlotChannelBuffers;
    readonly codec: CodecSettings;
  };
  speaker: { readonly audioPackets: SlotChannelBuffers; readonly samples: SlotChannelBuffers };
}

export type WiringOf<N extends WorkerName> = CommonWiring & Wiring[N];

/** Orders every worker understands. */
export type CommonOrder =
  /** Close everything, say stopped, return. */
  { readonly type: "stop" };

/** To the decoder and the speaker: a stream they will hear of by its id. */
export type PlayoutOrder =
  | {
      readonly type: "addPlayoutStream";
      readonly streamId: number;
      readonly transportId: number;
      readonly mid: string;
      readonly channels: 1 | 2;
      /** The stream's ReceiveCounters block (session/stream_counters.ts). */
      readonly counters: SharedArrayBuffer;
      /** Least delay over the fastest path. */
      readonly targetUs: number;
      /** Streams to keep in step with (the same peer's other streams), by id. */
      readonly syncWith: readonly number[];
      /** Whether somebody takes what is decoded. */
      readonly isWanted: boolean;
    }
  | { readonly type: "setWanted"; readonly streamId: number; readonly isWanted: boolean }
  | { readonly type: "removePlayoutStream"; readonly streamId: number }
  | { readonly type: "setPlayoutTarget"; readonly streamId: number; readonly targetUs: number }
  | { readonly type: "setSyncWith"; readonly streamId: number; readonly syncWith: readonly number[] };

/** To the encoder, the microphone and, where it is encoded already, the sender: a source that the application pushes, with its channel (inputs/). */
export type InputOrder =
  /** With a known id: the channel replaces the former one. */
  | {
      readonly type: "addInput";
      readonly inputId: number;
      readonly channel: SlotChannelBuffers;
      /** A SourceCounters block (session/stream_counters.ts). */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "removeInput"; readonly inputId: number };

/** Orders by worker. */
export interface Orders {
  camera: CommonOrder | { readonly type: "setVideoSource"; readonly source: VideoSourceSpec };
  encoder:
    | CommonOrder
    | InputOrder
    /** What to make of a source (0: the camera); it may come before a pushed source's channel does. */
    | {
        readonly type: "setPictureEncodings";
        readonly inputId: number;
        readonly encodings: readonly VideoEncoding[];
      };
  microphone:
    | CommonOrder
    | InputOrder
    | { readonly type: "setAudioSource"; readonly source: AudioSourceSpec }
    /** What to make of a source (0: the microphone). */
    | {
        readonly type: "setSoundEncodings";
        readonly inputId: number;
        readonly encodings: readonly AudioEncoding[];
      };
  sender: CommonOrder | InputOrder | SenderCommand;
  receiver: CommonOrder | ReceiverCommand;
  rtcp: CommonOrder | RtcpCommand;
  decoder:
    | CommonOrder
    | PlayoutOrder
    | SetEncodedTap
    | RemoveEncodedTap
    | SetTransform
    | { readonly type: "setVideoSink"; readonly sink: VideoSinkSpec };
  speaker:
    | CommonOrder
    | PlayoutOrder
    | SetEncodedTap
    | RemoveEncodedTap
    | SetTransform
    | { readonly type: "setAudioSink"; readonly sink: AudioSinkSpec };
}

export type OrderOf<N extends WorkerName> = Orders[N];

/** Worker to main. */
export type WorkerEvent =
  | { readonly type: "ready"; readonly name: WorkerName }
  | { readonly type: "stopped"; readonly name: WorkerName }
  /** The worker cannot go on and ends. */
  | {
      readonly type: "failed";
      readonly name: WorkerName;
      readonly code: string;
      readonly message: string;
      readonly stack?: string;
    }
  /** Something went wrong that the worker survives (a source that ended, a file that cannot be written). */
  | { readonly type: "problem"; readonly name: WorkerName; readonly code: string; readonly message: string }
  /** Something was not to be had as asked, and was done otherwise. */
  | { readonly type: "notice"; readonly name: WorkerName; readonly message: string }
  /** The oldest channel of a pushed input that was replaced or removed is not looked at any more. */
  | {
      readonly type: "inputReleased";
      readonly name: "encoder" | "microphone" | "sender";
      readonly inputId: number;
    }
  /** A peer wants a keyframe of an encoding that the application makes. */
  | { readonly type: "keyframeWanted"; readonly encoding: number }
  | ReceiverEvent
  /** What one step had to tell, in order. */
  | { readonly type: "events"; readonly events: readonly ReceiverEvent[] }
  | SenderEvent
  | RtcpEvent
  /** What makes the pictures of an encoding, or of a receive stream. */
  | {
      readonly type: "encoderMade";
      readonly encoding: number;
      readonly name: string;
      readonly isHardware: boolean;
    }
  | {
      readonly type: "decoderMade";
      readonly streamId: number;
      readonly name: string;
      readonly isHardware: boolean;
    }
  /** First decoded frame (or sound) of a stream. */
  | {
      readonly type: "firstframe";
      readonly streamId: number;
      readonly width: number;
      readonly height: number;
    }
  /** Pictures or samples wait in their channel. */
  | { readonly type: "output"; readonly name: "decoder" | "speaker" };
