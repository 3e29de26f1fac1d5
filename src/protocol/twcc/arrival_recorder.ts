import { writeU16, writeU24 } from "../primitives/bytes.js";
import { FeedbackFormat, RtcpType } from "../rtcp/packets.js";
import type { RtcpWriter } from "../rtcp/writer.js";
import { SequenceGate } from "../rtp/sequence_gate.js";
import { DELTA_UNIT_US, REFERENCE_UNIT_US, Symbol2 } from "./feedback_reader.js";

export interface ArrivalRecorderOptions {
  /** Time between feedback packets; 50 ms by default. May be changed on the recorder. */
  readonly intervalUs?: number;
  /** Packets remembered at most, a power of two; 4096 by default. */
  readonly capacity?: number;
}

const VACANT = Number.NEGATIVE_INFINITY;
/** 12 bytes of RTCP feedback head and 8 of the message's own. */
const HEAD_BYTES = 20;
const RUN_SYMBOLS = 8191;

/**
 * Keeps the arrival of every packet that carries a transport-wide sequence number and writes the feedback about them
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01). `handlePacket()` for each; at `nextDeadlineUs()` call `write()` until it
 * is false, with a fresh `RtcpWriter` buffer each time: one feedback packet a call. Allocates with the first
 * packet (76 KiB by default), since many transports may lie open without one, and nothing after it.
 */
export class ArrivalRecorder {
  intervalUs: number;
  private readonly capacity: number;
  private readonly mask: number;
  private seqs = new Float64Array(0);
  private arrivals = new Float64Array(0);
  private readonly gate: SequenceGate;
  private symbols = new Uint8Array(0);
  private deltas = new Int16Array(0);
  /** First sequence number the next feedback reports; NaN: nothing new. */
  private next = Number.NaN;
  /** First one never reported. */
  private fresh = Number.NaN;
  private feedbackCount = 0;
  private dueUs = Number.POSITIVE_INFINITY;

  constructor(options: ArrivalRecorderOptions = {}) {
    this.intervalUs = options.intervalUs ?? 50_000;
    this.capacity = options.capacity ?? 4096;
    if ((this.capacity & (this.capacity - 1)) !== 0 || this.capacity > 8192)
      throw new RangeError(`ArrivalRecorder capacity ${this.capacity}: must be a power of two up to 8192`);
    this.mask = this.capacity - 1;
    this.gate = new SequenceGate(this.capacity);
  }

  /** Notes an arrival; duplicates and numbers from far off do not count. */
  handlePacket(transportSequence: number, arrivalUs: number): void {
    const seq = this.gate.admit(transportSequence);
    if (Number.isNaN(seq)) return;
    if (this.seqs.length === 0) this.allocate();
    if (this.gate.restarted) {
      this.seqs.fill(VACANT);
      this.next = Number.NaN;
      this.fresh = seq;
    }
    const i = seq & this.mask;
    if (this.seqs[i] === seq) return;
    this.seqs[i] = seq;
    this.arrivals[i] = arrivalUs;
    // One that was reported missing is reported again, with what followed it.
    if (Number.isNaN(this.next)) this.next = Math.min(seq, this.fresh);
    else if (seq < this.next) this.next = seq;
    if (this.dueUs === Number.POSITIVE_INFINITY) this.dueUs = arrivalUs + this.intervalUs;
  }

  nextDeadlineUs(): number {
    return this.dueUs;
  }

  private allocate(): void {
    this.seqs = new Float64Array(this.capacity).fill(VACANT);
    this.arrivals = new Float64Array(this.capacity);
    this.symbols = new Uint8Array(this.capacity);
    this.deltas = new Int16Array(this.capacity);
  }

  /**
   * Appends one feedback packet to `writer`. True: there may be more to report, call again with an emptied writer. False:
   * nothing was left to write, or the writer had no room for a single status.
   */
  write(writer: RtcpWriter, senderSsrc: number, mediaSsrc: number, nowUs: number): boolean {
    const first = this.firstToReport();
    if (Number.isNaN(first)) {
      this.dueUs = Number.POSITIVE_INFINITY;
      return false;
    }
    const came = this.firstThatCame(first);
    const reference = Math.floor(this.arrivals[came & this.mask] / REFERENCE_UNIT_US);
    const room = Math.min(writer.buffer.length - writer.length, 0xffff) & ~3;
    const count = this.collect(first, reference, room - HEAD_BYTES);
    if (count === 0) return this.passMissing(first, came, nowUs);
    this.encode(writer, senderSsrc, mediaSsrc, first, count, reference);
    this.next = first + count;
    this.fresh = Math.max(this.fresh, this.next);
    this.dueUs = nowUs + this.intervalUs;
    if (this.next > this.gate.highest) {
      this.next = Number.NaN;
      this.dueUs = Number.POSITIVE_INFINITY;
    }
    return true;
  }

