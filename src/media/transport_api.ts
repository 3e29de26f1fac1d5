/**
 * What the API above (src/webrtc) asks of the media engine. The engine's threads are shared by all transports of
 * the process; every method returns at once and the threads answer by events. The folder of the same name has the
 * shapes of what is asked, told and counted.
 */
import type { MessagePort } from "node:worker_threads";
import type { MediaInput } from "./inputs/media_input.js";
import type { PacketListener, PictureListener, SamplesListener } from "./output_listener.js";
import type { DataEvent, DataTransportOptions, OpenChannel } from "./transport_api/data_channels.js";
import type { DtlsState, Fingerprint } from "./transport_api/dtls.js";
import type {
  CandidateError,
  IceParameters,
  IceRole,
  IceState,
  LocalCandidate,
  SelectedPair,
} from "./transport_api/ice.js";
import type { Contributor, LastReceived, ReceiveStreamOptions } from "./transport_api/receive_stream.js";
import type { SendLimits, SendStreamOptions } from "./transport_api/send_stream.js";
import type { TransportStats } from "./transport_api/stats.js";
import type { TransportOptions } from "./transport_api/transport_options.js";

export type * from "./transport_api/data_channels.js";
export type * from "./transport_api/dtls.js";
export type * from "./transport_api/ice.js";
export type * from "./transport_api/receive_stream.js";
export type * from "./transport_api/send_stream.js";
export type * from "./transport_api/stats.js";
export * from "./transport_api/stream_options.js";
export type * from "./transport_api/transport_options.js";

export interface MediaTransportEvents {
  candidate: [LocalCandidate];
  gatheringcomplete: [{ readonly usernameFragment: string }];
  /** A server that gave no candidate; the code is its STUN error, 701 when it was silent (WebRTC 1.0 §4.8.2). */
  candidateerror: [CandidateError];
  icestate: [IceState];
  selectedpair: [SelectedPair];
  /** `remoteCertificate`: the peer's, in DER, once connected. */
  dtlsstate: [DtlsState, { readonly error?: string; readonly remoteCertificate?: Uint8Array }];
  /** 2 s without a packet (true), and when packets flow again (false). */
  unstable: [boolean];
  /** First RTP packet of a receive stream. */
  streamstarted: [{ readonly mid: string; readonly layer?: string; readonly ssrc: number }];
  /** The peer began to press a key of a telephone (RFC 4733): its event code. */
  tone: [{ readonly mid: string; readonly event: number }];
  /** First frame decoded. */
  firstframe: [{ readonly mid: string; readonly width: number; readonly height: number }];
  /** The peer sends under an SSRC of one of our send streams: that is to take another (RFC 3550 §8.2, RFC 8834 §4.8). */
  ssrccollision: [{ readonly ssrc: number }];
  /** The peer said BYE for a stream. */
  bye: [{ readonly mid: string; readonly layer?: string; readonly ssrc: number }];
  data: [DataEvent];
  failed: [{ readonly code: string; readonly message: string }];
  closed: [];
}

