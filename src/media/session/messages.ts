/**
 * What the main thread and the workers receiver, sender and rtcp say to each other about transports, over their
 * control ports. Media never takes this way, only what changes a few times in a call. All of it can be cloned by
 * `postMessage`.
 *
 * Ids are unique in the engine: a transport's id names it in all three workers, a stream's id also in the encoder's,
 * decoder's and speaker's descriptors.
 */
import type { MessagePort } from "node:worker_threads";
import type { SrtpProfile } from "../../../native/addon.js";
import type { SlotChannelBuffers } from "../ring/slot_channel.js";
import type {
  DataEvent,
  DataTransportOptions,
  Fingerprint,
  IceParameters,
  IceRole,
  MediaTransportEvents,
  OpenChannel,
  PairStats,
  ReceiveStreamOptions,
  SendStreamOptions,
  TransportOptions,
} from "../transport_api.js";

/** The master key of one direction (RFC 5764 §4.2), as it leaves the DTLS exporter. */
export interface SrtpKeys {
  readonly profile: SrtpProfile;
  readonly masterKey: Uint8Array;
  readonly masterSalt: Uint8Array;
}

/** Where the sender's datagrams go: the selected pair. */
export interface SendRoute {
  /** The receiver's socket; the sender attaches a duplicate. */
  readonly fd: number;
  /** The number of the receiver's TCP connection, which is to be used instead. */
  readonly stream?: number;
  readonly family: 4 | 6;
  /** The peer's numeric address, or its relay's. */
  readonly address: string;
  readonly port: number;
  /** The relay's channel to the peer: every datagram goes as ChannelData of that number. */
  readonly channel?: number;
}

/** Main to receiver. */
export type ReceiverCommand = { readonly transportId: number } & (
  | {
      readonly type: "openTransport";
      readonly options: TransportOptions;
      /** A {@link TransportCounters} block. */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "gather" }
  | { readonly type: "setIceRole"; readonly role: IceRole }
  | {
      readonly type: "setRemoteIceParameters";
      readonly parameters: IceParameters;
      readonly lite: boolean;
    }
  | { readonly type: "addRemoteCandidate"; readonly candidate: string }
  | { readonly type: "endOfRemoteCandidates" }
  | { readonly type: "restartIce"; readonly local: IceParameters }
  /** Answered by `iceStats`. */
  | { readonly type: "getIceStats" }
  | {
      readonly type: "startDtls";
      readonly role: "client" | "server";
      readonly fingerprints: readonly Fingerprint[];
    }
  | {
      readonly type: "addReceiveStream";
      readonly streamId: number;
      readonly options: ReceiveStreamOptions;
      /** A {@link ReceiveCounters} block. */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "removeReceiveStream"; readonly streamId: number }
  /** Least delay of the stream's jitter buffer. */
  | { readonly type: "setPlayoutTarget"; readonly streamId: number; readonly targetUs: number }
  /** Copies of the stream's packets go into the channel from now on; absent: no longer. `packets` tells of them. */
  | {
      readonly type: "setPacketTap";
      readonly streamId: number;
      readonly channel?: SlotChannelBuffers;
    }
  | { readonly type: "startData"; readonly options: DataTransportOptions }
  | { readonly type: "openDataChannel"; readonly channel: OpenChannel }
  /** The buffer is transferred. */
  | {
      readonly type: "sendData";
      readonly channel: number;
      readonly binary: boolean;
      readonly data: ArrayBuffer;
    }
  | { readonly type: "closeDataChannel"; readonly channel: number }
  /** The main thread has taken messages that cost this much ({@link costOf}). */
  | { readonly type: "dataConsumed"; readonly bytes: number }
  /** Says close_notify, closes the sockets and answers `transportClosed`. */
  | { readonly type: "closeTransport" }
);

/** The events of {@link MediaTransportEvents} that a worker tells of, as messages. */
export type TransportNotice = {
  [E in keyof MediaTransportEvents]: { readonly event: E; readonly args: MediaTransportEvents[E] };
}[keyof MediaTransportEvents];

