/** Keys of a telephone as RTP payload (RFC 4733 §2.3). */

export const TELEPHONE_EVENT_BYTES = 4;

/** Keys by event code (RFC 4733 §3.2). */
const KEYS = "0123456789*#ABCD";
/** -10 dBm0, as loud as telephones are. */
const VOLUME = 10;

export interface TelephoneEvent {
  /** 0 to 15: keys; others are no keys. */
  event: number;
  /** The event is over: the duration is its whole one. */
  isEnd: boolean;
  /** In units of the RTP clock, since the packet's timestamp. */
  duration: number;
}

/** A key's event code; -1: there is no such key. */
export function eventOfKey(key: string): number {
  return key.length === 1 ? KEYS.indexOf(key) : -1;
}

/** The key of an event code; undefined: it is none. */
export function keyOfEvent(event: number): string | undefined {
  return KEYS[event];
}

export function writeTelephoneEvent(buf: Uint8Array, offset: number, of: Readonly<TelephoneEvent>): void {
  buf[offset] = of.event;
  buf[offset + 1] = (of.isEnd ? 0x80 : 0) | VOLUME;
  const duration = Math.min(of.duration, 0xffff);
  buf[offset + 2] = duration >> 8;
  buf[offset + 3] = duration & 0xff;
}

/** Reads the first event of a payload into `into`; false: it is too short. */
export function readTelephoneEvent(
  buf: Uint8Array,
  offset: number,
  length: number,
  into: TelephoneEvent,
): boolean {
  if (length < TELEPHONE_EVENT_BYTES) return false;
  into.event = buf[offset];
  into.isEnd = (buf[offset + 1] & 0x80) !== 0;
  into.duration = (buf[offset + 2] << 8) | buf[offset + 3];
  return true;
}
