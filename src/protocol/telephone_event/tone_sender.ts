import type { TelephoneEvent } from "./telephone_event.js";

/** RFC 4733 §2.5.1.2: an update this often. */
const UPDATE_US = 20_000;
/** RFC 4733 §2.5.1.4: the last packet is sent three times. */
const END_PACKETS = 3;

/**
 * When the packets of one tone are due, and what they say (RFC 4733 §2.5.1). All of them carry the timestamp of the tone's
 * beginning; sound is not sent meanwhile. Sans-IO.
 */
export class ToneSender {
  /** What the packet due now says. */
  readonly packet: TelephoneEvent = { event: 0, isEnd: false, duration: 0 };
  /** It is the first of its tone: the RTP marker is set. */
  isFirst = false;
  #startUs = 0;
  #endUs = 0;
  #dueUs = Number.POSITIVE_INFINITY;
  #endsSent = 0;

  /** A tone ended, or began while another sounded, before this one: that one is cut short. */
  start(event: number, durationUs: number, nowUs: number): void {
    this.packet.event = event;
    this.packet.isEnd = false;
    this.isFirst = true;
    this.#startUs = nowUs;
    this.#endUs = nowUs + durationUs;
    this.#dueUs = Math.min(nowUs + UPDATE_US, this.#endUs);
    this.#endsSent = 0;
  }

  get isActive(): boolean {
    return this.#dueUs !== Number.POSITIVE_INFINITY;
  }

  /** Infinity: nothing is to be sent. */
  nextDeadlineUs(): number {
    return this.#dueUs;
  }

  /** Fills {@link packet} when one is due; call {@link sent} once it is sent. */
  poll(nowUs: number, clockRate: number): boolean {
    if (nowUs < this.#dueUs) return false;
    const untilUs = Math.min(this.#dueUs, this.#endUs);
    this.packet.isEnd = untilUs === this.#endUs;
    this.packet.duration = Math.round(((untilUs - this.#startUs) * clockRate) / 1e6);
    return true;
  }

  sent(): void {
    this.isFirst = false;
    const nextUs = this.#dueUs + UPDATE_US;
    if (!this.packet.isEnd) this.#dueUs = Math.min(nextUs, this.#endUs);
    else this.#dueUs = ++this.#endsSent < END_PACKETS ? nextUs : Number.POSITIVE_INFINITY;
  }
}
