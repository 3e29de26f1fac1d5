import type { SrtpProfile } from "../../../native/addon.js";
import type { SrtpKeys } from "./messages.js";

/** RFC 5764 §4.2. */
const EXPORTER_LABEL = "EXTRACTOR-dtls_srtp";

/** Bytes of master key and master salt (RFC 5764 §4.1.2, RFC 7714 §12). */
const keyLengths: Readonly<Record<SrtpProfile, { key: number; salt: number }>> = {
  AEAD_AES_128_GCM: { key: 16, salt: 12 },
  AEAD_AES_256_GCM: { key: 32, salt: 12 },
  AES128_CM_SHA1_80: { key: 16, salt: 14 },
};

export interface SrtpKeyPair {
  readonly send: SrtpKeys;
  readonly receive: SrtpKeys;
}

/**
 * Both directions' master keys out of a finished handshake: client key, server key, client salt, server salt
 * (RFC 5764 §4.2).
 */
export function deriveSrtpKeys(
  profile: SrtpProfile,
  role: "client" | "server",
  exportKeyingMaterial: (label: string, length: number) => Uint8Array,
): SrtpKeyPair {
  const { key, salt } = keyLengths[profile];
  const material = exportKeyingMaterial(EXPORTER_LABEL, 2 * (key + salt));
  const client: SrtpKeys = {
    profile,
    masterKey: material.slice(0, key),
    masterSalt: material.slice(2 * key, 2 * key + salt),
  };
  const server: SrtpKeys = {
    profile,
    masterKey: material.slice(key, 2 * key),
    masterSalt: material.slice(2 * key + salt),
  };
  material.fill(0);
  return role === "client" ? { send: client, receive: server } : { send: server, receive: client };
}