/** A pair as the receiver knows it; the main thread adds its traffic. */
export type IcePair = Omit<PairStats, "packetsSent" | "packetsReceived" | "bytesSent" | "bytesReceived">;

/** Receiver to main. */
export type ReceiverEvent = { readonly transportId: number } & (
  | { readonly type: "notice"; readonly notice: TransportNotice }
  /** What happened on data channels, in order; large messages are transferred. */
  | { readonly type: "data"; readonly events: readonly DataEvent[] }
  /** For the sender: `setRoute`. */
  | { readonly type: "route"; readonly route: SendRoute }
  /** For the sender: `setKeys`; the peer's fingerprint has been verified. */
  | { readonly type: "keys"; readonly keys: SrtpKeys; readonly cipher: string }
  /** What `getIceStats` asked for; requests are answered in their order. */
  | {
      readonly type: "iceStats";
      readonly pairs: readonly IcePair[];
      readonly selectedPairChanges: number;
    }
  /** Packets of a receive stream wait in its channel. */
  | { readonly type: "packets"; readonly streamId: number }
  /** The first discarded datagram of a kind; all of them are counted. */
  | { readonly type: "discarded"; readonly kind: string; readonly from: string }
  | { readonly type: "transportClosed" }
);

/** Main to sender. */
export type SenderCommand = { readonly transportId: number } & (
  | {
      readonly type: "openTransport";
      /** Largest UDP payload. */
      readonly maxPacketBytes: number;
      /** A {@link TransportCounters} block. */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "setRoute"; readonly route: SendRoute }
  | { readonly type: "setKeys"; readonly keys: SrtpKeys }
  | {
      readonly type: "addSendStream";
      readonly streamId: number;
      readonly options: SendStreamOptions;
      /** The number of what it carries (encodings/encoding.ts). */
      readonly encoding: number;
      /** A {@link SendCounters} block. */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "removeSendStream"; readonly streamId: number }
  /** From now on the stream carries another encoding, maybe of another source. */
  | { readonly type: "setSendEncoding"; readonly streamId: number; readonly encoding: number }
  /** The stream's frames go to the port before they are packetized, and come back from there; without one, no longer. */
  | { readonly type: "setSendTransform"; readonly streamId: number; readonly port?: MessagePort }
  /** A key of a telephone, in place of sound. */
  | {
      readonly type: "sendTone";
      readonly streamId: number;
      readonly event: number;
      readonly durationUs: number;
    }
  /** Sends what the rtcp worker has left in the channel (BYE), lets go of the socket, answers `transportClosed`. */
  | { readonly type: "closeTransport" }
);

/** Main to rtcp. */
export type RtcpCommand = { readonly transportId: number } & (
  | {
      readonly type: "openTransport";
      /** Mean time between reports. */
      readonly reportIntervalUs?: number;
    }
  /** The keys are in place: reports may flow. */
  | { readonly type: "start" }
  | {
      readonly type: "addSendStream";
      readonly streamId: number;
      readonly options: SendStreamOptions;
      /** A {@link SendCounters} block. */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "removeSendStream"; readonly streamId: number }
  | {
      readonly type: "addReceiveStream";
      readonly streamId: number;
      readonly options: ReceiveStreamOptions;
      /** A {@link ReceiveCounters} block. */
      readonly counters: SharedArrayBuffer;
    }
  | { readonly type: "removeReceiveStream"; readonly streamId: number }
  /** Asks the peer for a keyframe of a receive stream (a decoder that lost its reference). */
  | { readonly type: "requestKeyframe"; readonly streamId: number }
  /** Hands a BYE to the sender and answers `transportClosed`. */
  | { readonly type: "closeTransport" }
);

/** Sender and rtcp to main. */
export type SenderEvent = { readonly transportId: number; readonly type: "transportClosed" };
export type RtcpEvent = { readonly transportId: number } & (
  | { readonly type: "notice"; readonly notice: TransportNotice }
  | { readonly type: "transportClosed" }
);
