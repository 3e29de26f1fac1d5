import type { OrderOf, WorkerName } from "../engine_messages.js";
import type { TransportHost } from "./transport_host.js";

/** The three threads that know transports. */
export type TransportWorker = "receiver" | "sender" | "rtcp";

/** A thread that does not answer within this time is passed over. */
const ANSWER_MS = 1_000;

/** One transport's orders to the threads: whom they wake, and which still go out once it closes. */
export class TransportOrders {
  readonly transportId: number;
  readonly #host: TransportHost;
  readonly #answers = new Map<WorkerName, () => void>();
  /** Threads that have orders they were not woken for; undefined once there are keys. */
  #unwoken: Set<WorkerName> | undefined = new Set();
  #isEnded = false;

  constructor(transportId: number, host: TransportHost) {
    this.transportId = transportId;
    this.#host = host;
  }

  /** Nothing but the close itself goes out once it began. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  end(): void {
    this.#isEnded = true;
  }

  send<N extends TransportWorker>(name: N, order: OrderOf<N>, transfer?: ArrayBuffer[]): void {
    if (!this.#isEnded) this.#host.post(name, order, transfer);
  }

  /** Before there are keys no media flows, and threads that have nothing to do before are not woken for what is to come. */
  prepare<N extends "sender" | "rtcp" | "decoder" | "speaker">(name: N, order: OrderOf<N>): void {
    if (this.#unwoken === undefined) {
      this.#host.post(name, order);
      return;
    }
    this.#unwoken.add(name);
    this.#host.postQuietly(name, order);
  }

  wakePrepared(): void {
    for (const name of this.#unwoken ?? []) this.#host.ring(name);
    this.#unwoken = undefined;
  }

  /** Resolves when the thread has let go, or is not there to answer. */
  closeIn(name: TransportWorker): Promise<void> {
    return answerTo((answered) => {
      this.#answers.set(name, answered);
      this.#host.post(name, { type: "closeTransport", transportId: this.transportId });
    });
  }

  /** The thread has let go. */
  closedIn(name: WorkerName): void {
    this.#answers.get(name)?.();
  }
}

/** Resolves when `ask`'s question was answered, or the time for it is over. */
export function answerTo(ask: (answered: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ANSWER_MS);
    ask(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
