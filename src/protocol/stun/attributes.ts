import { formatIp, parseIp, type TransportAddress } from "../primitives/address.js";
import { MAGIC_COOKIE, StunAttributeType as Type } from "./constants.js";
import { readUint32, type StunAttribute, type StunMessage, writeUint16, writeUint32 } from "./message.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

export function flagAttribute(type: number): StunAttribute {
  return { type, value: new Uint8Array(0) };
}

/** USERNAME, REALM, SOFTWARE … as UTF-8. */
export function textAttribute(type: number, text: string): StunAttribute {
  return { type, value: encoder.encode(text) };
}

export function uint32Attribute(type: number, value: number): StunAttribute {
  const bytes = new Uint8Array(4);
  writeUint32(bytes, 0, value);
  return { type, value: bytes };
}

/** ICE-CONTROLLED and ICE-CONTROLLING: the tie-breaker (RFC 8445 §16.1). */
export function uint64Attribute(type: number, value: bigint): StunAttribute {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return { type, value: bytes };
}

/**
 * An address XORed with cookie and transaction id (RFC 8489 §14.2), so that address-rewriting middleboxes leave it
 * alone. @throws RangeError when `address` is not an IP address.
 */
export function xorAddressAttribute(
  type: number,
  address: TransportAddress,
  transactionId: Uint8Array,
): StunAttribute {
  const ip = parseIp(address.address);
  if (!ip) throw new RangeError(`Not an IP address: ${address.address}`);
  const value = new Uint8Array(4 + ip.length);
  value[1] = ip.length === 4 ? 1 : 2;
  writeUint16(value, 2, address.port ^ (MAGIC_COOKIE >>> 16));
  value.set(ip, 4);
  xorIp(value.subarray(4), transactionId);
  return { type, value };
}

/** ERROR-CODE (RFC 8489 §14.8). `reason` is for people and may be empty. */
export function errorCodeAttribute(code: number, reason: string): StunAttribute {
  const text = encoder.encode(reason);
  const value = new Uint8Array(4 + text.length);
  value[2] = Math.floor(code / 100);
  value[3] = code % 100;
  value.set(text, 4);
  return { type: Type.ErrorCode, value };
}

/** UNKNOWN-ATTRIBUTES of a 420 answer (RFC 8489 §14.13). */
export function unknownAttributesAttribute(types: readonly number[]): StunAttribute {
  const value = new Uint8Array(types.length * 2);
  types.forEach((type, i) => {
    writeUint16(value, i * 2, type);
  });
  return { type: Type.UnknownAttributes, value };
}

export function readText(message: StunMessage, type: number): string | undefined {
  const value = message.value(type);
  return value && decoder.decode(value);
}

/** A 32-bit number; undefined when absent or of another size. */
export function readUint32Attribute(message: StunMessage, type: number): number | undefined {
  const value = message.value(type);
  return value?.length === 4 ? readUint32(value, 0) : undefined;
}

/** A 64-bit number; undefined when absent or of another size. */
export function readUint64Attribute(message: StunMessage, type: number): bigint | undefined {
  const value = message.value(type);
  if (value?.length !== 8) return undefined;
  return (BigInt(readUint32(value, 0)) << 32n) | BigInt(readUint32(value, 4));
}

/** An XOR-…-ADDRESS, decoded; undefined when absent or malformed. */
export function readXorAddress(message: StunMessage, type: number): TransportAddress | undefined {
  const value = message.value(type);
  return value && decodeXorAddress(value, message.transactionId);
}

/** All XOR-…-ADDRESSes of that type, decoded; undefined in place of a malformed one. */
export function readXorAddresses(message: StunMessage, type: number): (TransportAddress | undefined)[] {
  return message.values(type).map((value) => decodeXorAddress(value, message.transactionId));
}

function decodeXorAddress(xored: Uint8Array, transactionId: Uint8Array): TransportAddress | undefined {
  if (xored.length < 8) return undefined;
  const value = xored.slice();
  xorIp(value.subarray(4), transactionId);
  writeUint16(value, 2, ((value[2] << 8) | value[3]) ^ (MAGIC_COOKIE >>> 16));
  return readPlainAddress(value);
}

/** What the server saw as our address: XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS from servers of RFC 3489's time. */
export function readMappedAddress(message: StunMessage): TransportAddress | undefined {
  const xored = readXorAddress(message, Type.XorMappedAddress);
  if (xored) return xored;
  const plain = message.value(Type.MappedAddress);
  return plain && readPlainAddress(plain);
}

/** ERROR-CODE; undefined when absent or malformed. */
export function readErrorCode(message: StunMessage): { code: number; reason: string } | undefined {
  const value = message.value(Type.ErrorCode);
  if (!value || value.length < 4) return undefined;
  const hundreds = value[2] & 7;
  if (hundreds < 3 || hundreds > 6 || value[3] > 99) return undefined;
  return { code: hundreds * 100 + value[3], reason: decoder.decode(value.subarray(4)) };
}

/** An address without XOR, as MAPPED-ADDRESS and ALTERNATE-SERVER hold it; undefined when malformed. */
export function readPlainAddress(value: Uint8Array): TransportAddress | undefined {
  const family = value[1] === 1 ? 4 : 6;
  const expected = value[1] === 1 ? 8 : value[1] === 2 ? 20 : -1;
  if (value.length !== expected) return undefined;
  return { family, address: formatIp(value.slice(4)), port: (value[2] << 8) | value[3] };
}

function xorIp(ip: Uint8Array, transactionId: Uint8Array): void {
  const mask = new Uint8Array(16);
  writeUint32(mask, 0, MAGIC_COOKIE);
  mask.set(transactionId, 4);
  for (let i = 0; i < ip.length && i < 16; i++) ip[i] ^= mask[i];
}
