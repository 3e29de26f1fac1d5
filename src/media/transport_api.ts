/**
 * What the API above (src/webrtc) asks of the media engine. The engine's threads are shared by all transports of
 * the process; every method returns at once and the threads answer by events.
 */
import type { MessagePort } from "node:worker_threads";
import type { SrtpProfile } from "../../native/addon.js";
import type { DataChannelOpen } from "../protocol/dcep/dcep.js";
import type { CodecName } from "./codecs/codec_name.js";
import type { IceTimeSettings, InterfaceSettings, Nat1To1Settings } from "./ice_settings.js";
import type { MediaInput } from "./inputs/media_input.js";
import type { PacketListener, PictureListener, SamplesListener } from "./output_listener.js";

export type IceRole = "controlling" | "controlled";
export type IceState = "new" | "checking" | "connected" | "completed" | "disconnected" | "failed" | "closed";
export type DtlsState = "new" | "connecting" | "connected" | "closed" | "failed";
export type MediaKind = "audio" | "video";

export interface IceParameters {
  readonly usernameFragment: string;
  readonly password: string;
}

/** A candidate as an SDP attribute value, "candidate:…" (RFC 8839 §5.1). */
export interface LocalCandidate {
  readonly candidate: string;
  readonly address: string;
  readonly port: number;
  readonly type: "host" | "srflx" | "prflx" | "relay";
  /** Of the credentials it was gathered for: a restart may have come between. */
  readonly usernameFragment: string;
}

export interface CandidateError {
  /**
   * Our end of the question; `port` is null where it is no candidate's, all of it where no candidate tells the address. Of an
   * address that could not be bound (code 700) that address.
   */
  readonly asker: { readonly address: string; readonly port: number | null } | null;
  /** Null: it concerns no server. */
  readonly server: { readonly address: string; readonly port: number } | null;
  /** A STUN error code, 701 for a server that could not be reached, or 700. */
  readonly code: number;
  readonly reason: string;
  /** As the server was given, where it was. */
  readonly url?: string;
}

export interface SelectedPair {
  readonly local: string;
  readonly remote: string;
  readonly rttUs: number;
}

export interface Fingerprint {
  /** "sha-256" and so on, lower case. */
  readonly algorithm: string;
  /** Upper-case hex pairs joined by colons. */
  readonly value: string;
}

/** What the settings (not the W3C configuration) say about sockets. */
export interface TransportSettings {
  /** Addresses to bind; empty: every interface that is up (loopback only when nothing else is, or when asked for). */
  readonly bindAddresses?: readonly string[];
  readonly includeLoopback?: boolean;
  readonly portRange?: { readonly min: number; readonly max: number };
  readonly interfaces?: InterfaceSettings;
  /** One UDP port at each local address for all transports of the engine that name it; no port of their own. */
  /** A lite agent (RFC 8445 §2.5), for hosts that everybody can reach: answers checks, makes none. Peers must be full ones. */
  readonly iceLite?: boolean;
  readonly udpMux?: { readonly port: number };
  readonly nat1to1?: Nat1To1Settings;
  /**
   * Names of candidates by multicast DNS. "resolve" (default): the peer's are asked for. "hide": our own host addresses are
   * behind random names, too, which this engine answers for. "off": the peer's are ignored.
   */
  readonly mdns?: "resolve" | "hide" | "off";
  readonly ice?: IceTimeSettings;
  /** Largest UDP payload; 1200 by default. */
  readonly maxPacketBytes?: number;
  readonly srtpProfiles?: readonly SrtpProfile[];
  /** Largest datagram that is taken for RTP or RTCP; no limit by default. */
  readonly maxReceiveBytes?: number;
  /** Mean time between RTCP reports (RFC 3550 §6.2, the minimum interval); 1 s by default. */
  readonly reportIntervalUs?: number;
  /** Times that one lost video packet is asked for; 10 by default. */
  readonly nackRetries?: number;
  /** Video packets that a stream's jitter buffer holds, a power of two; 1024 by default. */
  readonly jitterPackets?: number;
  /**
   * TCP candidates (RFC 6544) to offer: "active" ones connect to the peer's passive ones, "passive" ones listen. "active" by
   * default, as browsers do.
   */
  readonly tcpCandidates?: "off" | "active" | "passive" | "both";
  /** PEM certificates of authorities to trust for `turns:` servers, beside the system's. */
  readonly extraCaPem?: string;
  /** Silence before the transport counts as unstable, and before it ends. 2 s and 20 s by default. */
  readonly unstableAfterUs?: number;
  readonly failAfterUs?: number;
}

