import type { ExtendedReportBlock } from "../../protocol/rtcp/packets.js";
import { compactNtp, usToCompact } from "../../protocol/rtp/ntp.js";

type Dlrr = Extract<ExtendedReportBlock, { type: "dlrr" }>;

/** The peer's sources that may ask at once. */
const MOST_SOURCES = 16;

/** Receivers' reference times that came (RFC 3611 §4.4), until the next report answers them (§4.5). */
export class ReceiverReferences {
  readonly #bySource = new Map<number, { readonly lastRr: number; readonly receivedUs: number }>();

  note(ssrc: number, ntpSeconds: number, ntpFraction: number, nowUs: number): void {
    if (this.#bySource.size >= MOST_SOURCES && !this.#bySource.has(ssrc)) return;
    this.#bySource.set(ssrc, { lastRr: compactNtp(ntpSeconds, ntpFraction), receivedUs: nowUs });
  }

  /** The answer to all that have asked since the last one; undefined: nobody has. */
  takeAnswer(nowUs: number): Dlrr | undefined {
    if (this.#bySource.size === 0) return undefined;
    const entries = [...this.#bySource].map(([ssrc, { lastRr, receivedUs }]) => ({
      ssrc,
      lastRr,
      delaySinceLastRr: usToCompact(nowUs - receivedUs),
    }));
    this.#bySource.clear();
    return { type: "dlrr", entries };
  }
}
