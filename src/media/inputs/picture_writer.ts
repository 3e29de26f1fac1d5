import type { Doorbell } from "../ring/doorbell.js";
import { DescriptorFlag } from "../ring/layout.js";
import { SlotChannel, type SlotChannelBuffers, SlotProducer } from "../ring/slot_channel.js";
import type { PushedPicture } from "./media_input.js";

/** As for a camera: one being encoded, and those that wait for it. */
const SLOTS = 4;
/** H.264 as the encoder makes it: sides of 16 to 4096, even. */
const MIN_SIDE = 16;
const MAX_SIDE = 4096;

/**
 * The main thread's end of a pushed video source: one copy of each picture, from the application's memory straight
 * into a slot that the encoder reads. With no free slot the picture is dropped; of those that wait the encoder takes
 * the newest. Drops travel with the next picture (descriptor.tag) to the encoder, which counts them.
 */
export class PictureWriter {
  /** Pictures not handed on: no free slot, or a size that H.264 cannot carry. */
  dropped = 0;
  readonly #inputId: number;
  readonly #encoder: Doorbell;
  readonly #announce: (channel: SlotChannelBuffers, former: SlotChannelBuffers | undefined) => void;
  #producer: SlotProducer | undefined;
  #channel: SlotChannelBuffers | undefined;
  #frameNumber = 0;

  /** @param announce tells the encoder of a channel; called anew whenever a larger picture needs larger slots. */
  constructor(
    inputId: number,
    encoder: Doorbell,
    announce: (channel: SlotChannelBuffers, former: SlotChannelBuffers | undefined) => void,
  ) {
    this.#inputId = inputId;
    this.#encoder = encoder;
    this.#announce = announce;
  }

  /** The present channel, for an encoder started anew. */
  get channel(): SlotChannelBuffers | undefined {
    return this.#channel;
  }

  write(picture: PushedPicture, wallOffsetUs: number): void {
    const { width, height, data } = picture;
    const fits = Math.min(width, height) >= MIN_SIDE && Math.max(width, height) <= MAX_SIDE;
    const producer = fits ? this.#producerFor(data.byteLength) : undefined;
    const slot = producer?.acquire() ?? -1;
    const frameNumber = this.#frameNumber++;
    if (producer === undefined || slot < 0) {
      this.dropped++;
      return;
    }
    producer.bytes(slot).set(data);
    const descriptor = producer.descriptor;
    descriptor.setI420(width, height);
    // An odd last row or column is left out, the planes stay where they are.
    descriptor.width = width & ~1;
    descriptor.height = height & ~1;
    descriptor.flags = (picture.quarterTurns ?? 0) * DescriptorFlag.quarterTurn;
    descriptor.streamId = this.#inputId;
    descriptor.frameNumber = frameNumber;
    descriptor.tag = this.dropped;
    descriptor.captureTimeUs = picture.captureTimeUs;
    descriptor.captureWallUs = picture.captureTimeUs + wallOffsetUs;
    producer.publish(slot);
  }

  #producerFor(bytes: number): SlotProducer {
    if (this.#producer !== undefined && bytes <= this.#producer.slotBytes) return this.#producer;
    const channel = SlotChannel.allocate({
      name: `pushedVideo${this.#inputId}`,
      slots: SLOTS,
      slotBytes: bytes,
    });
    const former = this.#channel;
    this.#channel = channel;
    this.#producer = new SlotProducer(channel, this.#encoder);
    this.#announce(channel, former);
    return this.#producer;
  }
}
