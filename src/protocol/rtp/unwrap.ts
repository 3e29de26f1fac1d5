/**
 * Numbers that wrap on the wire, made to count on.
 */

/** `a - b` for 16-bit sequence numbers, -32768 to 32767. */
export function sequenceDifference(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** `a - b` for 32-bit timestamps, -2^31 to 2^31 - 1. */
export function timestampDifference(a: number, b: number): number {
  return (a - b) | 0;
}

/**
 * Extends 32-bit RTP timestamps: each is taken as the nearest to the one before. Starts at the first one seen, so
 * one that was overtaken by the very first may come out negative.
 */
export class TimestampUnwrapper {
  private last = 0;
  private started = false;

  unwrap(timestamp: number): number {
    this.last = this.peek(timestamp);
    this.started = true;
    return this.last;
  }

  /** What `unwrap` would give, without moving on. */
  peek(timestamp: number): number {
    if (!this.started) return timestamp;
    // The remainder of a double, not `>>> 0` alone: extended values leave the integer range.
    const low = ((this.last % 4294967296) + 4294967296) % 4294967296;
    return this.last + timestampDifference(timestamp, low);
  }

  reset(): void {
    this.started = false;
    this.last = 0;
  }
}
