import { createHash, X509Certificate } from "node:crypto";
import type { Certificate } from "../../native/addon.js";
import type { Fingerprint } from "../media/transport_api.js";
import { domError } from "./dom_error.js";
import { checkConstructor, internals } from "./internals.js";

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
  readonly expires: number;
  readonly [internals]: CertificateParts;

  /** @internal Made by `RTCPeerConnection.generateCertificate` or {@link certificateFromPem}. */
  constructor(token: typeof internals, parts: CertificateParts) {
    checkConstructor(token);
    this.expires = parts.expires;
    this[internals] = parts;
  }

  getFingerprints(): RTCDtlsFingerprint[] {
    const { algorithm, value } = this[internals].fingerprint;
    return [{ algorithm, value: value.toLowerCase() }];
  }
}

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

const dayMs = 86_400_000;
const defaultExpiryMs = 30 * dayMs;
const longestExpiryMs = 365 * dayMs;

/** Days of validity for a `generateCertificate` argument. Only ECDSA on P-256 is made; RFC 8827 §6.5 demands it. */
export function certificateDays(algorithm: RTCKeyAlgorithm): number {
  const name = typeof algorithm === "string" ? algorithm : algorithm?.name;
  if (typeof name !== "string") throw new TypeError("generateCertificate needs an algorithm");
  const curve = typeof algorithm === "string" ? "P-256" : algorithm.namedCurve;
  if (name.toUpperCase() !== "ECDSA" || curve !== "P-256") {
    throw domError("NotSupportedError", `Certificates are ECDSA on P-256, not ${name} ${curve ?? ""}`.trim());
  }
  const expires = typeof algorithm === "string" ? undefined : algorithm.expires;
  if (expires !== undefined && !(Number.isFinite(expires) && expires >= 0)) {
    throw new TypeError("expires is a number of milliseconds, zero or more");
  }
  return Math.min(expires ?? defaultExpiryMs, longestExpiryMs) / dayMs;
}
