/** What other ends do to RTP packets and we do not, and what tests read of ours. */
import type { RtpHeader } from "../../src/protocol/rtp/rtp_header.js";

/** Appends `padding` bytes (1 to 255) to the packet of `length` bytes at `offset` and sets its P bit (RFC 3550 §5.1); its new length. */
export function writePadding(buf: Uint8Array, offset: number, length: number, padding: number): number {
  const end = offset + length + padding;
  buf.fill(0, offset + length, end - 1);
  buf[end - 1] = padding;
  buf[offset] |= 0x20;
  return length + padding;
}

/** A header extension's bytes as text (mid, rid); undefined: it is not there. */
export function textExtension(buf: Uint8Array, header: RtpHeader, id: number): string | undefined {
  const at = header.extensionOffset(id);
  return at < 0
    ? undefined
    : Buffer.from(buf.buffer, buf.byteOffset + at, header.extensionLength(id)).toString();
}
