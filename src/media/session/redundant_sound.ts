import { RedReader } from "../../protocol/red/red.js";
import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";

/** Packets remembered: a block reaches 341 ms back at 48 kHz (RFC 2198 §3), in packets of 10 ms 35. */
const REMEMBERED = 64;
const NONE = -1;

/**
 * Which blocks of received RED packets (RFC 2198) fill a hole. A block says when it was spoken, not as which packet it went out: one
 * stands for the packet as many numbers before as it has blocks behind it, unless that number or that time is known to have come.
 */
export class RedundantSound {
  readonly reader = new RedReader();
  readonly #sequences = new Int32Array(REMEMBERED).fill(NONE);
  readonly #timestamps = new Float64Array(REMEMBERED).fill(NONE);
  #started = false;

  /** A packet of sound came, by itself or out of another. */
  note(sequenceNumber: number, timestamp: number): void {
    const at = sequenceNumber % REMEMBERED;
    this.#sequences[at] = sequenceNumber;
    this.#timestamps[at] = timestamp;
    this.#started = true;
  }

  /** Another source begins. */
  reset(): void {
    this.#sequences.fill(NONE);
    this.#timestamps.fill(NONE);
    this.#started = false;
  }

  /** Makes `into` the head of the packet that a block of the one that `header` describes repeats; false: there is no need of it. */
  find(block: number, header: RtpHeader, into: RtpHeader): boolean {
    const { reader } = this;
    const sequenceNumber = (header.sequenceNumber - (reader.count - 1 - block)) & 0xffff;
    const timestamp = (header.timestamp - reader.timestampOffset(block)) >>> 0;
    // What went before the first packet was not lost.
    if (!this.#started || reader.length(block) === 0 || this.#isKnown(sequenceNumber, timestamp))
      return false;
    into.marker = false;
    into.payloadType = reader.payloadType(block);
    into.sequenceNumber = sequenceNumber;
    into.timestamp = timestamp;
    into.ssrc = header.ssrc;
    into.payloadOffset = reader.offset(block);
    into.payloadLength = reader.length(block);
    return true;
  }

  #isKnown(sequenceNumber: number, timestamp: number): boolean {
    return (
      this.#sequences[sequenceNumber % REMEMBERED] === sequenceNumber || this.#timestamps.includes(timestamp)
    );
  }
}