  /** More is missing before the first that came than a message has room for: of those nothing is said. */
  private passMissing(first: number, came: number, nowUs: number): boolean {
    this.next = came;
    this.dueUs = nowUs + this.intervalUs;
    return came > first;
  }

  private firstToReport(): number {
    if (Number.isNaN(this.next)) return Number.NaN;
    return Math.max(this.next, this.gate.highest - this.capacity + 1);
  }

  private has(seq: number): boolean {
    return this.seqs[seq & this.mask] === seq;
  }

  private firstThatCame(first: number): number {
    let seq = first;
    while (!this.has(seq)) seq++;
    return seq;
  }

  /** Fills symbols and deltas from `first` on, as far as deltas fit 16 bits and everything fits `room` bytes; returns how many. */
  private collect(first: number, reference: number, room: number): number {
    let ticks = reference * (REFERENCE_UNIT_US / DELTA_UNIT_US);
    let deltaBytes = 0;
    let count = 0;
    for (let seq = first; seq <= this.gate.highest && count < this.capacity; seq++) {
      let symbol: number = Symbol2.notReceived;
      let delta = 0;
      if (this.has(seq)) {
        // Rounded against the absolute grid, so errors do not add up.
        delta = Math.round(this.arrivals[seq & this.mask] / DELTA_UNIT_US) - ticks;
        if (delta < -32768 || delta > 32767) break;
        symbol = delta >= 0 && delta <= 255 ? Symbol2.smallDelta : Symbol2.largeDelta;
      }
      // At worst seven statuses a chunk.
      if (2 * Math.ceil((count + 1) / 7) + deltaBytes + symbol > room) break;
      ticks += delta;
      deltaBytes += symbol;
      this.symbols[count] = symbol;
      this.deltas[count++] = delta;
    }
    return this.trimTail(count);
  }

  /** Missing packets at the end may still come; they belong to the next feedback. */
  private trimTail(count: number): number {
    let end = count;
    while (end > 0 && this.symbols[end - 1] === Symbol2.notReceived) end--;
    return end;
  }

  private encode(
    writer: RtcpWriter,
    senderSsrc: number,
    mediaSsrc: number,
    first: number,
    count: number,
    reference: number,
  ): void {
    const { buffer, length: head } = writer;
    const content = head + 12;
    let at = this.writeChunks(buffer, content + 8, count);
    at = this.writeDeltas(buffer, at, count);
    while ((at - head) % 4 !== 0) buffer[at++] = 0;
    writer.feedbackHead(RtcpType.rtpfb, FeedbackFormat.transportCc, senderSsrc, mediaSsrc, at - content);
    writeU16(buffer, content, first);
    writeU16(buffer, content + 2, count);
    writeU24(buffer, content + 4, reference);
    buffer[content + 7] = this.feedbackCount++;
  }

  private writeChunks(buffer: Uint8Array, start: number, count: number): number {
    let at = start;
    for (let i = 0; i < count; at += 2) {
      const run = this.runLength(i, count);
      const oneBit = this.oneBitLength(i, count);
      // A run pays where no vector would reach as far.
      if (run >= 14 || run >= count - i || (run >= 7 && oneBit < 14)) {
        writeU16(buffer, at, (this.symbols[i] << 13) | run);
        i += run;
      } else if (oneBit >= 14 || oneBit >= count - i) {
        writeU16(buffer, at, this.vector(i, Math.min(14, count - i), 1));
        i += 14;
      } else {
        writeU16(buffer, at, this.vector(i, Math.min(7, count - i), 2));
        i += 7;
      }
    }
    return at;
  }

  private runLength(from: number, count: number): number {
    let end = from + 1;
    while (end < count && end - from < RUN_SYMBOLS && this.symbols[end] === this.symbols[from]) end++;
    return end - from;
  }

  /** How many of the next 14 symbols fit one bit. */
  private oneBitLength(from: number, count: number): number {
    let end = from;
    while (end < count && end - from < 14 && this.symbols[end] <= Symbol2.smallDelta) end++;
    return end - from;
  }

  private vector(from: number, symbols: number, bits: 1 | 2): number {
    let chunk = bits === 2 ? 0xc000 : 0x8000;
    for (let k = 0; k < symbols; k++) chunk |= this.symbols[from + k] << (14 - bits * (k + 1));
    return chunk;
  }

  private writeDeltas(buffer: Uint8Array, start: number, count: number): number {
    let at = start;
    for (let i = 0; i < count; i++) {
      if (this.symbols[i] === Symbol2.smallDelta) buffer[at++] = this.deltas[i];
      else if (this.symbols[i] === Symbol2.largeDelta) {
        writeU16(buffer, at, this.deltas[i]);
        at += 2;
      }
    }
    return at;
  }
}
