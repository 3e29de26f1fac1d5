import { writeUint16 } from "../stun/index.js";

/** RFC 8656 §12: the channel numbers a client may bind. */
export const FIRST_CHANNEL = 0x4000;
export const LAST_CHANNEL = 0x4fff;
/** RFC 5766 §11 allowed more, which its clients still use: a server, where no DTLS comes, can take them. */
export const LAST_OLD_CHANNEL = 0x7fff;
const HEADER_BYTES = 4;

/**
 * Writes a ChannelData message (RFC 8656 §12.4).
 * @param padded - over TCP and TLS the frame ends on a multiple of four bytes; over UDP it need not.
 */
export function encodeChannelData(channel: number, data: Uint8Array, padded: boolean): Uint8Array {
  const body = padded ? (data.length + 3) & ~3 : data.length;
  const out = new Uint8Array(HEADER_BYTES + body);
  writeUint16(out, 0, channel);
  writeUint16(out, 2, data.length);
  out.set(data, HEADER_BYTES);
  return out;
}

/** Whether a datagram's first byte is that of ChannelData (RFC 7983 §7: 64 to 79). */
export function looksLikeChannelData(data: Uint8Array, lastChannel = LAST_CHANNEL): boolean {
  return data.length >= HEADER_BYTES && data[0] >= 0x40 && data[0] <= lastChannel >> 8;
}

/** Reads a ChannelData message: a view. Undefined when its length lies; padding behind the data is allowed. */
export function decodeChannelData(
  data: Uint8Array,
  lastChannel = LAST_CHANNEL,
): { channel: number; data: Uint8Array } | undefined {
  if (!looksLikeChannelData(data, lastChannel)) return undefined;
  const length = (data[2] << 8) | data[3];
  const rest = data.length - HEADER_BYTES - length;
  if (rest < 0 || rest > 3) return undefined;
  return { channel: (data[0] << 8) | data[1], data: data.subarray(HEADER_BYTES, HEADER_BYTES + length) };
}
