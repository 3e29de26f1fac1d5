/**
 * What the main thread and the workers say to each other, and which memory each worker shares with which: the one
 * truth for both ends. Media never goes this way (slot channels carry it); these are orders and events.
 *
 *   camera ─rawVideo→ encoder ─encodedVideo→ sender          receiver ─accessUnits→ decoder ─pictures→ main
 *   microphone ─encodedAudio→ sender                          receiver ─audioPackets→ speaker ─samples→ main
 *   receiver ─rtcpIn, arrivals→ rtcp ─rtcpOut→ sender
 */

import type { SrtpProfile } from "../../native/addon.js";
import type { MetricsBuffers } from "./ring/metrics.js";
import type { SlotChannelBuffers } from "./ring/slot_channel.js";
import type { AudioSinkSpec, AudioSourceSpec, VideoSinkSpec, VideoSourceSpec } from "./source_spec.js";
import type {
  DtlsState,
  Fingerprint,
  IceParameters,
  IceRole,
  IceState,
  MediaTransportEvents,
  ReceiveStreamOptions,
  SelectedPair,
  SendStreamOptions,
  TransportOptions,
} from "./transport_api.js";

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
}

export interface CodecSettings {
  /** File of the OpenH264 library; the system's when absent. */
  readonly openH264Path?: string;
  /** Frames between IDRs without a request; 0: only on request. */
  readonly idrInterval: number;
  readonly encoderThreads: number;
  /** Largest NAL unit, so that packetization mode 0 stays possible. */
  readonly maxNalBytes: number;
  readonly bitrateBps: number;
}

export interface AudioSettings {
  readonly bitrateBps: number;
  readonly fec: boolean;
  readonly dtx: boolean;
}

/** Channel ends and settings of each worker (its `workerData`, with {@link CommonWiring}). */
export interface Wiring {
  camera: { readonly rawVideo: SlotChannelBuffers; readonly source: VideoSourceSpec };
  encoder: {
    readonly rawVideo: SlotChannelBuffers;
    readonly encodedVideo: SlotChannelBuffers;
    readonly codec: CodecSettings;
  };
  microphone: {
    readonly encodedAudio: SlotChannelBuffers;
    readonly source: AudioSourceSpec;
    readonly audio: AudioSettings;
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
    /** Unprotected incoming RTCP compounds. */
    readonly rtcpIn: SlotChannelBuffers;
    /** SpscRing of {@link ARRIVAL_WORDS} words a packet. */
    readonly arrivals: SharedArrayBuffer;
  };
  rtcp: {
    readonly rtcpIn: SlotChannelBuffers;
    readonly arrivals: SharedArrayBuffer;
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

/** Words of a record in the arrival log (4 float64); the session gives them their meaning. */
export const ARRIVAL_WORDS = 16;

/** Orders every worker understands. */
export type CommonOrder =
  /** Close everything, say stopped, return. */
  { readonly type: "stop" };

/** The transport's own threads get these about each transport. `slot` is its metrics row and stays below MAX_TRANSPORTS. */
export type TransportOrder =
  | {
      readonly type: "createTransport";
      readonly transportId: number;
      readonly slot: number;
      readonly options: TransportOptions;
    }
  | {
      readonly type: "addSendStream";
      readonly transportId: number;
      readonly streamId: number;
      readonly options: SendStreamOptions;
    }
  | { readonly type: "removeSendStream"; readonly transportId: number; readonly streamId: number }
  | {
      readonly type: "addReceiveStream";
      readonly transportId: number;
      readonly streamId: number;
      readonly options: ReceiveStreamOptions;
    }
  | { readonly type: "removeReceiveStream"; readonly transportId: number; readonly streamId: number }
  /** Answer with `transportclosed`. Goes to rtcp (BYE), then to the sender, then to the receiver (close_notify). */
  | { readonly type: "closeTransport"; readonly transportId: number }
  /** What another worker sent by `route`; the body is the session's business (src/media/session/messages.ts). */
  | {
      readonly type: "routed";
      readonly transportId: number;
      readonly from: WorkerName;
      readonly body: unknown;
    };

/** To the receiver alone: it owns ICE and DTLS. */
export type ReceiverOrder =
  | { readonly type: "gather"; readonly transportId: number }
  | { readonly type: "setIceRole"; readonly transportId: number; readonly role: IceRole }
  | {
      readonly type: "setRemoteIceParameters";
      readonly transportId: number;
      readonly parameters: IceParameters;
      readonly lite: boolean;
    }
  | { readonly type: "addRemoteCandidate"; readonly transportId: number; readonly candidate: string }
  | { readonly type: "endOfRemoteCandidates"; readonly transportId: number }
  | {
      readonly type: "startDtls";
      readonly transportId: number;
      readonly role: "client" | "server";
      readonly fingerprints: readonly Fingerprint[];
    }
  /** Answer with `transportstats`. */
  | { readonly type: "getTransportStats"; readonly transportId: number; readonly requestId: number };

/** To the decoder and the speaker: a stream they will hear of by its id. */
export type PlayoutOrder =
  | {
      readonly type: "addPlayoutStream";
      readonly streamId: number;
      readonly transportId: number;
      readonly mid: string;
      readonly channels: 1 | 2;
      /** Streams to keep in step with (the same peer's other streams), by id. */
      readonly syncWith: readonly number[];
    }
  | { readonly type: "removePlayoutStream"; readonly streamId: number }
  | { readonly type: "setSyncWith"; readonly streamId: number; readonly syncWith: readonly number[] };

/** Orders by worker. */
export interface Orders {
  camera: CommonOrder | { readonly type: "setVideoSource"; readonly source: VideoSourceSpec };
  encoder: CommonOrder;
  microphone: CommonOrder | { readonly type: "setAudioSource"; readonly source: AudioSourceSpec };
  sender: CommonOrder | TransportOrder;
  receiver: CommonOrder | TransportOrder | ReceiverOrder;
  rtcp: CommonOrder | TransportOrder;
  decoder: CommonOrder | PlayoutOrder | { readonly type: "setVideoSink"; readonly sink: VideoSinkSpec };
  speaker: CommonOrder | PlayoutOrder | { readonly type: "setAudioSink"; readonly sink: AudioSinkSpec };
}

export type OrderOf<N extends WorkerName> = Orders[N];

/** The receiver's part of TransportStats; the rest comes from the metrics table. */
export interface TransportSnapshot {
  /** Of everything that arrived, and of the ICE and DTLS datagrams that the receiver sent itself. */
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly discarded: Readonly<Record<string, number>>;
  readonly selectedPair: SelectedPair | null;
  readonly iceState: IceState;
  readonly dtlsState: DtlsState;
  readonly dtlsCipher: string;
  readonly srtpProfile: SrtpProfile | "";
  readonly unstable: boolean;
}

/** An event for the listeners of one transport, passed on as it is. */
export type TransportEventMessage = {
  [E in keyof MediaTransportEvents]: {
    readonly type: "transport";
    readonly transportId: number;
    readonly event: E;
    readonly args: MediaTransportEvents[E];
  };
}[keyof MediaTransportEvents];

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
  | TransportEventMessage
  /** To another worker, through the main thread: it arrives there as `routed`. */
  | {
      readonly type: "route";
      readonly transportId: number;
      readonly from: WorkerName;
      readonly to: "sender" | "receiver" | "rtcp";
      readonly body: unknown;
    }
  | { readonly type: "transportclosed"; readonly transportId: number; readonly name: WorkerName }
  | {
      readonly type: "transportstats";
      readonly transportId: number;
      readonly requestId: number;
      readonly snapshot: TransportSnapshot;
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
