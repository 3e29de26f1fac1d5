import type { PacketListener } from "../output_listener.js";
import { PacketReaders } from "../packet_readers.js";
import type { SlotChannelBuffers } from "../ring/slot_channel.js";
import type { StreamBehind } from "./incoming_stream.js";
import type { TransportOrders } from "./transport_orders.js";

/** Who reads the packets of a transport's receive streams, and from which stream each reader's come at present. */
export class PacketTaps {
  readonly #orders: TransportOrders;
  readonly #behind: StreamBehind;
  readonly #readers = new Map<string, PacketReaders>();

  constructor(orders: TransportOrders, behind: StreamBehind) {
    this.#orders = orders;
    this.#behind = behind;
  }

  /** Returns the function that ends it. */
  add(key: string, listener: PacketListener): () => void {
    const readers = this.#readers.get(key) ?? new PacketReaders(key);
    this.#readers.set(key, readers);
    readers.add(listener);
    this.#point(key, readers);
    return () => {
      readers.delete(listener);
      if (!readers.isEmpty || this.#readers.get(key) !== readers) return;
      this.#readers.delete(key);
      this.#setTap(readers.streamId);
    };
  }

  /** Another stream may be behind the key now. */
  repoint(key: string): void {
    const readers = this.#readers.get(key);
    if (readers !== undefined) this.#point(key, readers);
  }

  repointAll(): void {
    for (const [key, readers] of this.#readers) this.#point(key, readers);
  }

  /** The stream is gone, and its tap with it. */
  forget(streamId: number): void {
    for (const readers of this.#readers.values()) {
      if (readers.streamId === streamId) readers.streamId = undefined;
    }
  }

  /** Packets of the stream wait. */
  drain(streamId: number): void {
    for (const readers of this.#readers.values()) {
      if (readers.streamId === streamId) readers.drain();
    }
  }

  /** Their packets are those of the stream that is behind the key now. */
  #point(key: string, readers: PacketReaders): void {
    const streamId = this.#behind(key)?.streamId;
    if (streamId === readers.streamId) return;
    this.#setTap(readers.streamId);
    readers.streamId = streamId;
    this.#setTap(streamId, readers.channel);
  }

  #setTap(streamId: number | undefined, channel?: SlotChannelBuffers): void {
    if (streamId === undefined) return;
    const { transportId } = this.#orders;
    const order = { type: "setPacketTap", transportId, streamId } as const;
    this.#orders.send("receiver", channel === undefined ? order : { ...order, channel });
  }
}
