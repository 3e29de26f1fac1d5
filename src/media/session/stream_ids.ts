/** Which SCTP stream ids are free for data channels (RFC 8832 §6: the DTLS client opens on even ids, the server on odd). */
export class StreamIds {
  readonly #used = new Set<number>();
  readonly #parity: 0 | 1;

  /** `streams`: ids from 0 up to one below it exist. */
  constructor(
    dtlsRole: "client" | "server",
    private readonly streams: number,
  ) {
    this.#parity = dtlsRole === "client" ? 0 : 1;
  }

  /** The lowest free id of our parity, taken by the caller; -1: none is left. */
  next(): number {
    for (let id: number = this.#parity; id < this.streams; id += 2) if (!this.#used.has(id)) return id;
    return -1;
  }

  take(id: number): void {
    this.#used.add(id);
  }

  release(id: number): void {
    this.#used.delete(id);
  }

  /** Whether the peer may open a channel on it. */
  isTheirs(id: number): boolean {
    return id < this.streams && id % 2 !== this.#parity && !this.#used.has(id);
  }
}
