/** Puts TransportStats together from the counters that the threads keep in shared memory. */
import type { Maker } from "./codecs/video_codecs.js";
import { PlayoutCounter, PlayoutHistogram } from "./metrics_rows.js";
import type { MetricsRow } from "./ring/metrics.js";
import { readDiscarded } from "./session/discard_counter.js";
import {
  ReceiveCounters,
  SendCounters,
  SourceCounters,
  TransportCounters,
} from "./session/stream_counters.js";
import type {
  ReceiveStreamOptions,
  ReceiveStreamStats,
  SendStreamOptions,
  SendStreamStats,
  SourceStats,
  TransportStats,
} from "./transport_api.js";

/** What the main thread itself knows of a transport. */
export type TransportFacts = Omit<
  TransportStats,
  | "bytesSent"
  | "bytesReceived"
  | "packetsSent"
  | "packetsReceived"
  | "discarded"
  | "unstable"
  | "sendErrors"
  | "lastReceivedWallUs"
  | "availableBps"
>;

/** A rate that was measured longer ago than this says nothing any more. */
const RATE_LIFE_US = 1_500_000;

export interface Traffic {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export function trafficOf(counters: Float64Array): Traffic {
  return {
    bytesSent: counters[TransportCounters.bytesSent] + counters[TransportCounters.pathBytesSent],
    bytesReceived: counters[TransportCounters.bytesReceived],
    packetsSent: counters[TransportCounters.packetsSent] + counters[TransportCounters.pathPacketsSent],
    packetsReceived: counters[TransportCounters.packetsReceived],
  };
}

export function transportStats(
  counters: Float64Array,
  facts: TransportFacts,
  wallOffsetUs: number,
): TransportStats {
  const receivedUs = counters[TransportCounters.receivedUs];
  return {
    ...facts,
    ...trafficOf(counters),
    unstable: counters[TransportCounters.unstable] !== 0,
    availableBps: finite(counters[TransportCounters.estimatedBps]),
    discarded: readDiscarded(counters),
    sendErrors: counters[TransportCounters.sendErrors],
    lastReceivedWallUs: receivedUs === 0 ? 0 : receivedUs + wallOffsetUs,
  };
}

/** What is needed to read counters: the clocks, and who makes the media. */
export interface ReadingContext {
  readonly nowUs: number;
  /** Wall clock (µs since 1970) minus monotonic clock. */
  readonly wallOffsetUs: number;
  readonly maker: Maker | undefined;
}

/** @param source a {@link SourceCounters} block; undefined: the source has none (yet) */
export function sendStats(
  options: SendStreamOptions,
  counters: Float64Array,
  source: Float64Array | undefined,
  targetBps: number,
  ageUs: number,
  { wallOffsetUs, nowUs, maker }: ReadingContext,
): SendStreamStats {
  const { kind, mid, layer, ssrc, rtx } = options;
  const reportUs = counters[SendCounters.remoteReportUs];
  return {
    kind,
    mid,
    ...(layer !== undefined && { layer }),
    ssrc,
    ...(rtx !== undefined && { rtxSsrc: rtx.ssrc }),
    packetsSent: counters[SendCounters.packetsSent],
    bytesSent: counters[SendCounters.payloadBytesSent] + counters[SendCounters.retransmittedBytes],
    headerBytesSent: counters[SendCounters.headerBytesSent],
    packetSendDelayUs: counters[SendCounters.packetSendDelayUs],
    framesSent: counters[SendCounters.framesSent],
    keyframesSent: counters[SendCounters.keyframesSent],
    hugeFrames: counters[SendCounters.hugeFrames],
    framesEncoded: counters[SendCounters.framesEncoded],
    keyframesEncoded: counters[SendCounters.keyframesEncoded],
    encodeUs: counters[SendCounters.encodeUs],
    targetBytes: counters[SendCounters.targetBytes],
    qpSum: counters[SendCounters.qpSum],
    targetBps,
    encoder: maker?.name ?? "",
    isHardwareEncoder: maker?.isHardware ?? false,
    width: counters[SendCounters.width],
    height: counters[SendCounters.height],
    framesPerSecond: counters[SendCounters.framesPerSecond],
    retransmitted: counters[SendCounters.retransmitted],
    retransmittedBytes: counters[SendCounters.retransmittedBytes],
    unaskedRepeats: counters[SendCounters.unaskedRepeats],
    fecPackets: counters[SendCounters.parityPackets],
    fecBytes: counters[SendCounters.parityBytes],
    nackCount: counters[SendCounters.nackCount],
    pliCount: counters[SendCounters.pliCount],
    firCount: counters[SendCounters.firCount],
    ageUs,
    isPathLimited: counters[SendCounters.pathLimited] > 0,
    pathLimitedUs: counters[SendCounters.pathLimitedUs],
    source: source === undefined ? null : sourceStats(source, nowUs),
    remoteLost: counters[SendCounters.remoteLost],
    remoteFractionLost: counters[SendCounters.remoteFractionLost],
    remoteJitterUs: counters[SendCounters.remoteJitterUs],
    remotePacketsReceived: counters[SendCounters.remotePacketsReceived],
    remoteReportWallUs: reportUs === 0 ? 0 : reportUs + wallOffsetUs,
    rttUs: counters[SendCounters.rttUs],
    rttMeasurements: counters[SendCounters.rttMeasurements],
    rttTotalUs: counters[SendCounters.rttTotalUs],
  };
}

function sourceStats(counters: Float64Array, nowUs: number): SourceStats {
  const isFresh = nowUs - counters[SourceCounters.lastUs] < RATE_LIFE_US;
  return {
    width: counters[SourceCounters.width],
    height: counters[SourceCounters.height],
    frames: counters[SourceCounters.frames],
    framesPerSecond: isFresh ? counters[SourceCounters.framesPerSecond] : 0,
    audioLevel: isFresh ? counters[SourceCounters.audioLevel] : 0,
    audioEnergy: counters[SourceCounters.audioEnergy],
    soundUs: counters[SourceCounters.soundUs],
  };
}

/** @param playout the decoder's or the speaker's row for the stream */
export function receiveStats(
  options: ReceiveStreamOptions,
  counters: Float64Array,
  playout: MetricsRow,
  context: ReadingContext,
): ReceiveStreamStats {
  const { wallOffsetUs, maker } = context;
  const wall = (us: number) => (us === 0 ? 0 : us + wallOffsetUs);
  return {
    kind: options.kind,
    mid: options.mid,
    ssrc: counters[ReceiveCounters.ssrc],
    packetsReceived: counters[ReceiveCounters.packetsReceived],
    bytesReceived: counters[ReceiveCounters.bytesReceived],
    headerBytesReceived: counters[ReceiveCounters.headerBytesReceived],
    lastReceivedWallUs: wall(counters[ReceiveCounters.receivedUs]),
    retransmittedPackets: counters[ReceiveCounters.retransmittedPackets],
    retransmittedBytes: counters[ReceiveCounters.retransmittedBytes],
    fecPackets: counters[ReceiveCounters.fecPackets],
    fecBytes: counters[ReceiveCounters.fecBytes],
    fecDiscarded: counters[ReceiveCounters.fecDiscarded],
    recoveredPackets: counters[ReceiveCounters.recovered],
    fecSsrc: counters[ReceiveCounters.fecSsrc],
    packetsLost: counters[ReceiveCounters.packetsLost],
    fractionLost: counters[ReceiveCounters.fractionLost],
    packetsDiscarded: counters[ReceiveCounters.packetsDiscarded] + playout.get(PlayoutCounter.packetsLate),
    packetsDuplicated: counters[ReceiveCounters.packetsDuplicated],
    extendedHighestSequenceNumber: counters[ReceiveCounters.extendedHighestSequenceNumber],
    jitterUs: counters[ReceiveCounters.jitterUs],
    framesReceived: counters[ReceiveCounters.framesReceived],
    framesDropped: counters[ReceiveCounters.framesDropped] + playout.get(PlayoutCounter.framesDropped),
    nackCount: counters[ReceiveCounters.nackCount],
    pliCount: counters[ReceiveCounters.pliCount],
    decoder: maker?.name ?? "",
    isHardwareDecoder: maker?.isHardware ?? false,
    ...pictureStats(playout, context),
    ...soundStats(playout),
    latency: playout.histograms[PlayoutHistogram.captureToDecoded].summary(),
    remoteReports: counters[ReceiveCounters.remoteReports],
    remotePacketsSent: counters[ReceiveCounters.remotePacketsSent],
    remoteBytesSent: counters[ReceiveCounters.remoteBytesSent],
    remoteWallUs: counters[ReceiveCounters.remoteWallUs],
    remoteReportWallUs: wall(counters[ReceiveCounters.remoteReportUs]),
    remoteRttUs: counters[ReceiveCounters.remoteRttUs],
    remoteRttMeasurements: counters[ReceiveCounters.remoteRttMeasurements],
    remoteRttTotalUs: counters[ReceiveCounters.remoteRttTotalUs],
  };
}

function pictureStats(playout: MetricsRow, { nowUs }: ReadingContext) {
  const isFresh = nowUs - playout.get(PlayoutCounter.lastFrameUs) < RATE_LIFE_US;
  const presentedWallUs = playout.get(PlayoutCounter.presentedWallUs);
  return {
    framesDecoded: playout.get(PlayoutCounter.framesDecoded),
    framesNotDecoded: playout.get(PlayoutCounter.framesNotDecoded),
    keyframesDecoded: playout.get(PlayoutCounter.keyframesDecoded),
    framesRendered: playout.get(PlayoutCounter.framesPresented),
    framesPerSecond: isFresh ? playout.get(PlayoutCounter.framesPerSecond) : 0,
    decodeUs: playout.get(PlayoutCounter.decodeUs),
    qpSum: playout.get(PlayoutCounter.qpSum),
    processingUs: playout.get(PlayoutCounter.processingUs),
    assembledFrames: playout.get(PlayoutCounter.assembledFrames),
    assemblyUs: playout.get(PlayoutCounter.assemblyUs),
    interFrameUs: playout.get(PlayoutCounter.interFrameUs),
    squaredInterFrame: playout.get(PlayoutCounter.squaredInterFrame),
    freezes: playout.get(PlayoutCounter.freezes),
    freezesUs: playout.get(PlayoutCounter.freezesUs),
    pauses: playout.get(PlayoutCounter.pauses),
    pausesUs: playout.get(PlayoutCounter.pausesUs),
    emitted: playout.get(PlayoutCounter.emitted),
    bufferedUs: playout.get(PlayoutCounter.bufferedUs),
    targetUs: playout.get(PlayoutCounter.targetUs),
    minimumUs: playout.get(PlayoutCounter.minimumUs),
    playoutWallUs:
      presentedWallUs === 0 ? 0 : presentedWallUs + nowUs - playout.get(PlayoutCounter.presentedUs),
    width: playout.get(PlayoutCounter.width),
    height: playout.get(PlayoutCounter.height),
  };
}

function soundStats(playout: MetricsRow) {
  return {
    samples: playout.get(PlayoutCounter.samples),
    concealedSamples: playout.get(PlayoutCounter.concealedSamples),
    silentConcealedSamples: playout.get(PlayoutCounter.silentConcealedSamples),
    concealmentEvents: playout.get(PlayoutCounter.concealmentEvents),
    insertedSamples: playout.get(PlayoutCounter.insertedSamples),
    removedSamples: playout.get(PlayoutCounter.removedSamples),
    audioLevel: playout.get(PlayoutCounter.audioLevel),
    audioEnergy: playout.get(PlayoutCounter.audioEnergy),
    playoutGlitches: playout.get(PlayoutCounter.playoutGlitches),
    playoutGlitchUs: playout.get(PlayoutCounter.playoutGlitchUs),
    toneHz: playout.get(PlayoutCounter.toneHz),
  };
}

function finite(bitrateBps: number): number {
  return Number.isFinite(bitrateBps) ? bitrateBps : 0;
}
