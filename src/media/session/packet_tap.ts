import { copyBytes } from "../../protocol/primitives/bytes.js";
import { RTP_FIXED_HEADER_BYTES, type RtpHeader, writeRtpHeader } from "../../protocol/rtp/rtp_header.js";
import { type SlotChannelBuffers, SlotProducer } from "../ring/slot_channel.js";

/** Slots of the channel to whoever reads packets: a keyframe's packets and those of some rounds more. */
export const TAP_SLOTS = 512;
/** Larger packets are not handed on. */
export const TAP_SLOT_BYTES = 1536;

/** Copies of one receive stream's packets for the main thread: after SRTP, RTX and RED, as the jitter buffer gets them. */
export class PacketTap {
  /** Packets that found no room. */
  dropped = 0;
  readonly #producer: SlotProducer;
  readonly #tell: () => void;
  #isFresh = false;

  /** @param tell something waits in the channel; called once for all that a round brought */
  constructor(channel: SlotChannelBuffers, tell: () => void) {
    this.#producer = new SlotProducer(channel);
    this.#tell = tell;
  }

  /** A packet as it came, or one that only has its payload within what came: that gets a header of its own, without extensions. */
  add(bytes: Uint8Array, header: RtpHeader, codec: number, arrivalUs: number): void {
    const { packetOffset, headerBytes, payloadOffset, payloadLength, paddingLength } = header;
    if (payloadOffset !== packetOffset + headerBytes) {
      this.addPart(bytes, header, codec, arrivalUs);
      return;
    }
    const length = headerBytes + payloadLength + paddingLength;
    const slot = this.#acquire(length);
    if (slot < 0) return;
    copyBytes(bytes, packetOffset, this.#producer.bytes(slot), 0, length);
    this.#publish(slot, length, codec, arrivalUs);
  }

  addPart(bytes: Uint8Array, header: RtpHeader, codec: number, arrivalUs: number): void {
    const length = RTP_FIXED_HEADER_BYTES + header.payloadLength;
    const slot = this.#acquire(length);
    if (slot < 0) return;
    const target = this.#producer.bytes(slot);
    writeRtpHeader(target, 0, header);
    copyBytes(bytes, header.payloadOffset, target, RTP_FIXED_HEADER_BYTES, header.payloadLength);
    this.#publish(slot, length, codec, arrivalUs);
  }

  /** At the end of a round. */
  flush(): void {
    if (!this.#isFresh) return;
    this.#isFresh = false;
    this.#tell();
  }

  #acquire(length: number): number {
    const slot = length > TAP_SLOT_BYTES ? -1 : this.#producer.acquire();
    if (slot < 0) this.dropped++;
    return slot;
  }

  #publish(slot: number, length: number, codec: number, arrivalUs: number): void {
    const { descriptor } = this.#producer;
    descriptor.byteLength = length;
    descriptor.codec = codec;
    descriptor.tag = this.dropped;
    descriptor.arrivalUs = arrivalUs;
    this.#producer.publish(slot);
    this.#isFresh = true;
  }
}
