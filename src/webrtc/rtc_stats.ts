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
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly jitter: number;
  readonly bytesReceived: number;
  readonly packetsDiscarded: number;
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly framesReceived?: number;
  readonly framesDecoded?: number;
  readonly framesDropped?: number;
  readonly keyFramesDecoded?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly concealedSamples?: number;
}

export interface RTCOutboundRtpStreamStats extends RtpStatsBase {
  readonly type: "outbound-rtp";
  readonly mid: string;
  readonly mediaSourceId?: string;
  readonly remoteId: string;
  readonly active: boolean;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly retransmittedPacketsSent: number;
  readonly retransmittedBytesSent: number;
  readonly framesSent?: number;
  readonly keyFramesEncoded?: number;
  readonly nackCount?: number;
  readonly pliCount?: number;
  readonly firCount?: number;
}

export interface RTCRemoteInboundRtpStreamStats extends RtpStatsBase {
  readonly type: "remote-inbound-rtp";
  readonly localId: string;
  readonly packetsLost: number;
  readonly fractionLost: number;
  readonly jitter: number;
  /** Absent until the first report. */
  readonly roundTripTime?: number;
}

export interface RTCMediaSourceStats extends StatsBase {
  readonly type: "media-source";
  readonly trackIdentifier: string;
  readonly kind: "audio" | "video";
  readonly width?: number;
  readonly height?: number;
  readonly framesPerSecond?: number;
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
  readonly currentRoundTripTime?: number;
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
  | RTCMediaSourceStats
  | RTCPeerConnectionStats
  | RTCDataChannelStats
  | RTCTransportStats
  | RTCIceCandidateStats
  | RTCIceCandidatePairStats
  | RTCCertificateStats;

export type RTCStatsType = RTCStats["type"];
