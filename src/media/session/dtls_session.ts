import type { Certificate, DtlsTransport, DtlsTransportOptions, SrtpProfile } from "../../../native/addon.js";
import type { DtlsState, Fingerprint } from "../transport_api.js";
import { SessionError } from "./session_error.js";
import { deriveSrtpKeys, type SrtpKeyPair } from "./srtp_keys.js";

/** Datagrams kept that came before the peer's fingerprint and our role were known (a ClientHello, and its repeats). */
const EARLY_DATAGRAMS = 8;
const MAX_DATAGRAM_BYTES = 2048;

/** Hash functions that RFC 8122 §5 allows in a fingerprint; MD2 and MD5 are not among them. */
const allowedHashes: ReadonlySet<string> = new Set(["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"]);

export interface DtlsSessionOptions {
  readonly certificate: Certificate;
  readonly createDtls: (options: DtlsTransportOptions) => DtlsTransport;
  readonly srtpProfiles?: readonly SrtpProfile[];
  readonly mtu?: number;
}

export interface DtlsConnected {
  /** Absent: no SRTP was negotiated. */
  readonly keys: SrtpKeyPair | undefined;
  readonly cipher: string;
  /** DER. */
  readonly remoteCertificate: Uint8Array;
}

/**
 * The DTLS association of one transport: waits for a path, shakes hands, compares the peer's certificate with the
 * fingerprints from signaling, and only then hands out keys (RFC 5763 §5, RFC 8827 §6.5).
 */
export class DtlsSession {
  state: DtlsState = "new";
  error: SessionError | undefined;
  /** Data channels alone need no SRTP: a peer that agrees to no profile is accepted, and there are no keys. */
  isSrtpOptional = false;
  readonly #options: DtlsSessionOptions;
  readonly #early: Uint8Array[] = [];
  #dtls: DtlsTransport | undefined;
  #role: "client" | "server" = "client";
  #fingerprints: readonly Fingerprint[] = [];
  #pathUsable = false;
  #connected: DtlsConnected | undefined;
  readonly #out = new Uint8Array(MAX_DATAGRAM_BYTES);

  constructor(options: DtlsSessionOptions) {
    this.#options = options;
  }

  /**
   * Role and fingerprints are known; a client waits for {@link usePath}, a server for the first datagram too: the time
   * for the handshake must not run out while ICE still looks for a path.
   */
  start(role: "client" | "server", fingerprints: readonly Fingerprint[], nowUs: number): void {
    if (this.#dtls !== undefined || this.state === "closed") return;
    this.#role = role;
    this.#fingerprints = fingerprints;
    const { certificate, createDtls, srtpProfiles, mtu } = this.#options;
    this.#dtls = createDtls({
      role,
      certificate,
      ...(srtpProfiles === undefined ? {} : { srtpProfiles }),
      ...(mtu === undefined ? {} : { mtu }),
    });
    if (this.#pathUsable || (role === "server" && this.#early.length > 0)) this.#begin(nowUs);
  }

