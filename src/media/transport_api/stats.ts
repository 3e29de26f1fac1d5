import type { SrtpProfile } from "../../../native/addon.js";
import type { IcePairCounters } from "../../protocol/ice/index.js";
import type { DtlsState } from "./dtls.js";
import type { IceState, SelectedPair } from "./ice.js";
import type { MediaKind } from "./stream_options.js";

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
  /** Packets sent once more, as RTX, though nobody missed them: to see what the path carries. Not among those that were retransmitted. */
  readonly unaskedRepeats: number;
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
  /** Received whole and passed on without being decoded. */
  readonly framesNotDecoded: number;
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
export interface PairStats extends IcePairCounters {
  /** Lines "candidate:…". */
  readonly local: string;
  readonly remote: string;
  readonly state: "frozen" | "waiting" | "in-progress" | "failed" | "succeeded";
  readonly nominated: boolean;
  readonly isSelected: boolean;
  /** While it was the selected one: */
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
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
