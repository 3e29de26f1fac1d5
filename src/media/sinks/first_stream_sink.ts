/** A file, or what else keeps media, of the first stream that has something for it. */
export class FirstStreamSink<S extends { close(): void }> {
  #sink: S | undefined;
  /** -1: none has come. */
  #streamId = -1;
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure hears why nothing is kept any more */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Puts another one in its place; undefined: none. */
  open(make: () => S | undefined): void {
    this.close();
    try {
      this.#sink = make();
    } catch (error) {
      this.fail(error);
    }
  }

  /** The sink, for what a stream has; undefined when there is none or it keeps another stream. */
  of(streamId: number): S | undefined {
    if (this.#sink === undefined) return undefined;
    if (this.#streamId < 0) this.#streamId = streamId;
    return this.#streamId === streamId ? this.#sink : undefined;
  }

  /** The stream is gone: the next one that has something is kept. */
  forget(streamId: number): void {
    if (this.#streamId === streamId) this.#streamId = -1;
  }

  /** A sink that cannot be written is dropped; the call goes on. */
  fail(error: unknown): void {
    const sink = this.#sink;
    this.#sink = undefined;
    try {
      sink?.close();
    } catch {
      // What came first is what went wrong.
    }
    this.#onFailure(error);
  }

  close(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#streamId = -1;
    try {
      sink?.close();
    } catch (error) {
      this.fail(error);
    }
  }
}
