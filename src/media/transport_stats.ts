/** Puts TransportStats together from the counters that the threads keep in shared memory. */
import { PlayoutCounter, PlayoutHistogram } from "./metrics_rows.js";
import type { MetricsRow } from "./ring/metrics.js";
import { readDiscarded } from "./session/discard_counter.js";
import { ReceiveCounters, SendCounters, TransportCounters } from "./session/stream_counters.js";
import type {
  ReceiveStreamOptions,
  ReceiveStreamStats,
  SendStreamOptions,
  SendStreamStats,
  TransportStats,
} from "./transport_api.js";

/** What the main thread itself knows of a transport. */
export type TransportFacts = Omit<
  TransportStats,
  "bytesSent" | "bytesReceived" | "packetsSent" | "packetsReceived" | "discarded" | "unstable"
>;

export function transportStats(counters: Float64Array, facts: TransportFacts): TransportStats {
  return {
    ...facts,
    bytesSent: counters[TransportCounters.bytesSent] + counters[TransportCounters.pathBytesSent],
    bytesReceived: counters[TransportCounters.bytesReceived],
    packetsSent: counters[TransportCounters.packetsSent] + counters[TransportCounters.pathPacketsSent],
    packetsReceived: counters[TransportCounters.packetsReceived],
    unstable: counters[TransportCounters.unstable] !== 0,
    discarded: readDiscarded(counters),
  };
}

export function sendStats(options: SendStreamOptions, counters: Float64Array): SendStreamStats {
  return {
    kind: options.kind,
    mid: options.mid,
    ssrc: options.ssrc,
    packetsSent: counters[SendCounters.packetsSent],
    bytesSent: counters[SendCounters.bytesSent],
    framesSent: counters[SendCounters.framesSent],
    keyframesSent: counters[SendCounters.keyframesSent],
    retransmitted: counters[SendCounters.retransmitted],
    retransmittedBytes: counters[SendCounters.retransmittedBytes],
    nackCount: counters[SendCounters.nackCount],
    pliCount: counters[SendCounters.pliCount],
    firCount: counters[SendCounters.firCount],
    remoteLost: counters[SendCounters.remoteLost],
    remoteFractionLost: counters[SendCounters.remoteFractionLost],
    remoteJitterUs: counters[SendCounters.remoteJitterUs],
    rttUs: counters[SendCounters.rttUs],
  };
}

/** @param playout the decoder's or the speaker's row for the stream */
export function receiveStats(
  options: ReceiveStreamOptions,
  counters: Float64Array,
  playout: MetricsRow,
): ReceiveStreamStats {
  return {
    kind: options.kind,
    mid: options.mid,
    ssrc: counters[ReceiveCounters.ssrc],
    packetsReceived: counters[ReceiveCounters.packetsReceived],
    bytesReceived: counters[ReceiveCounters.bytesReceived],
    packetsLost: counters[ReceiveCounters.packetsLost],
    fractionLost: counters[ReceiveCounters.fractionLost],
    packetsDiscarded: counters[ReceiveCounters.packetsDiscarded] + playout.get(PlayoutCounter.packetsLate),
    packetsDuplicated: counters[ReceiveCounters.packetsDuplicated],
    retransmittedPackets: counters[ReceiveCounters.retransmittedPackets],
    retransmittedBytes: counters[ReceiveCounters.retransmittedBytes],
    extendedHighestSequenceNumber: counters[ReceiveCounters.extendedHighestSequenceNumber],
    jitterUs: counters[ReceiveCounters.jitterUs],
    framesReceived: counters[ReceiveCounters.framesReceived],
    framesDecoded: playout.get(PlayoutCounter.framesDecoded),
    framesDropped: counters[ReceiveCounters.framesDropped] + playout.get(PlayoutCounter.framesDropped),
    keyframesDecoded: playout.get(PlayoutCounter.keyframesDecoded),
    nackCount: counters[ReceiveCounters.nackCount],
    pliCount: counters[ReceiveCounters.pliCount],
    width: playout.get(PlayoutCounter.width),
    height: playout.get(PlayoutCounter.height),
    latency: playout.histograms[PlayoutHistogram.captureToDecoded].summary(),
    concealedSamples: playout.get(PlayoutCounter.concealedSamples),
    toneHz: playout.get(PlayoutCounter.toneHz),
  };
}
