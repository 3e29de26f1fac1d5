/**
 * Counters that the workers keep of transports and streams, in shared memory: blocks of float64 words, each word with
 * one writing thread, so the main thread and getStats read them without asking anyone. A block belongs to one transport
 * or one stream and goes out with the message that opens it.
 */
import { CONTRIBUTOR_WORDS } from "./contributors.js";

/** Datagrams that no layer wanted. */
export const discardKinds = [
  "malformed",
  "unknown-protocol",
  "stun",
  "dtls",
  "rtp-before-keys",
  "rtp-malformed",
  "rtp-authentication",
  "rtp-replay",
  "rtp-unknown-stream",
  "rtp-stream-limit",
  "rtcp-before-keys",
  "rtcp-malformed",
  "rtcp-authentication",
  "rtcp-replay",
  "remote-candidate",
  "remote-name",
  "audio-queue-full",
  "closed",
] as const;
export type DiscardKind = (typeof discardKinds)[number];

/** Words of a transport's block. Writers: receiver up to `pathBytesSent`, then sender. */
export const TransportCounters = {
  packetsReceived: 0,
  bytesReceived: 1,
  /** One word for each of {@link discardKinds}. */
  discarded: 2,
  /** 1 while silent. */
  unstable: 2 + discardKinds.length,
  /** ICE and DTLS datagrams, which the receiver sends itself. */
  pathPacketsSent: 3 + discardKinds.length,
  pathBytesSent: 4 + discardKinds.length,
  /** RTP and RTCP. */
  packetsSent: 5 + discardKinds.length,
  bytesSent: 6 + discardKinds.length,
  /** Datagrams the kernel did not take. */
  sendErrors: 7 + discardKinds.length,
  /** The receiver's: when the last datagram came, monotonic. */
  receivedUs: 8 + discardKinds.length,
  /** What the path seems to carry; Infinity: no limit was found; 0: nothing is known. */
  estimatedBps: 9 + discardKinds.length,
  words: 10 + discardKinds.length,
} as const;

/** Words of a send stream's block. Writers: sender up to `rtpOffset`, then rtcp but for the last. */
export const SendCounters = {
  packetsSent: 0,
  /** RTP payload octets, as sender reports count them (RFC 3550 §6.4.1). */
  payloadBytesSent: 1,
  bytesSent: 2,
  framesSent: 3,
  keyframesSent: 4,
  /** Frames that were not sent: no keys or no route yet, or not a keyframe while one is due. */
  framesSkipped: 5,
  retransmitted: 6,
  /** NACKed packets that were no longer in the history. */
  retransmitMisses: 7,
  /** Packets that the socket's buffer did not take. */
  packetsDropped: 8,
  /** RTP timestamp of monotonic time 0 modulo 2³², fractional: timestamp(t) = rtpOffset + t·clockRate/10⁶; NaN: nothing sent. */
  rtpOffset: 9,
  nackCount: 10,
  pliCount: 11,
  firCount: 12,
  remoteLost: 13,
  /** 0 to 1. */
  remoteFractionLost: 14,
  remoteJitterUs: 15,
  rttUs: 16,
  /** RTP payload octets that were sent again; the sender's. */
  retransmittedBytes: 17,
  /** NACKed packets that were on their way already, or beyond the budget for repetitions; the sender's. */
  retransmitRefusals: 18,
  /** Number of the encoding the stream carries, written by the main thread: requests for keyframes are for that one. */
  encoding: 19,
  /** The sender's: RTP headers with their extensions. */
  headerBytesSent: 20,
  /** Of the frames that were sent. */
  width: 21,
  height: 22,
  framesPerSecond: 23,
  /** Sums over the frames that were taken from the encoder, sent or not: how many, how long, how large they should have been. */
  framesEncoded: 24,
  keyframesEncoded: 25,
  encodeUs: 26,
  targetBytes: 27,
  /** Frames larger than two and a half times the mean (webrtc-stats, hugeFramesSent). */
  hugeFrames: 28,
  /** Sum over packets of the time from the encoder to the socket. */
  packetSendDelayUs: 29,
  /** Of the first packet; NaN: none was sent. */
  firstSequenceNumber: 30,
  /** rtcp's: measured round trips, their sum, packets that the peer says it has, when its last report came. */
  rttMeasurements: 31,
  rttTotalUs: 32,
  remotePacketsReceived: 33,
  remoteReportUs: 34,
  /** The sender's: time in which the path's bandwidth held the pictures' bitrate down, and whether it does: 1. */
  pathLimitedUs: 35,
  pathLimited: 36,
  /** The sender's: packets of parity, and their payload octets. */
  parityPackets: 37,
  parityBytes: 38,
  /** The sender's: sum of the quantizers of the frames that were taken from the encoder. */
  qpSum: 39,
  /** The sender's: packets sent once more though nobody missed them, to see what the path carries. */
  unaskedRepeats: 40,
  words: 41,
} as const;

