import { sequenceDifference } from "./unwrap.js";

/**
 * Extends sequence numbers and keeps a stream's window from being dragged off: as RFC 3550 A.1 has it, one number far
 * from the rest may be an accident, two in a row are a sender that started over. `admit()` every packet's number.
 */
export class SequenceGate {
  started = false;
  /** Highest extended number admitted. */
  highest = 0;
  /** The last `admit` began the stream, or began it anew. */
  restarted = false;
  /** What a jump has to be continued by; -1: none pending. */
  private expected = -1;

  /** Numbers `window` or more away from the highest count as far. */
  constructor(private readonly window: number) {}

  /** The extended number, NaN when the packet is to be refused. */
  admit(sequenceNumber: number): number {
    this.restarted = !this.started;
    if (!this.started) return this.restartAt(sequenceNumber);
    const delta = sequenceDifference(sequenceNumber, this.highest & 0xffff);
    const extended = this.highest + delta;
    if (Math.abs(delta) < this.window) {
      this.expected = -1;
      if (delta > 0) this.highest = extended;
      return extended;
    }
    if (sequenceNumber !== this.expected) {
      this.expected = (sequenceNumber + 1) & 0xffff;
      return Number.NaN;
    }
    this.restarted = true;
    return this.restartAt(extended);
  }

  private restartAt(extended: number): number {
    this.started = true;
    this.highest = extended;
    this.expected = -1;
    return extended;
  }
}
