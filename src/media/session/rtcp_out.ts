import type { SlotProducer } from "../ring/slot_channel.js";

/** What a slot of the channel rtcp → sender holds, in its descriptor's `tag`; `streamId` is the transport's id. */
export const RtcpOutTag = {
  /** A compound to protect and send. */
  compound: 1,
  /** Big-endian sequence numbers to send again, of the SSRC in `rtpTimestamp`. */
  resend: 2,
  /** Content of a transport-wide feedback message. */
  transportFeedback: 3,
  /** Bits a second that the peer asks not to exceed, in `rtpTimestamp`; {@link NO_LIMIT}: none. */
  rateLimit: 4,
} as const;

/** No limit, or none below 4 Gbit/s. */
export const NO_LIMIT = 0xffffffff;

/** The rtcp thread's way to the sender. */
export class RtcpOut {
  /** Compounds and requests that found no free slot. */
  dropped = 0;
  readonly #producer: SlotProducer;

  /** @param producer with the sender's doorbell */
  constructor(producer: SlotProducer) {
    this.#producer = producer;
  }

  compound(transportId: number, bytes: Uint8Array, length: number): void {
    this.#copy(RtcpOutTag.compound, transportId, bytes, length);
  }

  transportFeedback(transportId: number, content: Uint8Array): void {
    this.#copy(RtcpOutTag.transportFeedback, transportId, content, content.length);
  }

  #copy(tag: number, transportId: number, bytes: Uint8Array, length: number): void {
    const slot = length <= this.#producer.slotBytes ? this.#producer.acquire() : -1;
    if (slot < 0) {
      this.dropped++;
      return;
    }
    const target = this.#producer.bytes(slot);
    for (let i = 0; i < length; i++) target[i] = bytes[i];
    this.#publish(slot, tag, transportId, length, 0);
  }

  rateLimit(transportId: number, bps: number): void {
    const slot = this.#producer.acquire();
    if (slot < 0) this.dropped++;
    else this.#publish(slot, RtcpOutTag.rateLimit, transportId, 0, Math.min(NO_LIMIT, Math.floor(bps)));
  }

  resend(transportId: number, ssrc: number, sequenceNumbers: readonly number[]): void {
    const slot = this.#producer.acquire();
    if (slot < 0) {
      this.dropped++;
      return;
    }
    const target = this.#producer.bytes(slot);
    const count = Math.min(sequenceNumbers.length, target.length >> 1);
    for (let i = 0; i < count; i++) {
      target[2 * i] = sequenceNumbers[i] >>> 8;
      target[2 * i + 1] = sequenceNumbers[i];
    }
    this.#publish(slot, RtcpOutTag.resend, transportId, 2 * count, ssrc);
  }

  #publish(slot: number, tag: number, transportId: number, length: number, ssrc: number): void {
    const { descriptor } = this.#producer;
    descriptor.tag = tag;
    descriptor.streamId = transportId;
    descriptor.byteLength = length;
    descriptor.rtpTimestamp = ssrc;
    this.#producer.publish(slot);
  }
}
