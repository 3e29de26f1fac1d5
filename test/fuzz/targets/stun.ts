/** STUN messages: decoding, every attribute reader, and back through the encoder. */
import assert from "node:assert/strict";
import {
  decodeStun,
  encodeStun,
  errorCodeAttribute,
  isResponse,
  looksLikeStun,
  MAX_ATTRIBUTES,
  readErrorCode,
  readMappedAddress,
  readPlainAddress,
  readText,
  readUint32Attribute,
  readUint64Attribute,
  readXorAddresses,
  StunMessage,
  shortTermKey,
  StunAttributeType as Type,
  textAttribute,
  unknownAttributesAttribute,
} from "../../../src/protocol/stun/index.js";
import { hmacSha1 } from "../../protocol/stun/crypto.js";
import * as vectors from "../../protocol/stun/vectors.js";
import type { FuzzTarget } from "../target.js";

const key = shortTermKey(vectors.SHORT_TERM_PASSWORD);

function readAll(message: StunMessage): void {
  for (const type of Object.values(Type)) {
    readText(message, type);
    readUint32Attribute(message, type);
    readUint64Attribute(message, type);
    readXorAddresses(message, type);
    const value = message.value(type);
    if (value !== undefined) readPlainAddress(value);
  }
  readMappedAddress(message);
  readErrorCode(message);
  isResponse(message);
  message.verifyIntegrity(key, hmacSha1);
  assert.ok(message.unknownRequired().length <= MAX_ATTRIBUTES);
}

/** What was understood is written again, and understood as the same. */
function assertSameAgain(message: StunMessage, input: Uint8Array): void {
  const kept = message.attributes.filter(
    ({ type }) => type !== Type.Fingerprint && type !== Type.MessageIntegrity,
  );
  const again = decodeStun(
    encodeStun({
      method: message.method,
      messageClass: message.messageClass,
      transactionId: message.transactionId,
      attributes: kept.map(({ type, offset, length }) => ({
        type,
        value: input.subarray(offset, offset + length),
      })),
    }),
  );
  assert.ok(again instanceof StunMessage, `${again}`);
  assert.deepEqual([again.method, again.messageClass], [message.method, message.messageClass]);
  assert.deepEqual(again.transactionId, message.transactionId);
  assert.deepEqual(
    again.attributes.map(({ type, length }) => [type, length]),
    kept.map(({ type, length }) => [type, length]),
  );
}

export const target: FuzzTarget = {
  name: "stun",
  sources: ["src/protocol/stun/message.ts", "src/protocol/stun/attributes.ts"],
  seeds: () => [
    ...Object.values(vectors).filter((value): value is Uint8Array => value instanceof Uint8Array),
    encodeStun({
      method: 1,
      messageClass: 3,
      transactionId: new Uint8Array(12),
      attributes: [
        errorCodeAttribute(420, "no"),
        unknownAttributesAttribute([1, 2]),
        textAttribute(Type.Realm, "r"),
      ],
    }),
  ],
  run(input) {
    const message = decodeStun(input);
    if (!(message instanceof StunMessage)) return;
    assert.ok(looksLikeStun(input));
    assert.ok(message.attributes.length <= MAX_ATTRIBUTES);
    for (const { offset, length } of message.attributes) assert.ok(offset + length <= input.length);
    readAll(message);
    if (message.attributes.length < MAX_ATTRIBUTES) assertSameAgain(message, input);
  },
};
