/** Enough for any challenge; a source cannot save up for a burst. */
const MAX_CREDIT_BYTES = 512;

/**
 * Keeps the server from amplifying: a source that has proven nothing gets no more bytes than it sent. An answer that the
 * request does not pay for is withheld; the client's next retransmission pays the rest. Bounded: the source that was
 * silent longest is forgotten first.
 */
export class ReplyCredit {
  readonly #credits = new Map<string, number>();
  readonly #maxSources: number;

  constructor(maxSources: number) {
    this.#maxSources = maxSources;
  }

  get sources(): number {
    return this.#credits.size;
  }

  /**
   * @param source - the IP address asked from, whatever its spelling
   * @returns whether an answer of `replyBytes` to a request of `requestBytes` may be sent
   */
  pay(source: string, requestBytes: number, replyBytes: number): boolean {
    const saved = this.#credits.get(source) ?? 0;
    this.#credits.delete(source);
    const credit = saved + requestBytes;
    const paid = credit >= replyBytes;
    const left = Math.min(MAX_CREDIT_BYTES, paid ? credit - replyBytes : credit);
    if (left > 0) this.#remember(source, left);
    return paid;
  }

  #remember(source: string, credit: number): void {
    if (this.#credits.size >= this.#maxSources) {
      for (const oldest of this.#credits.keys()) {
        this.#credits.delete(oldest);
        break;
      }
    }
    this.#credits.set(source, credit);
  }
}
