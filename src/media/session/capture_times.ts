import { readAbsCaptureTime, readCaptureClockOffsetUs } from "../../protocol/rtp/header_extensions.js";
import { ntpToUnixUs } from "../../protocol/rtp/ntp.js";
import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import { ReceiveCounters } from "./stream_counters.js";

/** Senders tell it once a second or so; RTP time says the rest for so long. */
const LONGEST_GAP_US = 5_000_000;

/** When the packets of a stream were captured, by abs-capture-time: as the capturer's clock had it, however many were in between. */
export class CaptureTimes {
  #rtpTimestamp = 0;
  /** By the capturer's clock; 0: nothing was told. */
  #unixUs = 0;
  /** The capturer's clock minus the sender's; NaN: it was not told. */
  #offsetUs = Number.NaN;

  /** @param id of the extension */
  note(bytes: Uint8Array, header: RtpHeader, id: number, clockRate: number, counters: Float64Array): void {
    const seconds = readAbsCaptureTime(bytes, header, id, 0);
    if (seconds >= 0) {
      this.#rtpTimestamp = header.timestamp;
      this.#unixUs = ntpToUnixUs(seconds, readAbsCaptureTime(bytes, header, id, 1));
      this.#offsetUs = readCaptureClockOffsetUs(bytes, header, id);
    }
    const sinceUs = (((header.timestamp - this.#rtpTimestamp) | 0) * 1e6) / clockRate;
    const isKnown = this.#unixUs !== 0 && Math.abs(sinceUs) <= LONGEST_GAP_US;
    counters[ReceiveCounters.captureUnixUs] = isKnown ? this.#unixUs + sinceUs : 0;
    counters[ReceiveCounters.captureOffsetUs] = isKnown ? this.#offsetUs : Number.NaN;
  }
}
