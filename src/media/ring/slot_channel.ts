import { native } from "../../../native/addon.js";
import { Descriptor } from "./descriptor.js";
import type { Doorbell } from "./doorbell.js";
import { FramePool, type FramePoolBuffers } from "./frame_pool.js";
import { DESCRIPTOR_WORDS, SlotState } from "./layout.js";
import { releaseShared } from "./shared_memory.js";
import { SpscRing } from "./spsc_ring.js";

/** A channel's memory; hand it to both threads as workerData. */
export interface SlotChannelBuffers {
  readonly name: string;
  readonly pool: FramePoolBuffers;
  readonly descriptors: SharedArrayBuffer;
  readonly free: SharedArrayBuffer;
}

/**
 * A way for frames from one thread to one other: a pool of slots, a ring of descriptors forward and a ring of free
 * slots back. Neither ring can overflow, since each holds as many records as there are slots; "full" is therefore
 * always "no free slot", and shows at {@link SlotProducer.acquire}.
 */
export const SlotChannel = {
  allocate(options: { name: string; slots: number; slotBytes: number }): SlotChannelBuffers {
    const { name, slots, slotBytes } = options;
    const pool = FramePool.allocate(slots, slotBytes);
    const free = SpscRing.allocate({ records: slots, recordWords: 2 });
    for (let slot = 0; slot < slots; slot++) {
      free.words[free.reserve()] = slot;
      free.commit();
    }
    const descriptors = SpscRing.allocate({ records: slots, recordWords: DESCRIPTOR_WORDS });
    return { name, pool: pool.buffers, descriptors: descriptors.buffer, free: free.buffer };
  },

  /** Keeps the memory for the next channel of its size; neither end may be in use any more. */
  release({ pool, descriptors, free }: SlotChannelBuffers): void {
    for (const block of [pool.bytes, pool.states, descriptors, free]) releaseShared(block);
  },
} as const;

/** The writing end. */
export class SlotProducer {
  readonly name: string;
  readonly slotBytes: number;
  /** Fill this before {@link publish}; slot, generation and enqueuedUs are filled for you. */
  readonly descriptor = new Descriptor();
  /** Times {@link acquire} found no free slot. */
  starved = 0;
  readonly #pool: FramePool;
  readonly #descriptors: SpscRing;
  readonly #free: SpscRing;
  /** Slots this side holds unused: given back by {@link abandon}, or left by a predecessor. */
  readonly #spare: number[];
  readonly #doorbell: Doorbell | undefined;

  /** @param doorbell the consumer's; rung at every publish. */
  constructor(buffers: SlotChannelBuffers, doorbell?: Doorbell) {
    this.name = buffers.name;
    this.slotBytes = buffers.pool.slotBytes;
    this.#pool = new FramePool(buffers.pool);
    this.#descriptors = new SpscRing(buffers.descriptors);
    this.#free = new SpscRing(buffers.free);
    this.#doorbell = doorbell;
    this.#spare = this.#pool.ownedBy(SlotState.producer);
  }

  /** A free slot to write to, or -1 when the consumer holds them all. */
  acquire(): number {
    const slot = this.#spare.pop() ?? this.#takeFree();
    if (slot < 0) {
      this.starved++;
      return -1;
    }
    this.#pool.setState(slot, SlotState.producer);
    this.#pool.nextGeneration(slot);
    return slot;
  }

  bytes(slot: number): Uint8Array {
    return this.#pool.bytes(slot);
  }

  /** Hands `slot` with the current {@link descriptor} to the consumer and rings its doorbell. */
  publish(slot: number): void {
    const at = this.#descriptors.reserve();
    const descriptor = this.descriptor;
    descriptor.slot = slot;
    descriptor.generation = this.#pool.generation(slot);
    descriptor.enqueuedUs = native.monotonicUs();
    descriptor.write(this.#descriptors, at);
    this.#pool.setState(slot, SlotState.queued);
    this.#descriptors.commit();
    this.#doorbell?.ring();
  }

  /** Gives an acquired slot back unused. */
  abandon(slot: number): void {
    this.#spare.push(slot);
  }

  /** Published slots that the consumer has not taken yet. */
  get queued(): number {
    return this.#descriptors.size;
  }

  #takeFree(): number {
    const at = this.#free.peek();
    if (at < 0) return -1;
    const slot = this.#free.words[at];
    this.#free.advance();
    return slot;
  }
}

/** The reading end. */
export class SlotConsumer {
  readonly name: string;
  /** Filled by {@link take}. */
  readonly descriptor = new Descriptor();
  /** Frames that {@link takeNewest} skipped. */
  skipped = 0;
  readonly #pool: FramePool;
  readonly #descriptors: SpscRing;
  readonly #free: SpscRing;

  constructor(buffers: SlotChannelBuffers) {
    this.name = buffers.name;
    this.#pool = new FramePool(buffers.pool);
    this.#descriptors = new SpscRing(buffers.descriptors);
    this.#free = new SpscRing(buffers.free);
    // A predecessor that died holding slots would starve the channel for ever.
    for (const slot of this.#pool.ownedBy(SlotState.consumer)) this.release(slot);
  }

  /** The slot of the last {@link take}. */
  get slot(): number {
    return this.descriptor.slot;
  }

  /** Takes the oldest frame into {@link descriptor}; false when there is none. Release it when done. */
  take(): boolean {
    const at = this.#descriptors.peek();
    if (at < 0) return false;
    this.descriptor.read(this.#descriptors, at);
    this.#pool.setState(this.descriptor.slot, SlotState.consumer);
    this.#descriptors.advance();
    return true;
  }

  /** Takes the newest frame, gives the older ones back and counts them in {@link skipped}. */
  takeNewest(): boolean {
    if (!this.take()) return false;
    for (;;) {
      const older = this.descriptor.slot;
      if (!this.take()) return true;
      this.release(older);
      this.skipped++;
    }
  }

  bytes(slot: number): Uint8Array {
    return this.#pool.bytes(slot);
  }

  /** Whether `slot` still holds what `generation` named. */
  isCurrent(slot: number, generation: number): boolean {
    return this.#pool.generation(slot) === generation;
  }

  release(slot: number): void {
    const at = this.#free.reserve();
    this.#free.words[at] = slot;
    this.#pool.setState(slot, SlotState.free);
    this.#free.commit();
  }

  /** Frames waiting. */
  get queued(): number {
    return this.#descriptors.size;
  }
}
