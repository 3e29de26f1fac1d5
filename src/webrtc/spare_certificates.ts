import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { native } from "../../native/addon.js";
import {
  type CertificateWish,
  certificateFromAddon,
  type RTCCertificate,
  usualCertificate,
} from "./rtc_certificate.js";

/** Both ends of a call inside one process are served. */
const SPARES = 2;
/** A set-up is over by then, also on a busy machine; making one takes half a millisecond of the main thread and more. */
const REFILL_AFTER_MS = 100;
/** A spare that is older would promise less validity than a fresh one in earnest. */
const STALE_AFTER_MS = 3_600_000;

/** Makes one as wished. An RSA key takes tens of milliseconds: it is made in Node's thread pool. */
export async function makeCertificate({ validMs, rsaBits }: CertificateWish): Promise<RTCCertificate> {
  const seconds = Math.floor(validMs / 1000);
  if (rsaBits === null) return certificateFromAddon(native.Certificate.generate({ seconds }));
  const { privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: rsaBits,
    publicExponent: 65_537,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return certificateFromAddon(native.Certificate.generate({ seconds, privateKeyPem: privateKey }));
}

interface Spare {
  readonly certificate: RTCCertificate;
  readonly madeAtMs: number;
}

/**
 * Certificates made ahead, so that a connection's set-up does not wait for key generation. Each is handed out once: two
 * connections never share a key unless the application says so (RFC 8827 §6.5). The first taking finds none.
 */
export class SpareCertificates {
  readonly #make: () => RTCCertificate;
  readonly #nowMs: () => number;
  #spares: Spare[] = [];
  #refill: NodeJS.Timeout | undefined;

  constructor(make: () => RTCCertificate, nowMs: () => number) {
    this.#make = make;
    this.#nowMs = nowMs;
  }

  take(): RTCCertificate {
    const oldest = this.#nowMs() - STALE_AFTER_MS;
    this.#spares = this.#spares.filter(({ madeAtMs }) => madeAtMs > oldest);
    const spare = this.#spares.shift();
    this.#refillLater(REFILL_AFTER_MS);
    return spare?.certificate ?? this.#make();
  }

  /** One at a time, each in a task of its own; begins anew while certificates are being taken. */
  #refillLater(delayMs: number): void {
    clearTimeout(this.#refill);
    this.#refill = setTimeout(() => {
      this.#spares.push({ certificate: this.#make(), madeAtMs: this.#nowMs() });
      if (this.#spares.length < SPARES) this.#refillLater(0);
    }, delayMs).unref();
  }
}

export const spareCertificates = new SpareCertificates(
  () => certificateFromAddon(native.Certificate.generate({ seconds: usualCertificate.validMs / 1000 })),
  Date.now,
);
