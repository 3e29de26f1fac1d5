import { native } from "../../../native/addon.js";
import { DoorbellWord } from "./layout.js";
import { allocateShared } from "./shared_memory.js";

/** Longest single sleep, so that a thread whose clock or bell failed still looks around. */
const MAX_WAIT_US = 10_000_000;
/** Longest sleep in a poller: unlike Atomics.wait, it keeps Node from ending the thread. */
const MAX_POLL_US = 250_000;

/**
 * Wakes one thread. Any thread rings; the owner waits in `Atomics.wait`, or in a poller whose eventfd it announced
 * with {@link useEventFd}. Ringing a thread that is awake costs two atomic operations and no system call.
 */
export class Doorbell {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  static allocate(): Doorbell {
    return new Doorbell(allocateShared(4 * DoorbellWord.words));
  }

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  /** Wakes the owner, or keeps it from falling asleep. */
  ring(): void {
    Atomics.add(this.#words, DoorbellWord.sequence, 1);
    if (Atomics.exchange(this.#words, DoorbellWord.waiting, 0) === 0) return;
    const eventFd = Atomics.load(this.#words, DoorbellWord.eventFd);
    if (eventFd > 0) native.ringDoorbell(eventFd - 1);
    else Atomics.notify(this.#words, DoorbellWord.sequence);
  }

  /** A control message was posted: the owner reads its port the next time it is awake. {@link ring} wakes it for that. */
  noteControl(): void {
    Atomics.add(this.#words, DoorbellWord.control, 1);
  }

  /** Owner: rings so far. Read it before looking for work, and pass it to {@link wait}. */
  sequence(): number {
    return Atomics.load(this.#words, DoorbellWord.sequence);
  }

  /** Control messages posted so far; the owner reads its port only when this moved. */
  controlSequence(): number {
    return Atomics.load(this.#words, DoorbellWord.control);
  }

  /** Owner: from now on it sleeps in a poller with this eventfd; -1 goes back to Atomics.wait. */
  useEventFd(fd: number): void {
    Atomics.store(this.#words, DoorbellWord.eventFd, fd + 1);
  }

  /**
   * Owner: sleeps until rung after `seen` was read, or until `deadlineUs`. `poll` sleeps in its own way for at most
   * the microseconds it is given (the poller of {@link useEventFd}); without it the thread sleeps in Atomics.wait.
   */
  wait(seen: number, deadlineUs: number, poll?: (timeoutUs: number) => void): void {
    const longestUs = poll === undefined ? MAX_WAIT_US : MAX_POLL_US;
    const timeoutUs = Math.min(deadlineUs - native.monotonicUs(), longestUs);
    if (timeoutUs <= 0 && poll === undefined) return;
    Atomics.store(this.#words, DoorbellWord.waiting, 1);
    if (poll !== undefined) poll(this.sequence() === seen ? Math.max(0, timeoutUs) : 0);
    else Atomics.wait(this.#words, DoorbellWord.sequence, seen, timeoutUs / 1000);
    Atomics.store(this.#words, DoorbellWord.waiting, 0);
  }
}
