/**
 * Retransmission in a stream of its own (RFC 4588, SSRC multiplexing): the original packet with the RTX stream's payload type,
 * sequence number and SSRC, and the original sequence number (OSN) before its payload.
 */
import { copyBytes, readU16, writeU16, writeU32 } from "../primitives/bytes.js";
import type { RtpHeader } from "../rtp/rtp_header.js";

/** What an RTX packet is longer than its original. */
export const RTX_OVERHEAD_BYTES = 2;

export interface RtxSenderOptions {
  readonly ssrc: number;
  /** Original payload type → RTX payload type, from `a=fmtp:… apt=…` (RFC 4588 §8.6). */
  readonly payloadTypes: ReadonlyMap<number, number>;
  /** Begin at random (RFC 3550 §5.1). */
  readonly firstSequenceNumber: number;
}

/** Wraps packets of one stream for retransmission. `wrap()` the unprotected original, then protect and send the result. */
export class RtxSender {
  readonly ssrc: number;
  packetsSent = 0;
  private readonly payloadTypes: ReadonlyMap<number, number>;
  private sequenceNumber: number;

  /** That of the next packet. */
  get nextSequenceNumber(): number {
    return this.sequenceNumber;
  }

  constructor(options: RtxSenderOptions) {
    this.ssrc = options.ssrc;
    this.payloadTypes = options.payloadTypes;
    this.sequenceNumber = options.firstSequenceNumber & 0xffff;
  }

  /**
   * Writes the RTX packet for the RTP packet that `header` describes in `buf` to `target[targetOffset…]`; returns its bytes, 0
   * when its payload type has no RTX. CSRCs and header extensions go along (a transport-wide number in them is the caller's to
   * renew); padding does not.
   */
  wrap(buf: Uint8Array, header: RtpHeader, target: Uint8Array, targetOffset: number): number {
    const payloadType = this.payloadTypes.get(header.payloadType);
    if (payloadType === undefined) return 0;
    const { packetOffset, headerBytes, payloadOffset, payloadLength } = header;
    copyBytes(buf, packetOffset, target, targetOffset, headerBytes);
    target[targetOffset] &= ~0x20;
    target[targetOffset + 1] = (header.marker ? 0x80 : 0) | payloadType;
    writeU16(target, targetOffset + 2, this.sequenceNumber);
    writeU32(target, targetOffset + 8, this.ssrc);
    writeU16(target, targetOffset + headerBytes, header.sequenceNumber);
    copyBytes(buf, payloadOffset, target, targetOffset + headerBytes + RTX_OVERHEAD_BYTES, payloadLength);
    this.sequenceNumber = (this.sequenceNumber + 1) & 0xffff;
    this.packetsSent++;
    return headerBytes + RTX_OVERHEAD_BYTES + payloadLength;
  }
}

/**
 * Turns the RTX packet that `header` describes in `buf` back into the original, in place: it then begins
 * {@link RTX_OVERHEAD_BYTES} later, at the offset returned, and ends where the RTX packet's payload ended (parse it anew). -1: it
 * carries no original, as the padding that browsers send to probe does.
 */
export function unwrapRtx(
  buf: Uint8Array,
  header: RtpHeader,
  originalSsrc: number,
  originalPayloadType: number,
): number {
  if (header.payloadLength < RTX_OVERHEAD_BYTES) return -1;
  const { packetOffset, headerBytes, payloadOffset } = header;
  const sequenceNumber = readU16(buf, payloadOffset);
  const offset = packetOffset + RTX_OVERHEAD_BYTES;
  buf.copyWithin(offset, packetOffset, packetOffset + headerBytes);
  // The padding, if any, stays behind the new end.
  buf[offset] &= ~0x20;
  buf[offset + 1] = (header.marker ? 0x80 : 0) | originalPayloadType;
  writeU16(buf, offset + 2, sequenceNumber);
  writeU32(buf, offset + 8, originalSsrc);
  return offset;
}
