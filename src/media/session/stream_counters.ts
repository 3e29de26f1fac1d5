/**
 * Counters that the workers keep of transports and streams, in shared memory: blocks of float64 words, each word with
 * one writing thread, so the main thread and getStats read them without asking anyone. A block belongs to one transport
 * or one stream and goes out with the message that opens it.
 */

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
  words: 8 + discardKinds.length,
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
  words: 20,
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
  words: 21,
} as const;

/** A zeroed block of `words` float64 words. */
export function allocateCounters(words: number): SharedArrayBuffer {
  return new SharedArrayBuffer(words * Float64Array.BYTES_PER_ELEMENT);
}
