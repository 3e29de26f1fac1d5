import { copyBytes } from "../primitives/bytes.js";

/** Of the RTP clock, not of the sound: RFC 3551 §4.5.2 keeps 8000 though 16000 samples a second are coded. */
export const G722_CLOCK_RATE = 8000;
export const G722_SAMPLE_RATE = 16_000;
/** At 64 kbit/s: an octet carries two samples and is one step of the RTP clock. */
export const G722_SAMPLES_PER_OCTET = 2;

const OCTETS_PER_MS = 8;

/** Steps of the RTP clock that `octets` of G.722 last. */
export function g722TimestampUnits(octets: number): number {
  return octets;
}

export function g722DurationUs(octets: number): number {
  return (octets * 1000) / OCTETS_PER_MS;
}

/**
 * Cuts a stream of G.722 octets into RTP payloads of one length (RFC 3551 §4.5.2). `push()` octets as they come; `next()` writes a payload
 * when enough are there. What `push` cannot hold it refuses.
 */
export class G722Packetizer {
  /** Of the payload just written; begins at 0. */
  timestamp = 0;
  private readonly held: Uint8Array;
  private readonly payloadBytes: number;
  private count = 0;
  private nextTimestamp = 0;

  /** `ptimeMs`: a whole number of ms, 1 to 200. */
  constructor(ptimeMs = 20) {
    if (!Number.isInteger(ptimeMs) || ptimeMs < 1 || ptimeMs > 200)
      throw new RangeError(`ptimeMs ${ptimeMs}: allowed are whole numbers from 1 to 200`);
    this.payloadBytes = ptimeMs * OCTETS_PER_MS;
    this.held = new Uint8Array(8 * this.payloadBytes);
  }

  /** False: there is no room, call `next()` first. */
  push(octets: Uint8Array, offset = 0, length = octets.length - offset): boolean {
    if (this.count + length > this.held.length) return false;
    copyBytes(octets, offset, this.held, this.count, length);
    this.count += length;
    return true;
  }

  /** Writes the next payload at `target[offset…]`; returns its bytes, 0: not enough octets are here. */
  next(target: Uint8Array, offset: number): number {
    if (this.count < this.payloadBytes) return 0;
    copyBytes(this.held, 0, target, offset, this.payloadBytes);
    this.held.copyWithin(0, this.payloadBytes, this.count);
    this.count -= this.payloadBytes;
    this.timestamp = this.nextTimestamp;
    this.nextTimestamp = (this.nextTimestamp + g722TimestampUnits(this.payloadBytes)) >>> 0;
    return this.payloadBytes;
  }
}