  /** A candidate pair works: datagrams can be sent. */
  usePath(nowUs: number): void {
    if (this.#pathUsable) return;
    this.#pathUsable = true;
    if (this.#dtls?.state === "new") this.#begin(nowUs);
  }

  /** Returns false when the datagram was of no use. */
  handleDatagram(datagram: Uint8Array, nowUs: number): boolean {
    if (this.state === "failed" || this.state === "closed") return false;
    const dtls = this.#dtls;
    if (dtls?.state === "new" && this.#role === "server") this.#begin(nowUs);
    if (dtls === undefined || dtls.state === "new") return this.#keepEarly(datagram);
    dtls.handleDatagram(datagram, nowUs);
    this.#update();
    return true;
  }

  handleTimeout(nowUs: number): void {
    if (this.#dtls === undefined || nowUs < this.#dtls.nextDeadlineUs) return;
    this.#dtls.handleTimeout(nowUs);
    this.#update();
  }

  nextDeadlineUs(): number {
    if (this.#dtls === undefined || this.state === "failed" || this.state === "closed") {
      return Number.POSITIVE_INFINITY;
    }
    return this.#dtls.nextDeadlineUs;
  }

  /** A copy of the next datagram to send; undefined when there is none. */
  takeDatagram(): Uint8Array | undefined {
    const length = this.#dtls?.takeDatagram(this.#out) ?? 0;
    return length > 0 ? this.#out.slice(0, length) : undefined;
  }

  get role(): "client" | "server" {
    return this.#role;
  }

  /** The association itself, for what carries many records at once; only while it is connected. */
  get connected(): DtlsTransport | undefined {
    return this.state === "connected" ? this.#dtls : undefined;
  }

  /** The association was used past this class: its state may have changed. */
  noteUse(): void {
    this.#update();
  }

  /** One record of application data; take its datagram before the next. */
  sendApplicationData(data: Uint8Array): void {
    if (this.state === "connected") this.#dtls?.sendApplicationData(data);
  }

  /** The next received application data into `out`; 0: none, or the peer is not verified. */
  takeApplicationData(out: Uint8Array): number {
    return this.state === "connected" ? (this.#dtls?.takeApplicationData(out) ?? 0) : 0;
  }

  /** Once, after the handshake and the comparison of fingerprints. */
  takeConnected(): DtlsConnected | undefined {
    const connected = this.#connected;
    this.#connected = undefined;
    return connected;
  }

  get srtpProfile(): SrtpProfile | "" {
    return this.#dtls?.srtpProfile ?? "";
  }

  /** Queues close_notify; take the datagrams, then {@link destroy}. */
  close(): void {
    if (this.state === "closed") return;
    if (this.#dtls !== undefined && this.state === "connected") this.#dtls.close();
    this.state = "closed";
  }

  destroy(): void {
    this.state = this.state === "failed" ? "failed" : "closed";
    this.#dtls?.destroy();
    this.#dtls = undefined;
  }

  #begin(nowUs: number): void {
    this.#dtls?.start(nowUs);
    this.#update();
    for (const datagram of this.#early.splice(0)) this.handleDatagram(datagram, nowUs);
  }

  #keepEarly(datagram: Uint8Array): boolean {
    if (this.#early.length >= EARLY_DATAGRAMS || datagram.length > MAX_DATAGRAM_BYTES) return false;
    this.#early.push(datagram.slice());
    return true;
  }

  #update(): void {
    const dtls = this.#dtls;
    if (dtls === undefined || dtls.state === this.state || this.state === "failed") return;
    if (dtls.state === "connected") this.#verify(dtls);
    else if (dtls.state === "failed") {
      this.#fail(new SessionError("ERR_DTLS_HANDSHAKE", `DTLS handshake failed: ${dtls.failure}`));
    } else this.state = dtls.state;
  }

  #verify(dtls: DtlsTransport): void {
    if (!this.#fingerprints.some((fingerprint) => matches(dtls, fingerprint))) {
      const found = dtls.remoteFingerprint("sha-256");
      dtls.close();
      this.#fail(
        new SessionError(
          "ERR_DTLS_FINGERPRINT",
          `The peer's certificate (sha-256 ${found}) is none that signaling announced`,
        ),
      );
      return;
    }
    const profile = dtls.srtpProfile;
    if (profile === "" && !this.isSrtpOptional) {
      dtls.close();
      this.#fail(new SessionError("ERR_DTLS_SRTP_PROFILE", "The peer agreed to no SRTP protection profile"));
      return;
    }
    this.state = "connected";
    this.#connected = {
      keys: profile === "" ? undefined : this.#deriveKeys(dtls, profile),
      cipher: dtls.cipher,
      remoteCertificate: dtls.remoteCertificate(),
    };
  }

  #deriveKeys(dtls: DtlsTransport, profile: SrtpProfile): SrtpKeyPair {
    return deriveSrtpKeys(profile, this.#role, (label, length) => dtls.exportKeyingMaterial(label, length));
  }

  #fail(error: SessionError): void {
    this.state = "failed";
    this.error = error;
  }
}

function matches(dtls: DtlsTransport, fingerprint: Fingerprint): boolean {
  const algorithm = fingerprint.algorithm.toLowerCase();
  if (!allowedHashes.has(algorithm)) return false;
  const found = dtls.remoteFingerprint(algorithm);
  return found !== "" && found.toUpperCase() === fingerprint.value.toUpperCase();
}
