/** What the engine counts of streams, by the names of webrtc-stats: times in seconds, timestamps in milliseconds. */
import type { ReceiveStreamStats, SendStreamStats, SourceStats } from "../../media/transport_api.js";

/** From 1900 to 1970. */
const NTP_EPOCH_MS = 2_208_988_800_000;
const SAMPLE_RATE = 48_000;

export function outboundCounters(stream: SendStreamStats) {
  const common = {
    packetsSent: stream.packetsSent,
    bytesSent: stream.bytesSent,
    headerBytesSent: stream.headerBytesSent,
    retransmittedPacketsSent: stream.retransmitted,
    retransmittedBytesSent: stream.retransmittedBytes,
    totalPacketSendDelay: stream.packetSendDelayUs / 1e6,
    nackCount: stream.nackCount,
    ...(stream.rtxSsrc !== undefined && { rtxSsrc: stream.rtxSsrc }),
    ...(stream.targetBps > 0 && { targetBitrate: stream.targetBps }),
  };
  return stream.kind === "audio" ? common : { ...common, ...outboundPictures(stream) };
}

function outboundPictures(stream: SendStreamStats) {
  return {
    framesSent: stream.framesSent,
    hugeFramesSent: stream.hugeFrames,
    framesEncoded: stream.framesEncoded,
    keyFramesEncoded: stream.keyframesEncoded,
    totalEncodeTime: stream.encodeUs / 1e6,
    totalEncodedBytesTarget: stream.targetBytes,
    ...(stream.width > 0 && { frameWidth: stream.width, frameHeight: stream.height }),
    framesPerSecond: stream.framesPerSecond,
    qualityLimitationReason: stream.isPathLimited ? ("bandwidth" as const) : ("none" as const),
    qualityLimitationDurations: {
      none: Math.max(0, stream.ageUs - stream.pathLimitedUs) / 1e6,
      cpu: 0,
      bandwidth: stream.pathLimitedUs / 1e6,
      other: 0,
    },
    // The bitrate follows the path, the size does not.
    qualityLimitationResolutionChanges: 0,
    pliCount: stream.pliCount,
    firCount: stream.firCount,
    ...(stream.encoder !== "" && {
      qpSum: stream.qpSum,
      encoderImplementation: stream.encoder,
      powerEfficientEncoder: stream.isHardwareEncoder,
      scalabilityMode: "L1T1",
    }),
  };
}

export function remoteInboundCounters(stream: SendStreamStats) {
  return {
    packetsReceived: stream.remotePacketsReceived,
    packetsLost: stream.remoteLost,
    fractionLost: stream.remoteFractionLost,
    jitter: stream.remoteJitterUs / 1e6,
    ...(stream.rttUs > 0 && { roundTripTime: stream.rttUs / 1e6 }),
    totalRoundTripTime: stream.rttTotalUs / 1e6,
    roundTripTimeMeasurements: stream.rttMeasurements,
  };
}

export function inboundCounters(stream: ReceiveStreamStats) {
  const common = {
    packetsReceived: stream.packetsReceived,
    packetsLost: stream.packetsLost,
    jitter: stream.jitterUs / 1e6,
    bytesReceived: stream.bytesReceived,
    headerBytesReceived: stream.headerBytesReceived,
    packetsDiscarded: stream.packetsDiscarded,
    lastPacketReceivedTimestamp: stream.lastReceivedWallUs / 1000,
    retransmittedPacketsReceived: stream.retransmittedPackets,
    retransmittedBytesReceived: stream.retransmittedBytes,
    fecPacketsReceived: stream.fecPackets,
    fecBytesReceived: stream.fecBytes,
    fecPacketsDiscarded: stream.fecDiscarded,
    ...(stream.fecSsrc > 0 && { fecSsrc: stream.fecSsrc }),
    nackCount: stream.nackCount,
    jitterBufferDelay: stream.bufferedUs / 1e6,
    jitterBufferTargetDelay: stream.targetUs / 1e6,
    jitterBufferMinimumDelay: stream.minimumUs / 1e6,
    jitterBufferEmittedCount: stream.emitted,
    ...(stream.playoutWallUs > 0 && {
      estimatedPlayoutTimestamp: stream.playoutWallUs / 1000 + NTP_EPOCH_MS,
    }),
  };
  return { ...common, ...(stream.kind === "audio" ? inboundSound(stream) : inboundPictures(stream)) };
}

