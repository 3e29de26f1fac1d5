import { readU16, readU24 } from "../primitives/bytes.js";
import { sequenceDifference } from "../rtp/unwrap.js";

/** Reference times count 64 ms (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1). */
export const REFERENCE_UNIT_US = 64_000;
/** Receive deltas count 250 µs (§3.1.5). */
export const DELTA_UNIT_US = 250;
/** Packet status symbols (§3.1.1). */
export const Symbol2 = { notReceived: 0, smallDelta: 1, largeDelta: 2, reserved: 3 } as const;
/** More statuses than this in one packet are no feedback about a real path: 65535 of them would fit 18 bytes. */
const MAX_STATUSES = 8192;

/**
 * Reads transport-wide feedback. Give `read()` the content of each "transport-cc" packet of one peer in order; when it
 * returns true, packet `baseSequence + i` of the `count` reported arrived at `arrivalUs[i]` on the peer's clock, or never
 * if that is NaN. Sequence numbers and times are unwrapped across packets. Allocates 72 KiB
 * with the first packet and nothing after it.
 */
export class TransportFeedbackReader {
  baseSequence = 0;
  count = 0;
  received = 0;
  /** Runs through 0 to 255 with the feedback packets themselves; a gap is a lost one. */
  feedbackCount = 0;
  /** Only the first `count` are of this packet. */
  arrivalUs = new Float64Array(0);
  private symbols = new Uint8Array(0);
  private started = false;
  private reference = 0;

  /** False: malformed; the fields are then meaningless, and what was unwrapped stays as it was. */
  read(content: Uint8Array): boolean {
    if (content.length < 8) return false;
    const base = readU16(content, 0);
    const count = readU16(content, 2);
    if (count === 0 || count > MAX_STATUSES) return false;
    if (this.symbols.length === 0) this.allocate();
    const deltasAt = this.readChunks(content, count);
    if (deltasAt < 0) return false;
    const reference = this.unwrapReference(readU24(content, 4));
    if (!this.readDeltas(content, deltasAt, count, reference)) return false;
    this.baseSequence = this.started
      ? this.baseSequence + sequenceDifference(base, this.baseSequence & 0xffff)
      : base;
    this.reference = reference;
    this.feedbackCount = content[7];
    this.count = count;
    this.started = true;
    return true;
  }

  private allocate(): void {
    this.arrivalUs = new Float64Array(MAX_STATUSES);
    this.symbols = new Uint8Array(MAX_STATUSES);
  }

  /** A signed 24-bit count that wraps after twelve days. */
  private unwrapReference(low: number): number {
    if (!this.started) return (low << 8) >> 8;
    return this.reference + (((low - this.reference) << 8) >> 8);
  }

  /** Fills `symbols`; returns where the deltas begin, -1 when the chunks end too soon. */
  private readChunks(content: Uint8Array, count: number): number {
    let at = 8;
    let done = 0;
    while (done < count) {
      if (at + 2 > content.length) return -1;
      const chunk = readU16(content, at);
      at += 2;
      done = (chunk & 0x8000) === 0 ? this.readRun(chunk, done, count) : this.readVector(chunk, done, count);
    }
    return at;
  }

  /** §3.1.3: a symbol and how often it repeats. */
  private readRun(chunk: number, done: number, count: number): number {
    const end = Math.min(done + (chunk & 0x1fff), count);
    this.symbols.fill((chunk >> 13) & 3, done, end);
    return end;
  }

  /** §3.1.4: fourteen symbols of one bit or seven of two. */
  private readVector(chunk: number, done: number, count: number): number {
    const twoBit = (chunk & 0x4000) !== 0;
    const end = Math.min(done + (twoBit ? 7 : 14), count);
    for (let i = done, k = 0; i < end; i++, k++)
      this.symbols[i] = twoBit ? (chunk >> (12 - 2 * k)) & 3 : (chunk >> (13 - k)) & 1;
    return end;
  }

  private readDeltas(content: Uint8Array, start: number, count: number, reference: number): boolean {
    let at = start;
    let timeUs = reference * REFERENCE_UNIT_US;
    this.received = 0;
    for (let i = 0; i < count; i++) {
      this.arrivalUs[i] = Number.NaN;
      const symbol = this.symbols[i];
      // The reserved symbol has no delta; nothing is known of its packet.
      if (symbol === Symbol2.notReceived || symbol === Symbol2.reserved) continue;
      if (at + symbol > content.length) return false;
      const delta = symbol === Symbol2.smallDelta ? content[at] : (readU16(content, at) << 16) >> 16;
      at += symbol;
      timeUs += delta * DELTA_UNIT_US;
      this.arrivalUs[i] = timeUs;
      this.received++;
    }
    return true;
  }
}
