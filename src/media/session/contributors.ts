/** Who was mixed into what a stream brought (RFC 3550 §5.1), as the receiver's thread notes it and the main thread reads it. */
import type { RtpHeader } from "../../protocol/rtp/rtp_header.js";
import type { Contributor } from "../transport_api.js";

/** As many as one packet may name, and one more. */
const CONTRIBUTORS = 16;

const Word = {
  ssrc: 0,
  rtpTimestamp: 1,
  /** Monotonic; 0: the entry is empty. */
  receivedUs: 2,
  words: 3,
} as const;

export const CONTRIBUTOR_WORDS = CONTRIBUTORS * Word.words;

/** Notes those that a packet names in the table that begins at `base`; each stays until later ones have taken its place. */
export function noteContributors(
  counters: Float64Array,
  base: number,
  bytes: Uint8Array,
  header: RtpHeader,
  arrivalUs: number,
): void {
  for (let i = 0; i < header.csrcCount; i++) {
    const ssrc = header.csrc(bytes, i);
    const at = entryFor(counters, base, ssrc);
    counters[at + Word.ssrc] = ssrc;
    counters[at + Word.rtpTimestamp] = header.timestamp;
    counters[at + Word.receivedUs] = arrivalUs;
  }
}

/** Its own, or that of whom was named longest ago. */
function entryFor(counters: Float64Array, base: number, ssrc: number): number {
  let oldest = base;
  for (let i = 0; i < CONTRIBUTORS; i++) {
    const at = base + i * Word.words;
    const receivedUs = counters[at + Word.receivedUs];
    if (receivedUs > 0 && counters[at + Word.ssrc] === ssrc) return at;
    if (receivedUs < counters[oldest + Word.receivedUs]) oldest = at;
  }
  return oldest;
}

/** The latest first. */
export function readContributors(counters: Float64Array, base: number): Contributor[] {
  const entries = Array.from({ length: CONTRIBUTORS }, (_, i) => {
    const at = base + i * Word.words;
    return {
      ssrc: counters[at + Word.ssrc],
      rtpTimestamp: counters[at + Word.rtpTimestamp],
      receivedUs: counters[at + Word.receivedUs],
    };
  });
  return entries.filter(({ receivedUs }) => receivedUs > 0).sort((a, b) => b.receivedUs - a.receivedUs);
}
