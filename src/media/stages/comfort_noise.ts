/**
 * Noise as a peer describes it (RFC 3389 §3): its level in -dBov. What the payload says of its colour is passed over: white noise
 * comforts as well.
 */
export class ComfortNoise {
  /** Largest sample; 0: none is wanted. */
  #peak = 0;
  #state = 0x2545f491;

  /** A payload of the peer's. */
  set(payload: Uint8Array): void {
    const level = payload.length > 0 ? payload[0] & 0x7f : 127;
    // Evenly spread samples have a root mean square of peak/√3.
    this.#peak = Math.min(32767, Math.sqrt(3) * 32768 * 10 ** (-level / 20));
  }

  /** Sound has come again. */
  stop(): void {
    this.#peak = 0;
  }

  get isWanted(): boolean {
    return this.#peak >= 1;
  }

  fill(pcm: Int16Array, count: number): void {
    for (let i = 0; i < count; i++) {
      // Marsaglia's xorshift: nothing hangs on its quality.
      this.#state ^= this.#state << 13;
      this.#state ^= this.#state >>> 17;
      this.#state ^= this.#state << 5;
      pcm[i] = (this.#state / 2 ** 31) * this.#peak;
    }
  }
}
