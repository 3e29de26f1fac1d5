import { codecOfNumber, isVideoFormat } from "../codecs/codec_name.js";
import type { InputOrder } from "../engine_messages.js";
import { DescriptorFlag } from "../ring/layout.js";
import { SlotConsumer } from "../ring/slot_channel.js";
import type { EncodedFrame } from "../session/encoded_frame.js";
import type { MediaKind } from "../transport_api.js";

type Take = (kind: MediaKind, frame: EncodedFrame) => void;

/** What the application pushes encoded, in the sender's thread: one channel for each source. */
export class PushedEncoded {
  readonly #take: Take;
  readonly #released: (inputId: number) => void;
  readonly #channels = new Map<number, SlotConsumer>();
  readonly #frame = {
    bytes: new Uint8Array(0) as Uint8Array,
    length: 0,
    captureTimeUs: 0,
    codec: codecOfNumber(0),
    isPacket: false,
    keyframe: false,
    rtpTimestamp: 0,
    durationUs: 0,
    encoding: 0,
    enqueuedUs: 0,
  };

  /** @param released the oldest channel of that input is not looked at any more */
  constructor(take: Take, released: (inputId: number) => void) {
    this.#take = take;
    this.#released = released;
  }

  order(order: InputOrder): void {
    const { inputId } = order;
    const former = this.#channels.get(inputId);
    // What was pushed before goes before.
    if (former !== undefined) this.#drain(former);
    if (order.type === "addInput") this.#channels.set(inputId, new SlotConsumer(order.channel));
    else this.#channels.delete(inputId);
    if (former !== undefined) this.#released(inputId);
  }

  /** Hands on all that waits. */
  step(): void {
    for (const channel of this.#channels.values()) this.#drain(channel);
  }

  #drain(channel: SlotConsumer): void {
    const frame = this.#frame;
    while (channel.take()) {
      const { descriptor } = channel;
      frame.bytes = channel.bytes(descriptor.slot);
      frame.length = descriptor.byteLength;
      frame.captureTimeUs = descriptor.captureTimeUs;
      frame.codec = codecOfNumber(descriptor.codec);
      frame.isPacket = (descriptor.flags & DescriptorFlag.packet) !== 0;
      frame.keyframe = descriptor.keyframe;
      frame.rtpTimestamp = descriptor.rtpTimestamp;
      frame.durationUs = descriptor.durationUs;
      frame.encoding = descriptor.tag;
      frame.enqueuedUs = descriptor.enqueuedUs;
      this.#take(isVideoFormat(frame.codec) ? "video" : "audio", frame);
      channel.release(descriptor.slot);
    }
  }
}
