import { isRtcp } from "../../protocol/rtp/rtp_header.js";

/**
 * What a datagram is, by its first bytes (RFC 7983 §7, and RFC 5761 §4 for RTP and RTCP on one port). Constants
 * instead of names: this runs once a packet.
 */
export const DatagramKind = {
  unknown: 0,
  stun: 1,
  dtls: 2,
  rtp: 3,
  rtcp: 4,
  malformed: 5,
  channelData: 6,
} as const;

/** Smallest RTP packet and smallest RTCP packet (RFC 3550 §5.1, §6.4). */
const RTP_MIN_BYTES = 12;
const RTCP_MIN_BYTES = 8;

/** One of {@link DatagramKind} for the `length` bytes at `offset`. */
export function classifyDatagram(bytes: Uint8Array, offset: number, length: number): number {
  if (length < 2) return DatagramKind.malformed;
  const first = bytes[offset];
  if (first >= 128 && first <= 191) return classifyRtp(bytes, offset, length);
  if (first >= 20 && first <= 63) return DatagramKind.dtls;
  if (first <= 3) return DatagramKind.stun;
  if (first >= 64 && first <= 79) return DatagramKind.channelData;
  return DatagramKind.unknown;
}

/** RFC 5761 §4: payload types 64 to 95 are never used for RTP where RTCP shares the port. */
function classifyRtp(bytes: Uint8Array, offset: number, length: number): number {
  if (isRtcp(bytes, offset, length)) {
    return length >= RTCP_MIN_BYTES ? DatagramKind.rtcp : DatagramKind.malformed;
  }
  return length >= RTP_MIN_BYTES ? DatagramKind.rtp : DatagramKind.malformed;
}
