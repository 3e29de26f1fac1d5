import {
  isUnknownComprehensionRequired,
  MAGIC_COOKIE,
  STUN_HEADER_BYTES,
  StunAttributeType,
  StunClass,
  type StunClassValue,
} from "./constants.js";
import { crc32 } from "./crc32.js";

/** HMAC-SHA1 of `data` under `key`: 20 bytes. Injected, since the protocol cores own no cryptography. */
export type HmacSha1 = (key: Uint8Array, data: Uint8Array) => Uint8Array;

/** Why bytes are not a STUN message. */
export type StunDefect =
  | "too-short"
  | "not-stun"
  | "bad-length"
  | "bad-attribute-length"
  | "too-many-attributes"
  | "bad-fingerprint"
  | "misplaced-fingerprint";

/** More than any message of the protocols here carries; bounds the work a hostile datagram can cause. */
export const MAX_ATTRIBUTES = 48;

const INTEGRITY_BYTES = 20;
/** RFC 8489 §14.7. */
const FINGERPRINT_XOR = 0x5354554e;

/** Where an attribute's value lies inside its message; `length` is without padding. */
export interface StunAttributeSpan {
  readonly type: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * Whether the first bytes are those of a STUN message: the cheap test for demultiplexing (RFC 7983 §7, RFC 8489
 * §6.3). Says nothing about the attributes.
 */
export function looksLikeStun(data: Uint8Array): boolean {
  return data.length >= STUN_HEADER_BYTES && data[0] < 0x40 && readUint32(data, 4) === MAGIC_COOKIE;
}

/** A received message: a view over its bytes, with the attributes found and the fingerprint already checked. */
export class StunMessage {
  /** Attributes in order, without those that follow MESSAGE-INTEGRITY and must be ignored (RFC 8489 §14.5). */
  readonly attributes: readonly StunAttributeSpan[];
  readonly method: number;
  readonly messageClass: StunClassValue;
  readonly #data: Uint8Array;
  readonly hasFingerprint: boolean;

  constructor(data: Uint8Array, attributes: readonly StunAttributeSpan[], hasFingerprint: boolean) {
    this.#data = data;
    this.attributes = attributes;
    this.hasFingerprint = hasFingerprint;
    const type = (data[0] << 8) | data[1];
    // RFC 8489 §5: M11..M7 C1 M6..M4 C0 M3..M0.
    this.method = (type & 0x000f) | ((type & 0x00e0) >> 1) | ((type & 0x3e00) >> 2);
    this.messageClass = (((type & 0x0100) >> 7) | ((type & 0x0010) >> 4)) as StunClassValue;
  }

  /** The 96-bit transaction id: a view into the message. */
  get transactionId(): Uint8Array {
    return this.#data.subarray(8, STUN_HEADER_BYTES);
  }

  /** The whole message as received: a view. */
  get bytes(): Uint8Array {
    return this.#data;
  }

  /** Value of the first attribute of that type (RFC 8489 §14: later ones may be ignored): a view. */
  value(type: number): Uint8Array | undefined {
    for (const a of this.attributes) {
      if (a.type === type) return this.#data.subarray(a.offset, a.offset + a.length);
    }
    return undefined;
  }