export interface TransportOptions {
  readonly iceRole: IceRole;
  readonly local: IceParameters;
  /** host:port of STUN servers, resolved. */
  readonly stunServers: readonly { readonly address: string; readonly port: number }[];
  /** TURN servers, resolved. */
  readonly turnServers?: readonly {
    readonly address: string;
    readonly port: number;
    readonly username: string;
    readonly password: string;
    /** UDP by default. */
    readonly transport?: "udp" | "tcp" | "tls";
    /** The name or address that the server's certificate must be for. */
    readonly tlsName?: string;
    /** As it was given, for reports. */
    readonly url?: string;
  }[];
  /** Only relayed candidates are told, tried and answered on. */
  readonly relayOnly?: boolean;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly settings: TransportSettings;
}

/** Ids of negotiated RTP header extensions (RFC 8285), 0 or absent: not in use. */
export interface HeaderExtensionIds {
  readonly mid?: number;
  readonly rid?: number;
  readonly repairedRid?: number;
  readonly absCaptureTime?: number;
  readonly absSendTime?: number;
  readonly transportCc?: number;
  readonly audioLevel?: number;
  readonly videoOrientation?: number;
  readonly playoutDelay?: number;
}

/** The stream in which lost packets are repeated (RFC 4588). */
export interface RtxSendOptions {
  readonly ssrc: number;
  readonly payloadType: number;
}

/** Packets that carry others (RFC 2198). */
export interface RedOptions {
  readonly payloadType: number;
  /** Payload type of parity inside (RFC 5109); pictures alone. */
  readonly ulpfec?: number;
}

/** Which of a transport's streams one way: a section's only one, or one of its layers (simulcast). */
export interface StreamName {
  readonly mid: string;
  readonly layer?: string;
}

/** The same in one word. No mid has a slash in it (RFC 8866 §9, token). */
export function streamKey({ mid, layer }: StreamName): string {
  return layer === undefined ? mid : `${mid}/${layer}`;
}

/** The name alone. */
export function nameOf({ mid, layer }: StreamName): StreamName {
  return layer === undefined ? { mid } : { mid, layer };
}

/** The stream that has parity of another (RFC 8627). */
export interface FlexfecSendOptions {
  readonly ssrc: number;
  readonly payloadType: number;
}

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
  /** Number of a pushed input ({@link MediaTransport.inputId}); 0 or absent: the engine's camera or microphone. */
  readonly source?: number;
  /** What it carries comes encoded, as packets or as samples, and its packets may be larger than ours. */
  readonly encoded?: boolean;
  /** Nothing is sent that has not been through a transform ({@link MediaTransport.setSendTransform}). */
  readonly transformed?: boolean;
  /** To begin with; {@link MediaTransport.limitSendStream} changes them. */
  readonly limits?: SendLimits;
  /** To begin with; {@link MediaTransport.blankSendStream} changes it. */
  readonly blank?: boolean;
  /** What the peer's description says of sound. */
  readonly sound?: SoundOptions;
  /** Payload type for keys of a telephone (RFC 4733), at the stream's clock rate; absent: none. */
  readonly telephoneEvent?: number;
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

