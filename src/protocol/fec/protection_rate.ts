/** Below this share of loss nothing is protected: repetitions cost less. */
const LEAST_LOSS = 0.01;
/** A repetition that comes within this time is soon enough; protecting begins above the one and ends below the other. */
const SLOW_RTT_US = 60_000;
const FAST_RTT_US = 40_000;
/** Packets that one parity packet is for. */
const FEWEST_PACKETS = 3;
const MOST_PACKETS = 24;

/**
 * How much parity a stream is worth (RFC 5109 §10.2 leaves it to the sender): none without loss, none where repetitions are quick, else one
 * packet for half as many as are sent between two losses. Sans-IO; tell it of each report.
 */
export class ProtectionRate {
  /** Packets that share a parity packet; 0: none is made. */
  packets = 0;
  #loss = 0;
  #isSlow = false;

  /** @param canRepeat whether the peer asks for what is missing */
  constructor(private readonly canRepeat: boolean) {}

  /** What the peer reports as lost since its last report, 0 to 1, and the round trip. */
  handleReport(fractionLost: number, rttUs: number): void {
    // Up by half of the way at once, down slowly: the next burst comes sooner than the mean says.
    this.#loss += (fractionLost - this.#loss) * (fractionLost > this.#loss ? 0.5 : 0.2);
    this.#isSlow = rttUs > (this.#isSlow ? FAST_RTT_US : SLOW_RTT_US);
    const isWorth = this.#loss >= LEAST_LOSS && (this.#isSlow || !this.canRepeat);
    const packets = Math.round(1 / (2 * Math.max(this.#loss, LEAST_LOSS)));
    this.packets = isWorth ? Math.min(Math.max(packets, FEWEST_PACKETS), MOST_PACKETS) : 0;
  }

  /** Of what is sent, the share that is parity. */
  get share(): number {
    return this.packets === 0 ? 0 : 1 / (this.packets + 1);
  }
}