/** One ICE + DTLS transport (BUNDLE: all media of a peer connection). */
export interface MediaTransport {
  readonly id: number;
  on<E extends keyof MediaTransportEvents>(
    event: E,
    listener: (...args: MediaTransportEvents[E]) => void,
  ): this;
  off<E extends keyof MediaTransportEvents>(
    event: E,
    listener: (...args: MediaTransportEvents[E]) => void,
  ): this;
  gather(): void;
  setIceRole(role: IceRole): void;
  setRemoteIceParameters(parameters: IceParameters, lite: boolean): void;
  /** The value of a candidate attribute, "candidate:…"; a bad one is counted and ignored. */
  addRemoteCandidate(candidate: string): void;
  endOfRemoteCandidates(): void;
  /**
   * New local credentials for the next generation of checks (RFC 8445 §9): gathers anew on the sockets there are. The
   * selected pair carries the media until another is found. Absent: not supported.
   */
  restartIce?(local: IceParameters): void;
  /** Starts the handshake once ICE has a pair; no media flows before one of `fingerprints` matched. */
  startDtls(role: "client" | "server", fingerprints: readonly Fingerprint[]): void;
  /** From here on streams are called by their `streamKey`. */
  addSendStream(options: SendStreamOptions): void;
  removeSendStream(key: string): void;
  /** Changes what a send stream may use (W3C setParameters); absent: not supported. */
  limitSendStream?(key: string, limits: SendLimits): void;
  /** Sends black or silence instead of the source, as for a disabled track; absent: not supported. */
  blankSendStream?(key: string, blank: boolean): void;
  /** Sends a key of a telephone for so long, in place of sound; absent: not supported. */
  sendTone?(key: string, event: number, durationUs: number): void;
  /** The engine's number for a source that the application pushes; absent: not supported. */
  inputId?(input: MediaInput): number;
  /** Another source for a send stream, numbered as in {@link SendStreamOptions.source}: same SSRC, continued time. */
  setSendSource?(key: string, source: number): void;
  addReceiveStream(options: ReceiveStreamOptions): void;
  removeReceiveStream(key: string): void;
  /** Least delay of a receive stream's jitter buffer, 0: as the path needs it; absent: not supported. */
  setPlayoutTarget?(key: string, targetUs: number): void;
  /**
   * Hands the presented pictures of a receive stream to `listener`; returns the function that ends it. By the mid of a section with
   * layers: those of the largest layer that arrives.
   */
  onPicture?(key: string, listener: PictureListener): () => void;
  /** As {@link onPicture}, for played sound. */
  onSamples?(key: string, listener: SamplesListener): () => void;
  /**
   * Hands the encoded frames of a send stream to a worker of the application's before they are packetized: `openPort` is asked for a port
   * to it whenever another stream or thread takes over. Undefined: no longer.
   */
  setSendTransform?(key: string, openPort: (() => MessagePort) | undefined): void;
  /** As {@link setSendTransform}, for what is received in a section, before it is decoded. */
  setReceiveTransform?(mid: string, openPort: (() => MessagePort) | undefined): void;
  /** Hands every packet of a receive stream to `listener`, after SRTP, RTX and RED; returns the function that ends it. */
  onPacket?(key: string, listener: PacketListener): () => void;
  /** Asks the peer for a keyframe; absent: not supported. */
  requestKeyframe?(key: string): void;
  /**
   * Hands copies of a receive stream's access units or packets, as they come, to a port (`EncodedFrame`s); returns the function that ends it.
   * `openPort` is asked for one whenever another stream or thread takes over. Of a picture a keyframe is asked for at once, and again when the
   * last is older than `keyframeEveryUs`, unless that is 0.
   */
  tapEncoded?(key: string, openPort: () => MessagePort, keyframeEveryUs: number): () => void;
  /**
   * Both descriptions have data channels: the SCTP association begins with the DTLS one, or at once. Asked for before
   * {@link startDtls}, a peer that offers no SRTP is accepted.
   */
  startData(options: DataTransportOptions): void;
  openDataChannel(channel: OpenChannel): void;
  /** Queues a message of an open channel; `data` is transferred: it is empty afterwards. Strings go as UTF-8. */
  sendData(channel: number, binary: boolean, data: ArrayBuffer): void;
  /** What waits is sent, then the stream is reset; `channelclosed` follows. */
  closeDataChannel(channel: number): void;
  /** Who was mixed into what a receive stream brought (RFC 3550 §5.1), the latest first; absent: not supported. */
  contributors?(key: string): readonly Contributor[];
  /** The newest packet of a receive stream, at once; null: none came yet. Absent: not supported. */
  lastReceived?(key: string): LastReceived | null;
  getStats(): Promise<TransportStats>;
  /** BYE, close_notify, sockets closed; resolves when the threads have let go. */
  close(): Promise<void>;
}

/** The part of the engine that src/webrtc uses. */
export interface TransportFactory {
  createTransport(options: TransportOptions): MediaTransport;
}
