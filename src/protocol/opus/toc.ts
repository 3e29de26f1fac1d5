/**
 * What an Opus packet says of itself without being decoded (RFC 6716 §3).
 */

/** Longest packet duration, in 48 kHz samples: 120 ms (RFC 6716 §3.4, R5). */
export const MAX_PACKET_SAMPLES = 5760;

/** Samples at 48 kHz of one frame, by TOC configuration (RFC 6716 table 2). */
function frameSamples(config: number): number {
  if (config < 12) return [480, 960, 1920, 2880][config & 3];
  if (config < 16) return [480, 960][config & 1];
  return [120, 240, 480, 960][config & 3];
}

const FRAME_SAMPLES = Uint16Array.from({ length: 32 }, (_, config) => frameSamples(config));

/** Frames in the packet (RFC 6716 §3.2), 0 when it is malformed. */
export function opusFrameCount(buf: Uint8Array, offset: number, length: number): number {
  if (length < 1) return 0;
  const code = buf[offset] & 3;
  if (code < 3) return code === 0 ? 1 : 2;
  return length < 2 ? 0 : buf[offset + 1] & 0x3f;
}

/** Duration of the packet in 48 kHz samples, the RTP clock of RFC 7587 §4.1; 0 when it is malformed. */
export function opusPacketSamples(buf: Uint8Array, offset: number, length: number): number {
  const count = opusFrameCount(buf, offset, length);
  if (count === 0) return 0;
  const samples = count * FRAME_SAMPLES[buf[offset] >> 3];
  return samples > MAX_PACKET_SAMPLES ? 0 : samples;
}

/** Whether the packet is coded in stereo. */
export function opusIsStereo(buf: Uint8Array, offset: number): boolean {
  return (buf[offset] & 4) !== 0;
}

/** Whether the packet carries no sound but the end of some: the one- and two-byte packets of DTX (RFC 6716 §2.1.9). */
export function opusIsDtx(length: number): boolean {
  return length <= 2;
}
