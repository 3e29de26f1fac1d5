import { type MessagePort, Worker } from "node:worker_threads";
import type { OrderOf, WiringOf, WorkerEvent, WorkerName } from "./engine_messages.js";
import { MediaError } from "./media_error.js";
import type { Doorbell } from "./ring/doorbell.js";

/** A thread that does not say ready, or stopped, within this time counts as hung. */
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;

/** What may move to a worker instead of being copied. */
export type Transferred = ArrayBuffer | MessagePort;

export interface WorkerThreadListeners {
  onEvent(event: WorkerEvent): void;
  /** The thread ended though nobody told it to. */
  onDeath(code: string, message: string): void;
}

/** The main thread's end of one worker: starts it, talks to it, stops it, notices its death. */
export class WorkerThread<N extends WorkerName> {
  readonly name: N;
  readonly #worker: Worker;
  readonly #doorbell: Doorbell;
  readonly #listeners: WorkerThreadListeners;
  readonly #stopped: Promise<void>;
  #settleStopped: () => void = () => {};
  #failure: { code: string; message: string } | undefined;
  #stopping = false;
  #isRinging = false;
  #settleReady: ((error?: Error) => void) | undefined;
  /** Resolves when the thread is gone. */
  readonly exited: Promise<void>;
  /** Resolves when the worker said ready; rejects with why it could not start. */
  readonly ready: Promise<void>;

  constructor(wiring: WiringOf<N> & { name: N }, doorbell: Doorbell, listeners: WorkerThreadListeners) {
    this.name = wiring.name;
    this.#doorbell = doorbell;
    this.#listeners = listeners;
    const file = new URL(`../../workers/${wiring.name}.js`, import.meta.url);
    // The program's own flags (--input-type, loaders) are not meant for these threads, and some keep them from starting.
    this.#worker = new Worker(file, { workerData: wiring, name: wiring.name, execArgv: [] });
    this.ready = this.#awaitReady();
    this.#stopped = new Promise((resolve) => {
      this.#settleStopped = resolve;
    });
    this.exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
    this.#worker.on("message", (event: WorkerEvent) => this.#handle(event));
    this.#worker.on("error", (error: Error) => this.#noteFailure("WORKER_FAILED", error.message));
    this.#worker.once("exit", (code) => this.#handleExit(code));
  }

  /**
   * What is in `transfer` moves to the worker and is empty here. The worker is woken once for all that is posted before the
   * caller's turn ends: waking a thread costs more than the order, and on a busy machine the thread that wakes waits.
   */
  post(order: OrderOf<N>, transfer?: Transferred[]): void {
    this.postQuietly(order, transfer);
    this.ring();
  }

  /** As {@link post}, without waking the worker: for what need not be known before the next order. */
  postQuietly(order: OrderOf<N>, transfer?: Transferred[]): void {
    this.#worker.postMessage(order, transfer);
    this.#doorbell.noteControl();
  }

  /** Wakes the worker when the caller's turn ends. */
  ring(): void {
    if (this.#isRinging) return;
    this.#isRinging = true;
    queueMicrotask(() => {
      this.#isRinging = false;
      this.#doorbell.ring();
    });
  }

  /** Ends the worker in order; resolves when it has let go of everything ({@link exited}: when the thread is gone). */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.post({ type: "stop" } as OrderOf<N>);
    // A hung one is ended by force.
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_TIMEOUT_MS);
    void this.exited.then(() => clearTimeout(timer));
    await Promise.race([this.#stopped, this.exited]);
  }

  /** Ends the thread by force, as a crash would. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Whether the process waits for this thread. */
  holdProcess(holds: boolean): void {
    if (holds) this.#worker.ref();
    else this.#worker.unref();
  }

  #awaitReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settleReady?.(
          new MediaError("START_TIMEOUT", `worker ${this.name} did not start in ${START_TIMEOUT_MS} ms`),
        );
      }, START_TIMEOUT_MS);
      this.#settleReady = (error) => {
        clearTimeout(timer);
        this.#settleReady = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }

  #handle(event: WorkerEvent): void {
    if (event.type === "ready") this.#settleReady?.();
    else if (event.type === "stopped") this.#settleStopped();
    else if (event.type === "failed") this.#noteFailure(event.code, event.message);
    else this.#listeners.onEvent(event);
  }

  #noteFailure(code: string, message: string): void {
    this.#failure ??= { code, message };
  }

  #handleExit(exitCode: number): void {
    const { code, message } = this.#failure ?? {
      code: "WORKER_FAILED",
      message: `worker ${this.name} ended with exit code ${exitCode}`,
    };
    if (this.#settleReady !== undefined) {
      this.#settleReady(new MediaError(asMediaCode(code), message));
    } else if (!this.#stopping) {
      this.#listeners.onDeath(code, message);
    }
  }
}

function asMediaCode(code: string): MediaError["code"] {
  const known = ["BAD_SOURCE", "BAD_FILE", "SOURCE_FAILED", "CODEC_FAILED"] as const;
  return known.find((candidate) => candidate === code) ?? "WORKER_FAILED";
}
