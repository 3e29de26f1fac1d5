import assert from "node:assert/strict";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  crc32,
  decodeStun,
  encodeStun,
  errorCodeAttribute,
  flagAttribute,
  looksLikeStun,
  readErrorCode,
  readMappedAddress,
  readUint32Attribute,
  readXorAddress,
  StunClass,
  type StunClassValue,
  StunMessage,
  StunMethod,
  shortTermKey,
  StunAttributeType as Type,
  textAttribute,
  uint64Attribute,
  unknownAttributesAttribute,
} from "../../../src/protocol/stun/index.js";
import { hmacSha1 } from "./crypto.js";
import { SAMPLE_IPV4_RESPONSE, SAMPLE_REQUEST, SHORT_TERM_PASSWORD } from "./vectors.js";

const id = new Uint8Array(12).fill(7);
const key = shortTermKey("password");

function request(attributes: { type: number; value: Uint8Array }[] = [], fingerprint = true): Uint8Array {
  return encodeStun({
    method: StunMethod.Binding,
    messageClass: StunClass.Request,
    transactionId: id,
    attributes,
    integrity: { key, hmac: hmacSha1 },
    fingerprint,
  });
}

describe("STUN codec", () => {
  it("keeps method and class apart for every combination", () => {
    for (const method of [1, 3, 4, 6, 7, 8, 9, 0x0ff, 0xfff]) {
      for (const messageClass of Object.values(StunClass) as StunClassValue[]) {
        const m = decodeStun(encodeStun({ method, messageClass, transactionId: id }));
        assert.ok(m instanceof StunMessage);
        assert.deepEqual([m.method, m.messageClass], [method, messageClass]);
      }
    }
  });

  it("computes the check value of CRC-32", () => {
    assert.equal(crc32(Buffer.from("123456789")), 0xcbf43926);
  });

  it("refuses a header that lies about the length, in either direction", () => {
    for (const delta of [-4, 4, 1, 0x4000]) {
      const lie = SAMPLE_REQUEST.slice();
      const length = 0x58 + delta;
      lie[2] = length >> 8;
      lie[3] = length & 0xff;
      assert.equal(decodeStun(lie), "bad-length");
    }
  });

  it("refuses every truncation of a message", () => {
    for (let n = 0; n < SAMPLE_REQUEST.length; n++) {
      assert.equal(typeof decodeStun(SAMPLE_REQUEST.subarray(0, n)), "string", `first ${n} bytes`);
    }
  });

  it("refuses an attribute that reaches past the end", () => {
    const lie = encodeStun({
      method: 1,
      messageClass: 0,
      transactionId: id,
      attributes: [textAttribute(Type.Username, "abcd")],
    });
    lie[22] = 0xff;
    lie[23] = 0xff;
    assert.equal(decodeStun(lie), "bad-attribute-length");
  });

  it("refuses a wrong or misplaced fingerprint", () => {
    const wrong = SAMPLE_REQUEST.slice();
    wrong[wrong.length - 1] ^= 1;
    assert.equal(decodeStun(wrong), "bad-fingerprint");
    const changed = SAMPLE_REQUEST.slice();
    changed[25] ^= 1;
    assert.equal(decodeStun(changed), "bad-fingerprint");
    const twice = encodeStun({
      method: 1,
      messageClass: 0,
      transactionId: id,
      attributes: [{ type: Type.Fingerprint, value: new Uint8Array(4) }, flagAttribute(Type.UseCandidate)],
    });
    assert.equal(decodeStun(twice), "misplaced-fingerprint");
  });

  it("refuses more attributes than any protocol here uses", () => {
    const attributes = Array.from({ length: 1000 }, () => flagAttribute(0x8f00));
    assert.equal(
      decodeStun(encodeStun({ method: 1, messageClass: 0, transactionId: id, attributes })),
      "too-many-attributes",
    );
  });

  it("finds every changed byte by integrity or fingerprint", () => {
    // A message whose FINGERPRINT became another optional attribute is still authentic, only without fingerprint.
    const fingerprintHeader = SAMPLE_IPV4_RESPONSE.length - 8;
    for (let i = 0; i < SAMPLE_IPV4_RESPONSE.length; i++) {
      if (i === fingerprintHeader || i === fingerprintHeader + 1) continue;
      const changed = SAMPLE_IPV4_RESPONSE.slice();
      changed[i] ^= 0x40;
      assert.equal(typeof decodeStun(changed), "string", `byte ${i}`);
    }
    const bare = request([textAttribute(Type.Username, "user:name")], false);
    for (let i = 0; i < bare.length; i++) {
      const changed = bare.slice();
      changed[i] ^= 0x40;
      const m = decodeStun(changed);
      assert.ok(typeof m === "string" || !m.verifyIntegrity(key, hmacSha1), `byte ${i}`);
    }
  });

  it("ignores attributes smuggled in behind MESSAGE-INTEGRITY", () => {
    const honest = request([], false);
    const smuggled = new Uint8Array(honest.length + 4);
    smuggled.set(honest);
    smuggled.set([0x00, 0x25, 0, 0], honest.length);
    smuggled[3] += 4;
    const m = decodeStun(smuggled);
    assert.ok(m instanceof StunMessage);
    assert.ok(m.verifyIntegrity(key, hmacSha1));
    assert.ok(!m.has(Type.UseCandidate));
  });

  it("counts a MESSAGE-INTEGRITY of a wrong size as wrong, and none as none", () => {
    const short = encodeStun({
      method: 1,
      messageClass: 0,
      transactionId: id,
      attributes: [{ type: Type.MessageIntegrity, value: new Uint8Array(0) }],
    });
    const m = decodeStun(short);
    assert.ok(m instanceof StunMessage && !m.verifyIntegrity(key, hmacSha1));
    const none = decodeStun(encodeStun({ method: 1, messageClass: 0, transactionId: id }));
    assert.ok(none instanceof StunMessage && !none.verifyIntegrity(key, hmacSha1));
  });

  it("reports unknown comprehension-required attributes and lets optional ones pass", () => {
    const m = decodeStun(request([flagAttribute(0x7f01), flagAttribute(0xff01), flagAttribute(0x0002)]));
    assert.ok(m instanceof StunMessage);
    assert.deepEqual(m.unknownRequired(), [0x7f01, 0x0002]);
    assert.deepEqual([...unknownAttributesAttribute([0x7f01, 2]).value], [0x7f, 0x01, 0, 2]);
  });

  it("reads error codes and refuses impossible ones", () => {
    const make = (code: number) =>
      decodeStun(
        encodeStun({
          method: 1,
          messageClass: StunClass.ErrorResponse,
          transactionId: id,
          attributes: [errorCodeAttribute(code, "why")],
        }),
      ) as StunMessage;
    assert.deepEqual(readErrorCode(make(487)), { code: 487, reason: "why" });
    assert.equal(readErrorCode(make(99)), undefined);
    assert.equal(readErrorCode(make(711)), undefined);
  });

  it("reads numbers and addresses of a wrong size as absent", () => {
    const m = decodeStun(
      request([
        { type: Type.Priority, value: new Uint8Array(3) },
        { type: Type.XorMappedAddress, value: Uint8Array.of(0, 9, 1, 1, 1, 1, 1, 1) },
        { type: Type.XorPeerAddress, value: Uint8Array.of(0, 2, 1, 1, 1, 1, 1, 1) },
        uint64Attribute(Type.IceControlling, 1n),
      ]),
    ) as StunMessage;
    assert.equal(readUint32Attribute(m, Type.Priority), undefined);
    assert.equal(readMappedAddress(m), undefined);
    assert.equal(readXorAddress(m, Type.XorPeerAddress), undefined);
  });

  it("understands the MAPPED-ADDRESS of old servers", () => {
    const m = decodeStun(
      request([{ type: Type.MappedAddress, value: Uint8Array.of(0, 1, 0x1f, 0x90, 192, 0, 2, 9) }]),
    ) as StunMessage;
    assert.deepEqual(readMappedAddress(m), { family: 4, address: "192.0.2.9", port: 8080 });
  });

  it("survives random and randomly damaged bytes", function () {
    this.timeout(60_000);
    const seed = 0x57a2;
    const random = seededRandom(seed);
    const goodKey = shortTermKey(SHORT_TERM_PASSWORD);
    for (let round = 0; round < 20000; round++) {
      const data = round % 2 ? random.bytes(random.uint32() % 200) : SAMPLE_REQUEST.slice();
      for (let n = random.uint32() % 6; n >= 0 && data.length; n--) {
        data[random.uint32() % data.length] = random.uint32();
      }
      const m = decodeStun(data);
      if (typeof m === "string") continue;
      assert.ok(looksLikeStun(data), `seed ${seed} round ${round}`);
      for (const a of m.attributes) assert.ok(a.offset + a.length <= data.length);
      readMappedAddress(m);
      readErrorCode(m);
      m.verifyIntegrity(goodKey, hmacSha1);
    }
  });
});