function inboundPictures(stream: ReceiveStreamStats) {
  return {
    ...(stream.layer !== undefined && {
      rid: stream.layer,
      layerFramesShown: stream.layerFramesShown ?? 0,
      layerSwitches: stream.layerSwitches ?? 0,
    }),
    pliCount: stream.pliCount,
    // We ask by PLI alone.
    firCount: 0,
    framesReceived: stream.framesReceived,
    framesDecoded: stream.framesDecoded,
    framesDropped: stream.framesDropped,
    ...(stream.framesNotDecoded > 0 && { framesNotDecoded: stream.framesNotDecoded }),
    framesRendered: stream.framesRendered,
    framesPerSecond: stream.framesPerSecond,
    keyFramesDecoded: stream.keyframesDecoded,
    ...(stream.width > 0 && { frameWidth: stream.width, frameHeight: stream.height }),
    totalDecodeTime: stream.decodeUs / 1e6,
    totalProcessingDelay: stream.processingUs / 1e6,
    totalInterFrameDelay: stream.interFrameUs / 1e6,
    totalSquaredInterFrameDelay: stream.squaredInterFrame,
    framesAssembledFromMultiplePackets: stream.assembledFrames,
    totalAssemblyTime: stream.assemblyUs / 1e6,
    freezeCount: stream.freezes,
    totalFreezesDuration: stream.freezesUs / 1e6,
    pauseCount: stream.pauses,
    totalPausesDuration: stream.pausesUs / 1e6,
    ...(stream.decoder !== "" && {
      qpSum: stream.qpSum,
      decoderImplementation: stream.decoder,
      powerEfficientDecoder: stream.isHardwareDecoder,
    }),
  };
}

function inboundSound(stream: ReceiveStreamStats) {
  return {
    totalSamplesReceived: stream.samples,
    concealedSamples: stream.concealedSamples,
    silentConcealedSamples: stream.silentConcealedSamples,
    concealmentEvents: stream.concealmentEvents,
    insertedSamplesForDeceleration: stream.insertedSamples,
    removedSamplesForAcceleration: stream.removedSamples,
    audioLevel: stream.audioLevel,
    totalAudioEnergy: stream.audioEnergy,
    totalSamplesDuration: stream.samples / SAMPLE_RATE,
  };
}

export function remoteOutboundCounters(stream: ReceiveStreamStats) {
  return {
    packetsSent: stream.remotePacketsSent,
    bytesSent: stream.remoteBytesSent,
    remoteTimestamp: stream.remoteWallUs / 1000,
    reportsSent: stream.remoteReports,
    // Where both descriptions have RFC 3611's "rcvr-rtt".
    ...(stream.remoteRttUs > 0 && { roundTripTime: stream.remoteRttUs / 1e6 }),
    totalRoundTripTime: stream.remoteRttTotalUs / 1e6,
    roundTripTimeMeasurements: stream.remoteRttMeasurements,
  };
}

/** The null device takes every sample when it is due: nothing waits in it. */
export function playoutCounters(stream: ReceiveStreamStats) {
  return {
    synthesizedSamplesDuration: stream.playoutGlitchUs / 1e6,
    synthesizedSamplesEvents: stream.playoutGlitches,
    totalSamplesDuration: stream.samples / SAMPLE_RATE,
    totalPlayoutDelay: 0,
    totalSamplesCount: stream.samples,
  };
}

export function sourceCounters(kind: "audio" | "video", source: SourceStats) {
  if (kind === "audio") {
    return {
      audioLevel: source.audioLevel,
      totalAudioEnergy: source.audioEnergy,
      totalSamplesDuration: source.soundUs / 1e6,
    };
  }
  return {
    ...(source.width > 0 && { width: source.width, height: source.height }),
    frames: source.frames,
    framesPerSecond: source.framesPerSecond,
  };
}
