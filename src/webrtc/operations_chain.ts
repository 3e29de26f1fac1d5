import { domError } from "./dom_error.js";

/**
 * The operations chain of a peer connection (WebRTC 1.0 §4.4.1.2): one operation that changes the session at a time,
 * in the order they were called.
 */
export class OperationsChain {
  private readonly operations: (() => void)[] = [];
  private closed = false;

  /** @param onEmpty - called whenever the last operation has ended. */
  constructor(private readonly onEmpty: () => void) {}

  get isEmpty(): boolean {
    return this.operations.length === 0;
  }

  /** Runs `operation` when all before it have ended. After {@link close} its promise stays pending, as the W3C wants it. */
  chain<T>(operation: () => Promise<T>): Promise<T> {
    if (this.closed) return Promise.reject(domError("InvalidStateError", "The connection is closed"));
    return new Promise<T>((resolve, reject) => {
      const run = () => {
        settle(operation).then(
          (value) => this.finish(() => resolve(value)),
          (error: unknown) => this.finish(() => reject(error)),
        );
      };
      this.operations.push(run);
      if (this.operations.length === 1) run();
    });
  }

  close(): void {
    this.closed = true;
    this.operations.length = 0;
  }

  private finish(report: () => void): void {
    if (this.closed) return;
    report();
    this.operations.shift();
    if (this.operations.length > 0) this.operations[0]();
    else this.onEmpty();
  }
}

/** An operation that throws at once fails like one that rejects. */
async function settle<T>(operation: () => Promise<T>): Promise<T> {
  return operation();
}
