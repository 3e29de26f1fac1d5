import type { TransportAddress } from "../primitives/address.js";
import {
  encodeStun,
  errorCodeAttribute,
  flagAttribute,
  type HmacSha1,
  type StunAttribute,
  StunClass,
  type StunMessage,
  StunMethod,
  StunAttributeType as Type,
  textAttribute,
  uint32Attribute,
  uint64Attribute,
  xorAddressAttribute,
} from "../stun/index.js";
import type { IceRole } from "./pair.js";

/** A connectivity check (RFC 8445 §7.2.2). */
export interface CheckFields {
  readonly transactionId: Uint8Array;
  /** "remote fragment:local fragment". */
  readonly username: string;
  /** Key of the peer's password. */
  readonly key: Uint8Array;
  /** What a peer-reflexive candidate found by this check would have (§7.1.1). */
  readonly priority: number;
  readonly role: IceRole;
  readonly tieBreaker: bigint;
  readonly useCandidate: boolean;
}

export function encodeCheck(f: CheckFields, hmac: HmacSha1): Uint8Array {
  const roleType = f.role === "controlling" ? Type.IceControlling : Type.IceControlled;
  const attributes = [
    textAttribute(Type.Username, f.username),
    uint32Attribute(Type.Priority, f.priority),
    uint64Attribute(roleType, f.tieBreaker),
  ];
  if (f.useCandidate) attributes.push(flagAttribute(Type.UseCandidate));
  return encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.Request,
    transactionId: f.transactionId,
    attributes,
    integrity: { key: f.key, hmac },
    fingerprint: true,
  });
}

/** A Binding request to a STUN server: no credentials (RFC 8445 §5.1.1.2). */
export function encodeServerRequest(transactionId: Uint8Array): Uint8Array {
  return encodeStun({ method: StunMethod.Binding, messageClass: StunClass.Request, transactionId });
}

export function encodeCheckResponse(
  request: StunMessage,
  from: TransportAddress,
  key: Uint8Array,
  hmac: HmacSha1,
): Uint8Array {
  return encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.SuccessResponse,
    transactionId: request.transactionId,
    attributes: [xorAddressAttribute(Type.XorMappedAddress, from, request.transactionId)],
    integrity: { key, hmac },
    fingerprint: true,
  });
}

/**
 * An error answer. `key` only when the request was authentic. Without it the answer carries no reason text, so that
 * it stays small.
 */
export function encodeCheckError(
  request: StunMessage,
  code: number,
  hmac: HmacSha1,
  key?: Uint8Array,
  extra: readonly StunAttribute[] = [],
): Uint8Array {
  return encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.ErrorResponse,
    transactionId: request.transactionId,
    attributes: [errorCodeAttribute(code, ""), ...extra],
    ...(key && { integrity: { key, hmac } }),
    fingerprint: true,
  });
}
