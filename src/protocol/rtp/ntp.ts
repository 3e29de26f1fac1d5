/**
 * NTP timestamps (RFC 3550 §4) as pairs of 32-bit words: seconds since 1900 and a fraction of 2^-32 s. Between them and
 * "Unix µs" (a number; a quarter of a microsecond fine today) no bigint is made.
 */

/** Seconds from 1 January 1900 to 1 January 1970. */
export const UNIX_EPOCH_IN_NTP = 2208988800;
const TWO_32 = 4294967296;

/** A mutable NTP timestamp. */
export interface NtpTime {
  seconds: number;
  fraction: number;
}

/** Writes the NTP form of `unixUs` into `into`. */
export function unixUsToNtp(unixUs: number, into: NtpTime): void {
  const wholeSeconds = Math.floor(unixUs / 1e6);
  // Rounding may reach 2^32 only for a fraction above 1 - 2^-33, which doubles of this size cannot hold.
  into.fraction = Math.round(((unixUs - wholeSeconds * 1e6) * TWO_32) / 1e6) >>> 0;
  into.seconds = (wholeSeconds + UNIX_EPOCH_IN_NTP) % TWO_32;
}

/** Unix µs of an NTP timestamp; the era is the one that puts it between 1968 and 2104 (RFC 4330 §3). */
export function ntpToUnixUs(seconds: number, fraction: number): number {
  const era = seconds < 0x80000000 ? TWO_32 : 0;
  return (seconds + era - UNIX_EPOCH_IN_NTP) * 1e6 + (fraction * 1e6) / TWO_32;
}

/** The middle 32 bits, 16.16 s, as LSR, DLSR and reports use them (RFC 3550 §4). */
export function compactNtp(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}

/** A duration of 16.16 s in µs. */
export function compactToUs(compact: number): number {
  return (compact * 1e6) / 65536;
}

/** A duration in µs as 16.16 s, at most 2^32 - 1. */
export function usToCompact(us: number): number {
  return Math.min(Math.max(Math.round((us * 65536) / 1e6), 0), 0xffffffff);
}

/**
 * The wall clock as the sender reports see it: monotonic time plus an offset taken once, so that stepping the system's
 * clock does not tear a call's timeline. Give the offset `unix µs now - monotonic µs now`.
 */
export class WallClock {
  constructor(private readonly offsetUs: number) {}

  unixUs(nowUs: number): number {
    return nowUs + this.offsetUs;
  }

  monotonicUs(unixUs: number): number {
    return unixUs - this.offsetUs;
  }

  ntp(nowUs: number, into: NtpTime): void {
    unixUsToNtp(nowUs + this.offsetUs, into);
  }
}
