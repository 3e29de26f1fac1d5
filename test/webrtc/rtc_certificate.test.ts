import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { native } from "../../native/addon.js";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { certificateFromPem, RTCCertificate, RTCPeerConnection } from "../../src/webrtc/index.js";
import { internals } from "../../src/webrtc/internals.js";
import { closeAll, connection, negotiate } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

const dayMs = 86_400_000;
afterEach(closeAll);

describe("RTCCertificate (WebRTC 1.0 §4.9)", () => {
  it("is ECDSA on P-256, for thirty days", async () => {
    for (const algorithm of ["ECDSA", { name: "ecdsa", namedCurve: "P-256" }]) {
      const certificate = await RTCPeerConnection.generateCertificate(algorithm);
      assert.ok(certificate instanceof RTCCertificate);
      assert.ok(Math.abs(certificate.expires - Date.now() - 30 * dayMs) < 2 * dayMs);
      const [fingerprint] = certificate.getFingerprints();
      assert.equal(fingerprint.algorithm, "sha-256");
      assert.match(fingerprint.value, /^[0-9a-f]{2}(:[0-9a-f]{2}){31}$/);
    }
  });

  it("refuses other algorithms and senseless expiries", async () => {
    const rsa = { name: "RSASSA-PKCS1-v1_5", modulusLength: 1024, hash: "SHA-256" };
    await rejectsWith(RTCPeerConnection.generateCertificate(rsa), "TypeError");
    const weak = { ...rsa, publicExponent: new Uint8Array([1, 0, 1]) };
    await rejectsWith(RTCPeerConnection.generateCertificate(weak), "NotSupportedError");
    await rejectsWith(RTCPeerConnection.generateCertificate("RSA-PSS"), "NotSupportedError");
    await rejectsWith(
      RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-521" }),
      "NotSupportedError",
    );
    await rejectsWith(RTCPeerConnection.generateCertificate(undefined as never), "TypeError");
    const negative = { name: "ECDSA", namedCurve: "P-256", expires: -1 };
    await rejectsWith(RTCPeerConnection.generateCertificate(negative), "TypeError");
    await rejectsWith(() => new (RTCCertificate as unknown as new () => object)(), "TypeError");
  });

  it("is RSA too, of 2048 bits and more", async () => {
    const certificate = await RTCPeerConnection.generateCertificate({
      name: "RSASSA-PKCS1-v1_5",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: { name: "SHA-256" },
    });
    const { publicKey } = new X509Certificate(certificate[internals].certificatePem);
    assert.equal(publicKey.asymmetricKeyType, "rsa");
    assert.equal(publicKey.asymmetricKeyDetails?.modulusLength, 2048);
    assert.ok(Math.abs(certificate.expires - Date.now() - 30 * dayMs) < 60_000);
  });

  it("lasts as long as asked, a year at most; an expired one is refused", async () => {
    const expiring = (expires: number) =>
      RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-256", expires });
    assert.ok(Math.abs((await expiring(5000)).expires - Date.now() - 5000) < 3000);
    assert.ok(Math.abs((await expiring(9e12)).expires - Date.now() - 365 * dayMs) < 60_000);
    const expired = await expiring(0);
    assert.ok(expired.expires <= Date.now());
    await rejectsWith(() => new RTCPeerConnection({ certificates: [expired] }), "InvalidAccessError");
  });

  it("its fingerprint is the one in descriptions, as the addon sees it too", async () => {
    const made = native.Certificate.generate();
    const certificate = certificateFromPem(made.certificatePem, made.privateKeyPem);
    const { pc } = connection({ certificates: [certificate] });
    pc.addTransceiver("audio");
    const [fingerprint] = parseSdp((await pc.createOffer()).sdp ?? "").media[0].fingerprints;
    assert.equal(fingerprint.value, made.fingerprint("sha-256"));
  });

  it("an expired one is refused", async () => {
    const expired = await RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-256" });
    Object.defineProperty(expired, "expires", { value: Date.now() - 1 });
    await rejectsWith(() => connection({ certificates: [expired] }), "InvalidAccessError");
  });

  it("one is made for each connection that has none", async () => {
    const { pc: a, engine } = connection();
    const { pc: b, engine: engineB } = connection();
    a.addTransceiver("audio");
    await negotiate(a, b);
    assert.notEqual(engine.transport.options.certificatePem, engineB.transport.options.certificatePem);
  });
});
