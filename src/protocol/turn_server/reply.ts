import {
  encodeStun,
  type StunAttribute,
  type StunClass,
  type StunMessage,
  type StunMessageFields,
} from "../stun/index.js";

/** The answer to a request, with its method and transaction id. */
export function encodeReply(
  message: StunMessage,
  messageClass: typeof StunClass.SuccessResponse | typeof StunClass.ErrorResponse,
  attributes: readonly StunAttribute[],
  integrity?: NonNullable<StunMessageFields["integrity"]>,
): Uint8Array {
  return encodeStun({
    method: message.method,
    messageClass,
    transactionId: message.transactionId,
    attributes,
    ...(integrity && { integrity }),
    // RFC 8489 §7: whoever adds it expects it; without it the answer is smaller.
    fingerprint: message.hasFingerprint,
  });
}
