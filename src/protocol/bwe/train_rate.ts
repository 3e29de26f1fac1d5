/** Packets of a train that says anything, at least. */
export const TRAIN_PACKETS = 4;
/** And how long it takes to leave. */
const LEAST_US = 4_000;

/**
 * What a path carries for a moment, from trains: packets that leave close behind one another, faster than the mean rate (as
 * draft-ietf-rmcat-gcc-02 §4 lets pictures leave). They arrive as they were sent, or as fast as the path lets them through. Allocates nothing.
 */
export class TrainRate {
  /** By the last train, bits a second: no more than it was sent at. 0: there was none. */
  rateBps = 0;
  /** When the last train left, µs. */
  atUs = Number.NEGATIVE_INFINITY;
  #train = 0;
  #packets = 0;
  #bytes = 0;
  #firstBytes = 0;
  /** Of those that left with the newest. */
  #newestBytes = 0;
  #firstSentUs = 0;
  #sentUs = 0;
  #firstArrivedUs = 0;
  #arrivedUs = 0;

  /**
   * One packet that arrived, in the order of sending. The clocks may differ.
   * @param train which train it was part of; 0: of none
   */
  handlePacket(train: number, sentUs: number, arrivedUs: number, bytes: number): void {
    if (train === 0) return;
    if (train !== this.#train) {
      this.#finish();
      this.#begin(train, sentUs, arrivedUs, bytes);
      return;
    }
    this.#newestBytes = (sentUs > this.#sentUs ? 0 : this.#newestBytes) + bytes;
    this.#packets++;
    this.#bytes += bytes;
    this.#sentUs = sentUs;
    this.#arrivedUs = Math.max(this.#arrivedUs, arrivedUs);
  }

  /** A packet of a train did not arrive: how long the rest took says nothing. */
  handleLoss(train: number): void {
    if (train === 0) return;
    if (train !== this.#train) this.#finish();
    this.#train = train;
    this.#packets = Number.NEGATIVE_INFINITY;
  }

  #begin(train: number, sentUs: number, arrivedUs: number, bytes: number): void {
    this.#train = train;
    this.#packets = 1;
    this.#bytes = this.#firstBytes = this.#newestBytes = bytes;
    this.#firstSentUs = this.#sentUs = sentUs;
    this.#firstArrivedUs = this.#arrivedUs = arrivedUs;
  }

  #finish(): void {
    const leftUs = this.#sentUs - this.#firstSentUs;
    if (this.#packets < TRAIN_PACKETS || leftUs < LEAST_US) return;
    const sentBps = (8e6 * (this.#bytes - this.#newestBytes)) / leftUs;
    const arrivedBps = (8e6 * (this.#bytes - this.#firstBytes)) / (this.#arrivedUs - this.#firstArrivedUs);
    // Packets that were gathered on the way arrive faster than they were sent.
    this.rateBps = arrivedBps > 0 ? Math.min(sentBps, arrivedBps) : sentBps;
    this.atUs = this.#sentUs;
  }
}