export interface ReceiveStreamOptions {
  readonly kind: MediaKind;
  readonly mid: string;
  /** Its name where it is one of several layers of the section (RFC 8853), and the rid that its packets carry, if any. */
  readonly layer?: string;
  readonly rid?: string;
  /** Payload type → codec; the stream is found by SSRC, by mid and rid, or by payload type, in this order (RFC 8843 §9.2). */
  readonly payloadTypes: readonly {
    readonly payloadType: number;
    readonly codec: CodecName;
    readonly clockRate: number;
    readonly channels?: 1 | 2;
  }[];
  /** Payload types of retransmissions (RFC 4588), and which of {@link payloadTypes} each repeats. */
  readonly rtx?: readonly { readonly payloadType: number; readonly repeats: number }[];
  readonly red?: RedOptions;
  readonly flexfec?: { readonly payloadType: number };
  /** Which source has parity of which, as far as a=ssrc-group said. */
  readonly parities?: readonly { readonly ssrc: number; readonly repairSsrc: number }[];
  /** Announced by a=ssrc; may be empty. */
  readonly ssrcs: readonly number[];
  /** Which source repeats which, as far as a=ssrc-group said; RTX of unannounced sources is the stream's all the same. */
  readonly repairs?: readonly { readonly ssrc: number; readonly repairSsrc: number }[];
  readonly extensions: HeaderExtensionIds;
  readonly nack: boolean;
  /** As {@link TransportSettings.nackRetries}; the transport's settings when absent. */
  readonly nackRetries?: number;
  /** As {@link TransportSettings.jitterPackets}; the transport's settings when absent. */
  readonly jitterPackets?: number;
  /** Who asks the peer for the round trip by extended reports (RFC 3611): every receiver, or one that sends, too. Absent: nobody. */
  readonly receiverRtt?: "all" | "sender";
  /** The sender's SSRC for our feedback: one of our own send streams', or any fixed one. */
  readonly localSsrc: number;
  readonly reducedSizeRtcp: boolean;
}

/** What the descriptions say about data channels (RFC 8841). */
export interface DataTransportOptions {
  /** SCTP ports: ours and the peer's (a=sctp-port). */
  readonly localPort: number;
  readonly remotePort: number;
  /** Largest message we take: what our a=max-message-size says. */
  readonly maxMessageBytes: number;
}

/**
 * A channel to make. `channel` is the caller's name for it, an even number not used before; those the peer makes get odd
 * ones. `streamId` is there for channels both ends agreed on out of band, which are not announced (`negotiated`).
 */
export interface OpenChannel extends DataChannelOpen {
  readonly channel: number;
  readonly negotiated: boolean;
  readonly streamId?: number;
}

export type DataEvent =
  /** The SCTP association is up. */
  | { readonly type: "dataconnected"; readonly maxChannels: number }
  /** Our channel has its stream; messages may be sent (RFC 8832 §6). */
  | { readonly type: "channelopen"; readonly channel: number; readonly streamId: number }
  /** The peer made a channel. */
  | {
      readonly type: "channelannounced";
      readonly channel: number;
      readonly streamId: number;
      readonly open: DataChannelOpen;
    }
  | {
      readonly type: "channelmessage";
      readonly channel: number;
      readonly binary: boolean;
      readonly data: ArrayBuffer;
    }
  /** This many bytes of what waited were sent for the first time. */
  | { readonly type: "channelsent"; readonly channel: number; readonly bytes: number }
  /** The peer began to close the channel; what still waits is dropped. */
  | { readonly type: "channelclosing"; readonly channel: number }
  /** `error` is "" after an orderly close; `sctpCauseCode` is that of an ABORT (RFC 9260 §3.3.10). */
  | {
      readonly type: "channelclosed";
      readonly channel: number;
      readonly error: string;
      readonly sctpCauseCode?: number;
    }
  /** The association is gone, and every channel with it. */
  | { readonly type: "dataclosed"; readonly error: string; readonly sctpCauseCode?: number };

