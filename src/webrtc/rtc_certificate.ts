import { createHash, X509Certificate } from "node:crypto";
import type { Certificate } from "../../native/addon.js";
import type { Fingerprint } from "../media/transport_api.js";
import { domError } from "./dom_error.js";
import { checkConstructor, internals } from "./internals.js";
import { defineInterface, enforceRange } from "./web_idl.js";

export interface RTCDtlsFingerprint {
  readonly algorithm: string;
  readonly value: string;
}

/** Certificate and key in PEM, as the transport takes them. */
export interface CertificatePem {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

/** What `generateCertificate` takes: an algorithm's name or a Web Crypto dictionary. */
export type RTCKeyAlgorithm =
  | string
  | {
      readonly name: string;
      readonly namedCurve?: string;
      readonly hash?: string | { readonly name: string };
      readonly modulusLength?: number;
      readonly publicExponent?: Uint8Array;
      /** Milliseconds from now; 30 days by default, a year at most (WebRTC 1.0 §4.9.1). */
      readonly expires?: number;
    };

/** SHA-256 of the DER form, written as RFC 8122 §5 wants it. */
export function certificateFingerprint(certificatePem: string): Fingerprint {
  const hex = createHash("sha256").update(new X509Certificate(certificatePem).raw).digest("hex");
  return { algorithm: "sha-256", value: (hex.toUpperCase().match(/../g) ?? []).join(":") };
}

/** What an {@link RTCCertificate} is made of. */
export interface CertificateParts extends CertificatePem {
  readonly expires: number;
  readonly fingerprint: Fingerprint;
  /** While this is held, the threads of this process find the key instead of reading its PEM. */
  readonly living?: Certificate;
}

/** The certificate of a DTLS transport (WebRTC 1.0 §4.9.2). The key never leaves it. */
export class RTCCertificate {
  /** Milliseconds since 1970. */
  declare readonly expires: number;
  /** @internal */
  readonly [internals]: CertificateParts;

  /** @internal Made by `RTCPeerConnection.generateCertificate` or {@link certificateFromPem}. */
  constructor(token: typeof internals, parts: CertificateParts) {
    checkConstructor(token);
    this[internals] = parts;
  }

  getFingerprints(): RTCDtlsFingerprint[] {
    const { algorithm, value } = this[internals].fingerprint;
    return [{ algorithm, value: value.toLowerCase() }];
  }
}

defineInterface(RTCCertificate, { attributes: ["expires"] });

/** A certificate the program already has; not in the W3C API. */
export function certificateFromPem(certificatePem: string, privateKeyPem: string): RTCCertificate {
  return new RTCCertificate(internals, {
    certificatePem,
    privateKeyPem,
    expires: Date.parse(new X509Certificate(certificatePem).validTo),
    fingerprint: certificateFingerprint(certificatePem),
  });
}

/** One that the addon has just made: nothing of it has to be parsed. */
export function certificateFromAddon(living: Certificate): RTCCertificate {
  return new RTCCertificate(internals, {
    certificatePem: living.certificatePem,
    privateKeyPem: living.privateKeyPem,
    expires: living.expiresMs,
    fingerprint: { algorithm: "sha-256", value: living.fingerprint("sha-256") },
    living,
  });
}

/** What `generateCertificate` is asked for, checked. */
export interface CertificateWish {
  readonly validMs: number;
  /** Bits of the RSA modulus; null: ECDSA on P-256. */
  readonly rsaBits: number | null;
}

const dayMs = 86_400_000;
const longestExpiryMs = 365 * dayMs;
/** What a certificate is without a wish: RFC 8827 §6.5, and WebRTC 1.0 §4.9.1 for its validity. */
export const usualCertificate: CertificateWish = { validMs: 30 * dayMs, rsaBits: null };
/** Below 2048 bits OpenSSL's security level refuses them; above 4096 a handshake takes too long. */
const rsaBits = { min: 2048, max: 4096 } as const;

/**
 * Reads a `generateCertificate` argument.
 *
 * @throws TypeError when it is no algorithm, NotSupportedError for other keys than ECDSA on P-256 and
 * RSASSA-PKCS1-v1_5 with SHA-256.
 */
export function readKeyAlgorithm(algorithm: RTCKeyAlgorithm): CertificateWish {
  const given = typeof algorithm === "string" ? { name: algorithm, namedCurve: "P-256" } : algorithm;
  if (typeof given?.name !== "string") throw new TypeError("generateCertificate needs an algorithm");
  const { expires } = given as { readonly expires?: number };
  const asked =
    expires === undefined ? usualCertificate.validMs : enforceRange("expires", expires, 2 ** 53 - 1);
  const validMs = Math.min(asked, longestExpiryMs);
  switch (given.name.toUpperCase()) {
    case "ECDSA":
      if (given.namedCurve === "P-256")
        return expires === undefined ? usualCertificate : { validMs, rsaBits: null };
      throw domError("NotSupportedError", `ECDSA is supported on P-256, not on ${given.namedCurve}`);
    case "RSASSA-PKCS1-V1_5":
      return { validMs, rsaBits: checkRsa(given) };
    default:
      throw domError("NotSupportedError", `Certificates are ECDSA or RSASSA-PKCS1-v1_5, not ${given.name}`);
  }
}

function checkRsa({ modulusLength, publicExponent, hash }: Exclude<RTCKeyAlgorithm, string>): number {
  const hashName = typeof hash === "object" ? hash.name : hash;
  if (modulusLength === undefined || publicExponent === undefined || hashName === undefined) {
    throw new TypeError("RSASSA-PKCS1-v1_5 needs modulusLength, publicExponent and hash");
  }
  const exponent = Buffer.from(publicExponent).toString("hex").replace(/^0+/, "");
  const usable = modulusLength >= rsaBits.min && modulusLength <= rsaBits.max;
  if (usable && exponent === "10001" && hashName.toUpperCase() === "SHA-256") return modulusLength;
  throw domError(
    "NotSupportedError",
    `RSA is supported with ${rsaBits.min} to ${rsaBits.max} bits, exponent 65537 and SHA-256`,
  );
}
