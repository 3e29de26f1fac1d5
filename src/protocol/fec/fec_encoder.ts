import { copyBytes, readU16 } from "../primitives/bytes.js";
import { sequenceDifference } from "../rtp/unwrap.js";
import { type FecFormat, MAX_FEC_HEAD_BYTES, MAX_PROTECTED, writeFecHead } from "./fec_format.js";
import { XorSum } from "./xor_sum.js";

/**
 * Makes parity packets of a stream (RFC 5109, RFC 8627): `add()` RTP packets as they are sent, unprotected, then `finish()` writes
 * the RTP payload that repairs the loss of any one of them. Allocates nothing after construction.
 */
export class FecEncoder {
  /** Packets added since the last {@link finish}. */
  count = 0;
  readonly #format: FecFormat;
  readonly #sum: XorSum;
  readonly #sequences: Uint16Array;

  constructor(format: FecFormat, maxPacketBytes: number) {
    this.#format = format;
    this.#sum = new XorSum(maxPacketBytes);
    this.#sequences = new Uint16Array(MAX_PROTECTED[format]);
  }

  /** False: the packet does not fit beside those before it (too long, out of order, or too far off); finish them first. */
  add(buf: Uint8Array, offset: number, length: number): boolean {
    const sequence = readU16(buf, offset + 2);
    if (!this.#sum.takes(length) || !this.#follows(sequence)) return false;
    this.#sequences[this.count++] = sequence;
    this.#sum.addPacket(buf, offset, length);
    return true;
  }

  #follows(sequence: number): boolean {
    if (this.count === 0) return true;
    const behindFirst = sequenceDifference(sequence, this.#sequences[0]);
    const behindLast = sequenceDifference(sequence, this.#sequences[this.count - 1]);
    return behindLast > 0 && behindFirst > 0 && behindFirst < MAX_PROTECTED[this.#format];
  }

  /** Forgets what was added. */
  clear(): void {
    if (this.count === 0) return;
    this.count = 0;
    this.#sum.clear();
  }

  /** Writes the payload at `target[offset…]` and begins anew; its bytes, 0 when nothing was added or there is no room. */
  finish(target: Uint8Array, offset: number): number {
    const sum = this.#sum;
    const { count } = this;
    this.count = 0;
    if (count === 0 || offset + MAX_FEC_HEAD_BYTES + sum.longest > target.length) {
      sum.clear();
      return 0;
    }
    const head = writeFecHead(this.#format, sum, this.#sequences, count, target, offset);
    copyBytes(sum.bytes, 0, target, offset + head, sum.longest);
    const bytes = head + sum.longest;
    sum.clear();
    return bytes;
  }
}