  /** Values of all attributes of that type, in order: views. */
  values(type: number): Uint8Array[] {
    return this.attributes
      .filter((a) => a.type === type)
      .map((a) => this.#data.subarray(a.offset, a.offset + a.length));
  }

  has(type: number): boolean {
    return this.attributes.some((a) => a.type === type);
  }

  /** Comprehension-required attributes that nobody here understands, for a 420 answer. */
  unknownRequired(): number[] {
    return this.attributes.filter((a) => isUnknownComprehensionRequired(a.type)).map((a) => a.type);
  }

  /** Whether the message carries a MESSAGE-INTEGRITY that `key` explains (RFC 8489 §14.5). False when it has none. */
  verifyIntegrity(key: Uint8Array, hmac: HmacSha1): boolean {
    const span = this.attributes.find((a) => a.type === StunAttributeType.MessageIntegrity);
    if (span?.length !== INTEGRITY_BYTES) return false;
    const covered = this.#data.slice(0, span.offset - 4);
    // The length counts up to and including MESSAGE-INTEGRITY, whatever follows it.
    writeUint16(covered, 2, span.offset + INTEGRITY_BYTES - STUN_HEADER_BYTES);
    const expected = hmac(key, covered);
    let difference = 0;
    for (let i = 0; i < INTEGRITY_BYTES; i++) difference |= expected[i] ^ this.#data[span.offset + i];
    return difference === 0;
  }
}

/**
 * Reads one message from a whole datagram (or a TCP frame). Lying lengths, stray bytes and a wrong fingerprint are
 * refused; an absent fingerprint is not.
 *
 * @returns the message as a view over `data`, or the reason for refusing it. Never throws.
 */
export function decodeStun(data: Uint8Array): StunMessage | StunDefect {
  if (data.length < STUN_HEADER_BYTES) return "too-short";
  if (!looksLikeStun(data)) return "not-stun";
  const length = (data[2] << 8) | data[3];
  if (length % 4 !== 0 || length + STUN_HEADER_BYTES !== data.length) return "bad-length";
  return decodeAttributes(data);
}

function decodeAttributes(data: Uint8Array): StunMessage | StunDefect {
  const attributes: StunAttributeSpan[] = [];
  let afterIntegrity = false;
  let at = STUN_HEADER_BYTES;
  for (let count = 0; at < data.length; count++) {
    if (count === MAX_ATTRIBUTES) return "too-many-attributes";
    const type = (data[at] << 8) | data[at + 1];
    const length = (data[at + 2] << 8) | data[at + 3];
    const offset = at + 4;
    const end = offset + ((length + 3) & ~3);
    if (end > data.length) return "bad-attribute-length";
    if (type === StunAttributeType.Fingerprint) {
      const defect = checkFingerprint(data, at, length);
      return defect ?? new StunMessage(data, attributes, true);
    }
    // RFC 8489 §14.5: after MESSAGE-INTEGRITY only its SHA-256 sibling and FINGERPRINT count.
    if (!afterIntegrity || type === StunAttributeType.MessageIntegritySha256) {
      attributes.push({ type, offset, length });
    }
    afterIntegrity ||= type === StunAttributeType.MessageIntegrity;
    at = end;
  }
  return new StunMessage(data, attributes, false);
}

/** RFC 8489 §14.7: the last attribute, CRC-32 of all before it. */
function checkFingerprint(data: Uint8Array, at: number, length: number): StunDefect | undefined {
  if (length !== 4 || at + 8 !== data.length) return "misplaced-fingerprint";
  const expected = (crc32(data, 0, at) ^ FINGERPRINT_XOR) >>> 0;
  return readUint32(data, at + 4) === expected ? undefined : "bad-fingerprint";
}

/** An attribute to send. */
export interface StunAttribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** A message to send. */
export interface StunMessageFields {
  readonly method: number;
  readonly messageClass: StunClassValue;
  readonly transactionId: Uint8Array;
  readonly attributes?: readonly StunAttribute[];
  /** Adds MESSAGE-INTEGRITY under this key. */
  readonly integrity?: { readonly key: Uint8Array; readonly hmac: HmacSha1 };
  /** Adds FINGERPRINT. */
  readonly fingerprint?: boolean;
}

/** Writes a message. @throws RangeError for a transaction id that is not 12 bytes or a body over 65532 bytes. */
export function encodeStun(fields: StunMessageFields): Uint8Array {
  if (fields.transactionId.length !== 12) throw new RangeError("A STUN transaction id has 12 bytes");
  const attributes = fields.attributes ?? [];
  let body = 0;
  for (const a of attributes) body += 4 + ((a.value.length + 3) & ~3);
  const integrityAt = STUN_HEADER_BYTES + body;
  const fingerprintAt = integrityAt + (fields.integrity ? 4 + INTEGRITY_BYTES : 0);
  const total = fingerprintAt + (fields.fingerprint ? 8 : 0);
  if (total - STUN_HEADER_BYTES > 0xfffc) throw new RangeError("A STUN message holds at most 65532 bytes");
  const out = new Uint8Array(total);
  writeHeader(out, fields);
  writeAttributes(out, attributes);
  if (fields.integrity) writeIntegrity(out, integrityAt, fields.integrity.key, fields.integrity.hmac);
  if (fields.fingerprint) writeFingerprint(out, fingerprintAt);
  writeUint16(out, 2, total - STUN_HEADER_BYTES);
  return out;
}

function writeHeader(out: Uint8Array, fields: StunMessageFields): void {
  const { method: m, messageClass: c } = fields;
  const type = (m & 0x00f) | ((m & 0x070) << 1) | ((m & 0xf80) << 2) | ((c & 1) << 4) | ((c & 2) << 7);
  writeUint16(out, 0, type);
  writeUint32(out, 4, MAGIC_COOKIE);
  out.set(fields.transactionId, 8);
}

function writeAttributes(out: Uint8Array, attributes: readonly StunAttribute[]): void {
  let at = STUN_HEADER_BYTES;
  for (const { type, value } of attributes) {
    writeUint16(out, at, type);
    writeUint16(out, at + 2, value.length);
    out.set(value, at + 4);
    at += 4 + ((value.length + 3) & ~3);
  }
}

function writeIntegrity(out: Uint8Array, at: number, key: Uint8Array, hmac: HmacSha1): void {
  writeUint16(out, 2, at + 4 + INTEGRITY_BYTES - STUN_HEADER_BYTES);
  writeUint16(out, at, StunAttributeType.MessageIntegrity);
  writeUint16(out, at + 2, INTEGRITY_BYTES);
  out.set(hmac(key, out.subarray(0, at)), at + 4);
}

function writeFingerprint(out: Uint8Array, at: number): void {
  writeUint16(out, 2, at + 8 - STUN_HEADER_BYTES);
  writeUint16(out, at, StunAttributeType.Fingerprint);
  writeUint16(out, at + 2, 4);
  writeUint32(out, at + 4, (crc32(out, 0, at) ^ FINGERPRINT_XOR) >>> 0);
}

/** Whether a message answers a request. */
export function isResponse(message: StunMessage): boolean {
  return (
    message.messageClass === StunClass.SuccessResponse || message.messageClass === StunClass.ErrorResponse
  );
}

export function readUint32(data: Uint8Array, at: number): number {
  return ((data[at] << 24) | (data[at + 1] << 16) | (data[at + 2] << 8) | data[at + 3]) >>> 0;
}

export function writeUint16(data: Uint8Array, at: number, value: number): void {
  data[at] = value >>> 8;
  data[at + 1] = value;
}

export function writeUint32(data: Uint8Array, at: number, value: number): void {
  writeUint16(data, at, value >>> 16);
  writeUint16(data, at + 2, value & 0xffff);
}
