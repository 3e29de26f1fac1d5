import assert from "node:assert/strict";
import {
  decodeStun,
  encodeStun,
  longTermKey,
  readMappedAddress,
  readText,
  readUint32Attribute,
  readUint64Attribute,
  StunClass,
  StunMessage,
  StunMethod,
  shortTermKey,
  StunAttributeType as Type,
  textAttribute,
  xorAddressAttribute,
} from "../../../src/protocol/stun/index.js";
import { hmacSha1, md5 } from "./crypto.js";
import {
  SAMPLE_IPV4_RESPONSE,
  SAMPLE_IPV6_RESPONSE,
  SAMPLE_LONG_TERM_REQUEST,
  SAMPLE_REQUEST,
  SHORT_TERM_PASSWORD,
} from "./vectors.js";

function decode(data: Uint8Array): StunMessage {
  const message = decodeStun(data);
  assert.ok(message instanceof StunMessage, String(message));
  return message;
}

const key = shortTermKey(SHORT_TERM_PASSWORD);

describe("STUN sample messages of RFC 5769", () => {
  it("§2.1 request with short-term authentication", () => {
    const m = decode(SAMPLE_REQUEST);
    assert.equal(m.method, StunMethod.Binding);
    assert.equal(m.messageClass, StunClass.Request);
    assert.equal(readText(m, Type.Software), "STUN test client");
    assert.equal(readText(m, Type.Username), "evtj:h6vY");
    assert.equal(readUint32Attribute(m, Type.Priority), 0x6e0001ff);
    assert.equal(readUint64Attribute(m, Type.IceControlled), 0x932ff9b151263b36n);
    assert.ok(m.hasFingerprint);
    assert.ok(m.verifyIntegrity(key, hmacSha1));
    assert.ok(!m.verifyIntegrity(shortTermKey("wrong"), hmacSha1));
  });

  it("§2.2 IPv4 response", () => {
    const m = decode(SAMPLE_IPV4_RESPONSE);
    assert.equal(m.messageClass, StunClass.SuccessResponse);
    assert.equal(readText(m, Type.Software), "test vector");
    assert.deepEqual(readMappedAddress(m), { family: 4, address: "192.0.2.1", port: 32853 });
    assert.ok(m.hasFingerprint && m.verifyIntegrity(key, hmacSha1));
  });

  it("§2.3 IPv6 response", () => {
    const m = decode(SAMPLE_IPV6_RESPONSE);
    assert.deepEqual(readMappedAddress(m), {
      family: 6,
      address: "2001:db8:1234:5678:11:2233:4455:6677",
      port: 32853,
    });
    assert.ok(m.hasFingerprint && m.verifyIntegrity(key, hmacSha1));
  });

  it("§2.4 request with long-term authentication", () => {
    const m = decode(SAMPLE_LONG_TERM_REQUEST);
    const username = readText(m, Type.Username);
    assert.equal(username, "\u30de\u30c8\u30ea\u30c3\u30af\u30b9");
    assert.equal(readText(m, Type.Nonce), "f//499k954d6OL34oL9FSTvy64sA");
    assert.equal(readText(m, Type.Realm), "example.org");
    assert.ok(m.verifyIntegrity(longTermKey(username, "example.org", "TheMatrIX", md5), hmacSha1));
  });

  it("§2.4 comes out of the encoder byte for byte", () => {
    const username = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9";
    const encoded = encodeStun({
      method: StunMethod.Binding,
      messageClass: StunClass.Request,
      transactionId: SAMPLE_LONG_TERM_REQUEST.slice(8, 20),
      attributes: [
        textAttribute(Type.Username, username),
        textAttribute(Type.Nonce, "f//499k954d6OL34oL9FSTvy64sA"),
        textAttribute(Type.Realm, "example.org"),
      ],
      integrity: { key: longTermKey(username, "example.org", "TheMatrIX", md5), hmac: hmacSha1 },
    });
    assert.deepEqual(Buffer.from(encoded), Buffer.from(SAMPLE_LONG_TERM_REQUEST));
  });

  it("the XORed addresses of §2.2 and §2.3 come out of the encoder byte for byte", () => {
    const id = SAMPLE_IPV6_RESPONSE.slice(8, 20);
    const v4 = xorAddressAttribute(
      Type.XorMappedAddress,
      { family: 4, address: "192.0.2.1", port: 32853 },
      id,
    );
    assert.deepEqual(Buffer.from(v4.value), Buffer.from(SAMPLE_IPV4_RESPONSE.slice(40, 48)));
    const v6 = xorAddressAttribute(
      Type.XorMappedAddress,
      { family: 6, address: "2001:db8:1234:5678:11:2233:4455:6677", port: 32853 },
      id,
    );
    assert.deepEqual(Buffer.from(v6.value), Buffer.from(SAMPLE_IPV6_RESPONSE.slice(40, 60)));
  });
});
