import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { native } from "../../native/addon.js";

describe("Certificate", () => {
  it("is an X.509 certificate that Node's own OpenSSL reads the same way", () => {
    const made = native.Certificate.generate({
      commonName: "kiosk 7",
      days: 10,
      subjectAltNames: ["localhost", "127.0.0.1", "::1"],
    });
    const read = new X509Certificate(made.certificatePem);
    assert.equal(read.subject, "CN=kiosk 7");
    assert.equal(read.issuer, read.subject);
    assert.ok(read.verify(read.publicKey), "it must be signed by its own key");
    assert.ok(read.checkPrivateKey(createPrivateKey(made.privateKeyPem)));
    assert.equal(read.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
    assert.equal(read.checkHost("localhost"), "localhost");
    assert.equal(read.checkIP("127.0.0.1"), "127.0.0.1");
    assert.equal(read.checkIP("::1"), "::1");
    assert.equal(read.fingerprint256, made.fingerprint("sha-256"));
    assert.equal(read.fingerprint512, made.fingerprint("sha-512"));
    assert.equal(Date.parse(read.validTo), made.expiresMs);
    assert.ok(Math.abs(made.expiresMs - (Date.now() + 10 * 86_400_000)) < 3_600_000);
    assert.ok(
      Date.parse(read.validFrom) < Date.now() - 80_000_000,
      "it must hold for clocks that are behind",
    );
  });

  it("is unique each time", () => {
    const [a, b] = [native.Certificate.generate(), native.Certificate.generate()];
    assert.notEqual(a.fingerprint("sha-256"), b.fingerprint("sha-256"));
    const serials = [a, b].map((one) => new X509Certificate(one.certificatePem).serialNumber);
    assert.notEqual(serials[0], serials[1]);
  });

  it("is read from texts that nobody in the process has written", () => {
    const made = native.Certificate.generate();
    // Another text of the same content: what is alive is found by its very text, so this one has to be parsed.
    const read = native.Certificate.fromPem(`\n${made.certificatePem}`, `\n${made.privateKeyPem}`);
    assert.equal(read.certificatePem, made.certificatePem);
    assert.equal(read.privateKeyPem, made.privateKeyPem);
    const other = native.Certificate.generate();
    assert.throws(() => native.Certificate.fromPem(made.certificatePem, other.privateKeyPem), {
      code: "INVALID_CERTIFICATE",
    });
  });

  it("comes back from its PEM texts", () => {
    const made = native.Certificate.generate();
    const read = native.Certificate.fromPem(made.certificatePem, made.privateKeyPem);
    assert.equal(read.fingerprint("sha-256"), made.fingerprint("sha-256"));
    assert.equal(read.expiresMs, made.expiresMs);
    assert.equal(read.privateKeyPem, made.privateKeyPem);
  });

  it("says what is wrong with PEM texts and options", () => {
    const made = native.Certificate.generate();
    const other = native.Certificate.generate();
    const invalid = { code: "INVALID_CERTIFICATE" };
    assert.throws(() => native.Certificate.fromPem("", ""), invalid);
    assert.throws(() => native.Certificate.fromPem(made.certificatePem, "junk"), invalid);
    assert.throws(() => native.Certificate.fromPem(made.certificatePem, other.privateKeyPem), {
      ...invalid,
      message: /does not belong/,
    });
    assert.throws(() => native.Certificate.generate({ days: 0 }), { message: /days.*found 0/ });
    assert.throws(() => native.Certificate.generate({ commonName: "x".repeat(65) }), {
      code: "OUT_OF_RANGE",
    });
    assert.throws(() => made.fingerprint("md5"), { code: "OUT_OF_RANGE", message: /"md5"/ });
  });
});
