/** The statistics dictionaries (Identifiers for WebRTC's Statistics API) that this engine fills. Times in ms, durations in s. */

interface StatsBase {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

interface RtpStatsBase extends StatsBase {
  readonly ssrc: number;
  readonly kind: "audio" | "video";
  readonly transportId?: string;
  readonly codecId?: string;
}

export interface RTCCodecStats extends StatsBase {
  readonly type: "codec";
  readonly payloadType: number;
  readonly transportId: string;
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels?: number;
  readonly sdpFmtpLine?: string;
}

export interface RTCInboundRtpStreamStats extends RtpStatsBase {
  readonly type: "inbound-rtp";
  readonly trackIdentifier: string;
  readonly mid: string;
  readonly remoteId?: string;
  /** Sound: its `media-playout`. */
  readonly playoutId?: string;
  /** Not of webrtc-stats: which layer of a section (simulcast), pictures of it shown as the receiver's track, changes to it. */
  readonly rid?: string;
  readonly layerFramesShown?: number;
  readonly layerSwitches?: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly jitter: number;
  readonly bytesReceived: number;
  readonly headerBytesReceived: number;
  readonly packetsDiscarded: number;
  readonly lastPacketReceivedTimestamp: number;
  readonly retransmittedPacketsReceived: number;
  readonly retransmittedBytesReceived: number;
  readonly fecPacketsReceived: number;
  readonly fecBytesReceived: number;
  readonly fecPacketsDiscarded: number;
  readonly fecSsrc?: number;
  readonly jitterBufferDelay: number;
  readonly jitterBufferTargetDelay: number;
  readonly jitterBufferMinimumDelay: number;
  readonly jitterBufferEmittedCount: number;
  /** Milliseconds since 1900 (NTP) by the sender's clock. */
  readonly estimatedPlayoutTimestamp?: number;
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly firCount?: number;
  readonly framesReceived?: number;
  readonly framesDecoded?: number;
  readonly framesDropped?: number;
  /** Not of webrtc-stats: received whole and passed on without being decoded (docs/api/settings.md, `decode`). */
  readonly framesNotDecoded?: number;
  readonly framesRendered?: number;
  readonly framesPerSecond?: number;
  readonly keyFramesDecoded?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly totalDecodeTime?: number;
  readonly qpSum?: number;
  readonly totalProcessingDelay?: number;
  readonly totalInterFrameDelay?: number;
  readonly totalSquaredInterFrameDelay?: number;
  readonly framesAssembledFromMultiplePackets?: number;
  readonly totalAssemblyTime?: number;
  readonly freezeCount?: number;
  readonly totalFreezesDuration?: number;
  readonly pauseCount?: number;
  readonly totalPausesDuration?: number;
  readonly decoderImplementation?: string;
  readonly powerEfficientDecoder?: boolean;
  readonly totalSamplesReceived?: number;
  readonly concealedSamples?: number;
  readonly silentConcealedSamples?: number;
  readonly concealmentEvents?: number;
  readonly insertedSamplesForDeceleration?: number;
  readonly removedSamplesForAcceleration?: number;
  readonly audioLevel?: number;
  readonly totalAudioEnergy?: number;
  readonly totalSamplesDuration?: number;
}

export interface RTCQualityLimitationDurations {
  readonly none: number;
  readonly cpu: number;
  readonly bandwidth: number;
  readonly other: number;
}

export interface RTCOutboundRtpStreamStats extends RtpStatsBase {
  readonly type: "outbound-rtp";
  readonly mid: string;
  readonly encodingIndex: number;
  readonly rid?: string;
  readonly mediaSourceId?: string;
  readonly remoteId: string;
  readonly rtxSsrc?: number;
  readonly active: boolean;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly headerBytesSent: number;
  readonly retransmittedPacketsSent: number;
  readonly retransmittedBytesSent: number;
  readonly totalPacketSendDelay: number;
  readonly targetBitrate?: number;
  readonly framesSent?: number;
  readonly hugeFramesSent?: number;
  readonly framesEncoded?: number;
  readonly keyFramesEncoded?: number;
  readonly totalEncodeTime?: number;
  readonly qpSum?: number;
  readonly totalEncodedBytesTarget?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly framesPerSecond?: number;
  readonly qualityLimitationReason?: "none" | "cpu" | "bandwidth" | "other";
  readonly qualityLimitationDurations?: RTCQualityLimitationDurations;
  readonly qualityLimitationResolutionChanges?: number;
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly firCount?: number;
  readonly encoderImplementation?: string;
  readonly powerEfficientEncoder?: boolean;
  readonly scalabilityMode?: string;
}

export interface RTCRemoteInboundRtpStreamStats extends RtpStatsBase {
  readonly type: "remote-inbound-rtp";
  readonly localId: string;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly fractionLost: number;
  readonly jitter: number;
  /** Absent until the first report. */
  readonly roundTripTime?: number;
  readonly totalRoundTripTime: number;
  readonly roundTripTimeMeasurements: number;
}

export interface RTCRemoteOutboundRtpStreamStats extends RtpStatsBase {
  readonly type: "remote-outbound-rtp";
  readonly localId: string;
  readonly packetsSent: number;
  readonly bytesSent: number;
  /** The sender's clock when it reported. */
  readonly remoteTimestamp: number;
  readonly reportsSent: number;
  /** Absent until one was measured. */
  readonly roundTripTime?: number;
  readonly totalRoundTripTime: number;
  readonly roundTripTimeMeasurements: number;
}

export interface RTCAudioPlayoutStats extends StatsBase {
  readonly type: "media-playout";
  readonly kind: "audio";
  readonly synthesizedSamplesDuration: number;
  readonly synthesizedSamplesEvents: number;
  readonly totalSamplesDuration: number;
  readonly totalPlayoutDelay: number;
  readonly totalSamplesCount: number;
}

export interface RTCMediaSourceStats extends StatsBase {
  readonly type: "media-source";
  readonly trackIdentifier: string;
  readonly kind: "audio" | "video";
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  readonly framesPerSecond?: number;
  readonly audioLevel?: number;
  readonly totalAudioEnergy?: number;
  readonly totalSamplesDuration?: number;
}

export interface RTCPeerConnectionStats extends StatsBase {
  readonly type: "peer-connection";
  readonly dataChannelsOpened: number;
  readonly dataChannelsClosed: number;
}

export interface RTCTransportStats extends StatsBase {
  readonly type: "transport";
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly iceRole: "unknown" | "controlling" | "controlled";
  readonly iceLocalUsernameFragment?: string;
  readonly iceState: string;
  readonly dtlsState: string;
  readonly dtlsRole?: "client" | "server" | "unknown";
  readonly selectedCandidatePairId?: string;
  readonly selectedCandidatePairChanges: number;
  /** "FEFD": DTLS 1.2. */
  readonly tlsVersion?: string;
  readonly localCertificateId?: string;
  readonly remoteCertificateId?: string;
  readonly dtlsCipher?: string;
  readonly srtpCipher?: string;
}

export interface RTCIceCandidateStats extends StatsBase {
  readonly type: "local-candidate" | "remote-candidate";
  readonly transportId: string;
  readonly address: string | null;
  readonly port: number;
  readonly protocol: "udp" | "tcp";
  readonly candidateType: "host" | "srflx" | "prflx" | "relay";
  readonly priority: number;
  readonly foundation: string;
  /** Of a candidate that a server told of. */
  readonly url?: string;
  readonly relayProtocol?: "udp" | "tcp" | "tls";
  readonly relatedAddress?: string;
  readonly relatedPort?: number;
  readonly usernameFragment?: string;
  readonly tcpType?: "active" | "passive" | "so";
}

export interface RTCIceCandidatePairStats extends StatsBase {
  readonly type: "candidate-pair";
  readonly transportId: string;
  readonly localCandidateId: string;
  readonly remoteCandidateId: string;
  readonly state: "frozen" | "waiting" | "in-progress" | "failed" | "succeeded";
  readonly nominated: boolean;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly lastPacketReceivedTimestamp?: number;
  readonly totalRoundTripTime: number;
  readonly currentRoundTripTime?: number;
  /** Bits a second; absent while no limit of the path is known. */
  readonly availableOutgoingBitrate?: number;
  readonly requestsReceived: number;
  readonly requestsSent: number;
  readonly responsesReceived: number;
  readonly responsesSent: number;
  readonly consentRequestsSent: number;
  readonly packetsDiscardedOnSend?: number;
}

export interface RTCCertificateStats extends StatsBase {
  readonly type: "certificate";
  readonly fingerprint: string;
  readonly fingerprintAlgorithm: string;
  /** DER in base64. */
  readonly base64Certificate: string;
}

export interface RTCDataChannelStats extends StatsBase {
  readonly type: "data-channel";
  readonly label: string;
  readonly protocol: string;
  readonly dataChannelIdentifier?: number;
  readonly state: "connecting" | "open" | "closing" | "closed";
  readonly messagesSent: number;
  readonly bytesSent: number;
  readonly messagesReceived: number;
  readonly bytesReceived: number;
}

export type RTCStats =
  | RTCCodecStats
  | RTCInboundRtpStreamStats
  | RTCOutboundRtpStreamStats
  | RTCRemoteInboundRtpStreamStats
  | RTCRemoteOutboundRtpStreamStats
  | RTCAudioPlayoutStats
  | RTCMediaSourceStats
  | RTCPeerConnectionStats
  | RTCDataChannelStats
  | RTCTransportStats
  | RTCIceCandidateStats
  | RTCIceCandidatePairStats
  | RTCCertificateStats;
