/**
 * The short way of small messages between the main thread and a worker, beside their message ports: a ring each way, the
 * worker woken by its doorbell, the main thread by a waker. A port clones objects and starts a chain of listeners at
 * every message, which costs more than all else a message of a few bytes goes through.
 *
 * Order is kept with what goes by the ports: a message takes the lane only while nothing that was posted before waits to
 * be taken, and whoever takes something from a port looks into the lane first.
 */
import { native, type Waker } from "../../../native/addon.js";
import type { Doorbell } from "./doorbell.js";
import { MessageRing } from "./message_ring.js";
import { allocateShared, releaseShared } from "./shared_memory.js";

/** Larger ones are moved through the port rather than copied. */
export const MAX_LANE_BYTES = 4096;
/** What may wait each way. */
const RING_BYTES = 1 << 17;

/** Of a record in a lane. */
export const LaneKind = {
  text: 0,
  binary: 1,
  /** So many bytes of what waited in the channel were sent (the record's value). */
  sent: 2,
} as const;

/** Int32 words of a lane's state, each on a cache line of its own. */
const LaneWord = {
  /** Orders that the worker has taken from its port. */
  ordersTaken: 0,
  /** Events that the main thread has taken from its port. */
  eventsTaken: 16,
  /** 1: the main thread has been woken and has not looked yet. */
  woken: 32,
  /** The main thread's waker. */
  waker: 33,
  words: 48,
} as const;

export interface MessageLaneBuffers {
  readonly toWorker: SharedArrayBuffer;
  readonly toMain: SharedArrayBuffer;
  readonly state: SharedArrayBuffer;
}

export const MessageLane = {
  allocate: (): MessageLaneBuffers => ({
    toWorker: MessageRing.allocate(RING_BYTES),
    toMain: MessageRing.allocate(RING_BYTES),
    state: allocateShared(4 * LaneWord.words),
  }),
  release({ toWorker, toMain, state }: MessageLaneBuffers): void {
    for (const block of [toWorker, toMain, state]) releaseShared(block);
  },
} as const;

const NOTHING = new Uint8Array(0);

/** The main thread's end. */
export class MainLane {
  readonly #out: MessageRing;
  readonly #in: MessageRing;
  readonly #state: Int32Array;
  readonly #doorbell: Doorbell;
  readonly #handle: (message: MessageRing) => void;
  readonly #waker: Waker;
  #ordersPosted = 0;

  /** @param handle is called with each message that came, whose fields hold until it returns */
  constructor(buffers: MessageLaneBuffers, doorbell: Doorbell, handle: (message: MessageRing) => void) {
    this.#out = new MessageRing(buffers.toWorker);
    this.#in = new MessageRing(buffers.toMain);
    this.#state = new Int32Array(buffers.state);
    this.#doorbell = doorbell;
    this.#handle = handle;
    this.#waker = new native.Waker(() => this.drain());
    Atomics.store(this.#state, LaneWord.waker, this.#waker.id);
  }

  /** An order is posted now. */
  notePosted(): void {
    this.#ordersPosted = (this.#ordersPosted + 1) | 0;
  }

  /** An event of the worker was taken from the port and handled. */
  noteTaken(): void {
    Atomics.add(this.#state, LaneWord.eventsTaken, 1);
  }

  /** False: it has to be posted. */
  send(transportId: number, channel: number, binary: boolean, data: ArrayBuffer): boolean {
    const { byteLength } = data;
    if (byteLength > MAX_LANE_BYTES) return false;
    if (Atomics.load(this.#state, LaneWord.ordersTaken) !== this.#ordersPosted) return false;
    const kind = binary ? LaneKind.binary : LaneKind.text;
    if (!this.#out.write(transportId, channel, kind, 0, new Uint8Array(data), byteLength)) return false;
    this.#doorbell.ring();
    return true;
  }

  /** Hands on what has come; what comes meanwhile wakes again. */
  drain(): void {
    Atomics.store(this.#state, LaneWord.woken, 0);
    const { end } = this.#in;
    try {
      while (this.#in.isBefore(end) && this.#in.take()) this.#handle(this.#in);
    } finally {
      // A listener may have thrown.
      if (this.#in.isBefore(end)) native.wake(this.#waker.id);
    }
  }

  /** The worker has ended, and another takes its place. */
  reset(): void {
    this.#ordersPosted = 0;
    this.#in.clear();
    this.#out.clear();
    for (const word of [LaneWord.ordersTaken, LaneWord.eventsTaken, LaneWord.woken]) {
      Atomics.store(this.#state, word, 0);
    }
  }

  close(): void {
    this.#waker.close();
  }
}

/** The worker's end. */
export class WorkerLane {
  readonly #in: MessageRing;
  readonly #out: MessageRing;
  readonly #state: Int32Array;
  #eventsPosted = 0;
  #isUntold = false;

  constructor(buffers: MessageLaneBuffers) {
    this.#in = new MessageRing(buffers.toWorker);
    this.#out = new MessageRing(buffers.toMain);
    this.#state = new Int32Array(buffers.state);
  }

  /** The next message; undefined when there is none. Its fields hold until the next call. */
  take(): MessageRing | undefined {
    return this.#in.take() ? this.#in : undefined;
  }

  /** An order was taken from the port and obeyed. */
  noteTaken(): void {
    Atomics.add(this.#state, LaneWord.ordersTaken, 1);
  }

  /** An event is posted now. */
  notePosted(): void {
    this.#eventsPosted = (this.#eventsPosted + 1) | 0;
  }

  /** False: it has to be posted. {@link flush} follows. */
  message(transportId: number, channel: number, binary: boolean, bytes: Uint8Array, length: number): boolean {
    const kind = binary ? LaneKind.binary : LaneKind.text;
    return length <= MAX_LANE_BYTES && this.#write(transportId, channel, kind, 0, bytes, length);
  }

  /** As {@link message}, that `bytes` of what waited in the channel were sent. */
  sent(transportId: number, channel: number, bytes: number): boolean {
    return this.#write(transportId, channel, LaneKind.sent, bytes, NOTHING, 0);
  }

  #write(
    transportId: number,
    channel: number,
    kind: number,
    value: number,
    bytes: Uint8Array,
    length: number,
  ): boolean {
    if (Atomics.load(this.#state, LaneWord.eventsTaken) !== this.#eventsPosted) return false;
    if (!this.#out.write(transportId, channel, kind, value, bytes, length)) return false;
    this.#isUntold = true;
    return true;
  }

  /** Wakes the main thread for what was written, unless it is about to look anyway. */
  flush(): void {
    if (!this.#isUntold) return;
    this.#isUntold = false;
    if (Atomics.exchange(this.#state, LaneWord.woken, 1) === 1) return;
    native.wake(Atomics.load(this.#state, LaneWord.waker));
  }
}
