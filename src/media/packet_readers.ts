import type { PacketListener } from "./output_listener.js";
import { SlotChannel, type SlotChannelBuffers, SlotConsumer } from "./ring/slot_channel.js";
import { TAP_SLOT_BYTES, TAP_SLOTS } from "./session/packet_tap.js";

/** The main thread's end of one stream's packets: they outlive the streams behind it. */
export class PacketReaders {
  readonly channel: SlotChannelBuffers;
  /** Whose packets they are at present. */
  streamId: number | undefined;
  readonly #consumer: SlotConsumer;
  readonly #listeners = new Set<PacketListener>();

  constructor(key: string) {
    this.channel = SlotChannel.allocate({
      name: `packets ${key}`,
      slots: TAP_SLOTS,
      slotBytes: TAP_SLOT_BYTES,
    });
    this.#consumer = new SlotConsumer(this.channel);
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0;
  }

  add(listener: PacketListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: PacketListener): void {
    this.#listeners.delete(listener);
  }

  /** Hands on what waits. A listener that throws does not keep the slot. */
  drain(): void {
    const consumer = this.#consumer;
    while (consumer.take()) {
      const { slot, descriptor } = consumer;
      try {
        const packet = consumer.bytes(slot).subarray(0, descriptor.byteLength);
        for (const listener of this.#listeners) listener(packet, descriptor);
      } finally {
        consumer.release(slot);
      }
    }
  }
}
