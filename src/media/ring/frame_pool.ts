import { type SlotState, SlotWord } from "./layout.js";
import { RingError } from "./ring_error.js";
import { allocateShared } from "./shared_memory.js";

/** The memory of a pool, structured-cloneable. */
export interface FramePoolBuffers {
  readonly slots: number;
  readonly slotBytes: number;
  readonly bytes: SharedArrayBuffer;
  readonly states: SharedArrayBuffer;
}

/**
 * Equal slots of shared memory. Each slot has an owner (its state word, written by the owner when it passes the slot
 * on) and a generation that grows with every reuse, so that a stale descriptor can be told. Pages are touched, and so
 * paid for, only when a slot is first used.
 */
export class FramePool {
  readonly buffers: FramePoolBuffers;
  readonly #views: Uint8Array[] = [];
  readonly #states: Int32Array;

  static allocate(slots: number, slotBytes: number): FramePool {
    if (!Number.isInteger(slots) || slots < 1) {
      throw new RingError("RING_ARGUMENT", `frame pool: slots must be at least 1, found ${slots}`);
    }
    if (!Number.isInteger(slotBytes) || slotBytes < 1) {
      throw new RingError("RING_ARGUMENT", `frame pool: slotBytes must be at least 1, found ${slotBytes}`);
    }
    // Slots start on cache lines: no false sharing, aligned rows for the SIMD code.
    const aligned = (slotBytes + 63) & ~63;
    return new FramePool({
      slots,
      slotBytes: aligned,
      bytes: allocateShared(aligned * slots, false),
      states: allocateShared(4 * SlotWord.words * slots),
    });
  }

  constructor(buffers: FramePoolBuffers) {
    this.buffers = buffers;
    this.#states = new Int32Array(buffers.states);
    for (let slot = 0; slot < buffers.slots; slot++) {
      this.#views.push(new Uint8Array(buffers.bytes, slot * buffers.slotBytes, buffers.slotBytes));
    }
  }

  /** The whole slot; the view is made once and kept. */
  bytes(slot: number): Uint8Array {
    return this.#views[slot];
  }

  state(slot: number): number {
    return Atomics.load(this.#states, slot * SlotWord.words + SlotWord.state);
  }

  setState(slot: number, state: number): void {
    Atomics.store(this.#states, slot * SlotWord.words + SlotWord.state, state);
  }

  generation(slot: number): number {
    return Atomics.load(this.#states, slot * SlotWord.words + SlotWord.generation);
  }

  /** Producer: a new use of the slot begins. */
  nextGeneration(slot: number): number {
    return Atomics.add(this.#states, slot * SlotWord.words + SlotWord.generation, 1) + 1;
  }

  /** The slots whose owner is `state`: what a restarted thread finds of its predecessor. */
  ownedBy(state: (typeof SlotState)[keyof typeof SlotState]): number[] {
    const found: number[] = [];
    for (let slot = 0; slot < this.buffers.slots; slot++) if (this.state(slot) === state) found.push(slot);
    return found;
  }
}
