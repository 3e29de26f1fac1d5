import type { IceCandidateType, IceTcpType } from "./candidate.js";

/** RFC 8445 §5.1.2.2 recommends these. */
export const TYPE_PREFERENCE: Readonly<Record<IceCandidateType, number>> = {
  host: 126,
  prflx: 110,
  srflx: 100,
  relay: 0,
};

/**
 * RFC 8445 §5.1.2.1 for component 1.
 * @param localPreference - 0 to 65535.
 */
export function candidatePriority(type: IceCandidateType, localPreference: number): number {
  return TYPE_PREFERENCE[type] * 2 ** 24 + localPreference * 2 ** 8 + 255;
}

/**
 * Local preference of the `nth` (from 0) host address of a family. RFC 8421 §4: IPv6 first, but the families take
 * turns, so that a broken one does not delay the other.
 */
export function localPreference(family: 4 | 6, nth: number): number {
  return Math.max(0, 65535 - 2 * nth - (family === 6 ? 0 : 1));
}

/**
 * Type preferences of TCP: below every direct UDP candidate's, since one lost segment holds up all that follow it (RFC 6544
 * §4.2); the same numbers that browsers use.
 */
const TCP_TYPE_PREFERENCE = { host: 90, prflx: 80 } as const;
/** RFC 6544 §4.2. */
const DIRECTION_PREFERENCE: Readonly<Record<IceTcpType, number>> = { active: 6, passive: 4, so: 2 };

/** RFC 6544 §4.2: 2^13 times the direction's preference, and one below that for each address. */
export function tcpLocalPreference(tcpType: IceTcpType, family: 4 | 6, nth: number): number {
  return 8192 * DIRECTION_PREFERENCE[tcpType] + Math.max(0, 8191 - 2 * nth - (family === 6 ? 0 : 1));
}

export function tcpCandidatePriority(type: "host" | "prflx", localPreference: number): number {
  return TCP_TYPE_PREFERENCE[type] * 2 ** 24 + localPreference * 2 ** 8 + 255;
}

/** RFC 8445 §6.1.2.3: `controlling` is the controlling agent's candidate's priority. Up to 2^63, hence a bigint. */
export function pairPriority(controlling: number, controlled: number): bigint {
  const low = BigInt(Math.min(controlling, controlled));
  const high = BigInt(Math.max(controlling, controlled));
  return (low << 32n) + 2n * high + (controlling > controlled ? 1n : 0n);
}