/** One stage's latency, microseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What came from a source, whoever takes it; of a picture or of sound. */
export interface SourceStats {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly framesPerSecond: number;
  /** 0 to 1. */
  readonly audioLevel: number;
  /** Seconds times squared level. */
  readonly audioEnergy: number;
  readonly soundUs: number;
}

export interface SendStreamStats {
  readonly kind: MediaKind;
  readonly mid: string;
  readonly layer?: string;
  readonly ssrc: number;
  /** Of the stream that repeats what was lost. */
  readonly rtxSsrc?: number;
  readonly packetsSent: number;
  /** RTP payload octets, repeated ones too. */
  readonly bytesSent: number;
  readonly headerBytesSent: number;
  /** Sum over packets of the time from the encoder to the socket. */
  readonly packetSendDelayUs: number;
  readonly framesSent: number;
  readonly keyframesSent: number;
  readonly hugeFrames: number;
  /** Of the stream's encoding while it took it. */
  readonly framesEncoded: number;
  readonly keyframesEncoded: number;
  readonly encodeUs: number;
  /** Of the encoded pictures: quantizers of H.264 (0 to 51) or VP8 (0 to 127), added up. */
  readonly qpSum: number;
  readonly targetBytes: number;
  readonly targetBps: number;
  /** What encodes, once it does. */
  readonly encoder: string;
  readonly isHardwareEncoder: boolean;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly retransmitted: number;
  readonly retransmittedBytes: number;
  /** Of parity, and its payload octets. */
  readonly fecPackets: number;
  readonly fecBytes: number;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly firCount: number;
  readonly source: SourceStats | null;
  /** Since it was added, µs. */
  readonly ageUs: number;
  /** Whether the path's bandwidth holds the bitrate down, and how long it has. */
  readonly isPathLimited: boolean;
  readonly pathLimitedUs: number;
  /** From the peer's receiver reports: */
  readonly remoteLost: number;
  /** 0 to 1. */
  readonly remoteFractionLost: number;
  readonly remoteJitterUs: number;
  readonly remotePacketsReceived: number;
  /** When the last came, µs since 1970; 0: none did. */
  readonly remoteReportWallUs: number;
  /** Smoothed; 0: not known yet. */
  readonly rttUs: number;
  readonly rttMeasurements: number;
  readonly rttTotalUs: number;
}

