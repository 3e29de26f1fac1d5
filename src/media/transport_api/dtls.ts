export type DtlsState = "new" | "connecting" | "connected" | "closed" | "failed";

export interface Fingerprint {
  /** "sha-256" and so on, lower case. */
  readonly algorithm: string;
  /** Upper-case hex pairs joined by colons. */
  readonly value: string;
}