/** Words of a source's block, written by the encoder or the microphone: what came from a source, whoever takes it. */
export const SourceCounters = {
  width: 0,
  height: 1,
  frames: 2,
  framesPerSecond: 3,
  /** Monotonic; of the last picture or piece of sound. */
  lastUs: 4,
  /** 0 to 1. */
  audioLevel: 5,
  /** Seconds times squared level. */
  audioEnergy: 6,
  soundUs: 7,
  words: 8,
} as const;

/**
 * Words of a receive stream's block. Writers: receiver up to `extraDelayUs`, then rtcp up to `rttUs`, then decoder or
 * speaker, then receiver again.
 */
export const ReceiveCounters = {
  ssrc: 0,
  packetsReceived: 1,
  bytesReceived: 2,
  packetsDiscarded: 3,
  packetsDuplicated: 4,
  framesReceived: 5,
  /** Access units given up (loss) or that found no free slot. */
  framesDropped: 6,
  /** Delay that lip-sync asks of the presenter. */
  extraDelayUs: 7,
  packetsLost: 8,
  /** 0 to 1, over the last report interval. */
  fractionLost: 9,
  extendedHighestSequenceNumber: 10,
  jitterUs: 11,
  nackCount: 12,
  pliCount: 13,
  rttUs: 14,
  /** Bumped by the decoder when it needs a keyframe; the receiver reads it with each access unit. */
  keyframeEpoch: 15,
  /** Of the newest packet. */
  rtpTimestamp: 16,
  /** Its arrival, monotonic. */
  receivedUs: 17,
  /** RTP header and padding octets. */
  headerBytesReceived: 18,
  /** Of the received ones, what came by RTX. */
  retransmittedPackets: 19,
  retransmittedBytes: 20,
  /** rtcp's, of the peer's last sender report: what it has sent, its clock (µs since 1970), when it came, how many came. */
  remotePacketsSent: 21,
  remoteBytesSent: 22,
  remoteWallUs: 23,
  remoteReportUs: 24,
  remoteReports: 25,
  /** Of the newest packet of sound, -dBov (RFC 6464); -1: not told. */
  audioLevel: 26,
  /** Of RED and FEC: packets or blocks, their bytes, what of them was not needed or came late; media packets they brought back. */
  fecPackets: 27,
  fecBytes: 28,
  fecDiscarded: 29,
  recovered: 30,
  /** Of the stream that has the parity. */
  fecSsrc: 31,
  /** The contributing sources of late (contributors.ts). */
  contributors: 32,
  /** rtcp's: round trips that the peer's answers to extended reports measured: the last, how many, their sum. */
  remoteRttUs: 32 + CONTRIBUTOR_WORDS,
  remoteRttMeasurements: 33 + CONTRIBUTOR_WORDS,
  remoteRttTotalUs: 34 + CONTRIBUTOR_WORDS,
  /** When the newest packet was captured, by the capturer's clock (0: not told), and that clock minus the sender's (NaN: not told). */
  captureUnixUs: 35 + CONTRIBUTOR_WORDS,
  captureOffsetUs: 36 + CONTRIBUTOR_WORDS,
  words: 37 + CONTRIBUTOR_WORDS,
} as const;

/** A zeroed block of `words` float64 words. */
export function allocateCounters(words: number): SharedArrayBuffer {
  return new SharedArrayBuffer(words * Float64Array.BYTES_PER_ELEMENT);
}