export interface ReceiveStreamStats {
  readonly kind: MediaKind;
  readonly mid: string;
  readonly layer?: string;
  /** Of a layer: pictures shown as the section's, and how often the section's changed to it. */
  readonly layerFramesShown?: number;
  readonly layerSwitches?: number;
  readonly ssrc: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly headerBytesReceived: number;
  /** µs since 1970; 0: nothing came. */
  readonly lastReceivedWallUs: number;
  readonly retransmittedPackets: number;
  readonly retransmittedBytes: number;
  /** Redundancy that came: packets of it or blocks, their bytes, those that were of no use, and packets that it brought back. */
  readonly fecPackets: number;
  readonly fecBytes: number;
  readonly fecDiscarded: number;
  readonly recoveredPackets: number;
  /** Of the stream that has the parity; 0: none came. */
  readonly fecSsrc: number;
  readonly packetsLost: number;
  /** 0 to 1, over the last report interval. */
  readonly fractionLost: number;
  readonly packetsDiscarded: number;
  readonly packetsDuplicated: number;
  readonly extendedHighestSequenceNumber: number;
  readonly jitterUs: number;
  readonly framesReceived: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly keyframesDecoded: number;
  readonly framesRendered: number;
  readonly framesPerSecond: number;
  readonly decodeUs: number;
  /** The same of the decoded ones. */
  readonly qpSum: number;
  readonly processingUs: number;
  readonly assembledFrames: number;
  readonly assemblyUs: number;
  readonly interFrameUs: number;
  /** In s². */
  readonly squaredInterFrame: number;
  readonly freezes: number;
  readonly freezesUs: number;
  readonly pauses: number;
  readonly pausesUs: number;
  /** Pictures, or samples, that left the jitter buffer, and sums over them: time in it, wanted, least. */
  readonly emitted: number;
  readonly bufferedUs: number;
  readonly targetUs: number;
  readonly minimumUs: number;
  /** The sender's clock of what is presented now, µs since 1970; 0: not known. */
  readonly playoutWallUs: number;
  readonly decoder: string;
  readonly isHardwareDecoder: boolean;
  readonly nackCount: number;
  readonly pliCount: number;
  readonly width: number;
  readonly height: number;
  /** Capture to decoded (video) where the sender's capture time is known. */
  readonly latency: LatencySummary;
  /** Audio only: samples a channel, and what the sink heard. */
  readonly samples: number;
  readonly concealedSamples: number;
  readonly silentConcealedSamples: number;
  readonly concealmentEvents: number;
  readonly insertedSamples: number;
  readonly removedSamples: number;
  readonly audioLevel: number;
  readonly audioEnergy: number;
  readonly playoutGlitches: number;
  readonly playoutGlitchUs: number;
  /** Pitch of what was played as it was sent, 0: none; kept for two seconds where holes leave nothing to tell it by. */
  readonly toneHz: number;
  /** From the peer's sender reports; of them 0: none came. */
  readonly remoteReports: number;
  readonly remotePacketsSent: number;
  readonly remoteBytesSent: number;
  /** The sender's clock at its last report, and when that came; µs since 1970. */
  readonly remoteWallUs: number;
  readonly remoteReportWallUs: number;
  /** By extended reports; of it 0: none was measured. */
  readonly remoteRttUs: number;
  readonly remoteRttMeasurements: number;
  readonly remoteRttTotalUs: number;
}

/** One candidate pair. */
export interface PairStats {
  /** Lines "candidate:…". */
  readonly local: string;
  readonly remote: string;
  readonly state: "frozen" | "waiting" | "in-progress" | "failed" | "succeeded";
  readonly nominated: boolean;
  readonly isSelected: boolean;
  readonly rttUs: number;
  readonly totalRttUs: number;
  readonly requestsSent: number;
  readonly requestsReceived: number;
  readonly responsesSent: number;
  readonly responsesReceived: number;
  readonly consentRequestsSent: number;
  /** While it was the selected one: */
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export interface Contributor {
  readonly ssrc: number;
  /** Of the newest packet that named it. */
  readonly rtpTimestamp: number;
  /** Monotonic. */
  readonly receivedUs: number;
}

export interface LastReceived {
  readonly ssrc: number;
  readonly rtpTimestamp: number;
  /** Monotonic. */
  readonly receivedUs: number;
  /** Of sound, -dBov (RFC 6464): 0 loudest, 127 silence; -1: not told. */
  readonly audioLevel: number;
}

export interface TransportStats {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** Datagrams of media that the system's sockets did not take. */
  readonly sendErrors: number;
  /** µs since 1970; 0: nothing came. */
  readonly lastReceivedWallUs: number;
  /** Datagrams that no layer wanted, by kind. */
  readonly discarded: Readonly<Record<string, number>>;
  readonly selectedPair: SelectedPair | null;
  readonly selectedPairChanges: number;
  /** All there are, of the present generation. */
  readonly pairs: readonly PairStats[];
  readonly iceState: IceState;
  readonly dtlsState: DtlsState;
  readonly dtlsCipher: string;
  readonly srtpProfile: SrtpProfile | "";
  readonly unstable: boolean;
  /** What the path seems to carry (bandwidth estimation), bits a second; 0: nothing is known, or no limit was found. */
  readonly availableBps: number;
  readonly send: readonly SendStreamStats[];
  readonly receive: readonly ReceiveStreamStats[];
}

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
  /** From here on streams are called by their {@link streamKey}. */
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
