import { codecNumber } from "../codecs/codec_name.js";
import type { Doorbell } from "../ring/doorbell.js";
import { DescriptorFlag } from "../ring/layout.js";
import { SlotChannel, type SlotChannelBuffers, SlotProducer } from "../ring/slot_channel.js";
import type { EncodedInput, PushedPacket, PushedSample } from "./encoded_input.js";

/** A keyframe's packets may come at once; those of a second of sound; pictures as many as an encoder may have under way. */
const PACKET_SLOTS = 512;
const SOUND_SLOTS = 64;
const PICTURE_SLOTS = 16;
/** More than Ethernet carries. */
const PACKET_BYTES = 1536;
/** As an engine's own packets of sound. */
const SOUND_BYTES = 4096;
/** To begin with; larger pictures make larger slots. */
const PICTURE_BYTES = 64 * 1024;
const MAX_PICTURE_BYTES = 16 * 1024 * 1024;

/** So many pieces wait for the end of a turn at most. */
const MAX_UNRUNG = 32;

/** What the sender's thread is told. */
export type AnnounceEncoded = (channel: SlotChannelBuffers, former: SlotChannelBuffers | undefined) => void;

/**
 * The main thread's end of an encoded input: one copy of each piece, into a slot that the sender's thread reads. A picture that
 * finds no free slot takes all up to the next keyframe with it, which is asked for: a peer's decoder never meets a hole.
 */
export class EncodedWriter {
  /** Pieces that were not handed on. */
  dropped = 0;
  readonly #input: EncodedInput;
  readonly #inputId: number;
  readonly #sender: Doorbell;
  readonly #encodingOf: () => number;
  readonly #announce: AnnounceEncoded;
  #channel: SlotChannelBuffers;
  #producer: SlotProducer;
  #isBroken = false;
  /** Pieces that the sender's thread was not told of. */
  #unrung = 0;

  /** @param encodingOf the number under which the send streams know it at present */
  constructor(
    input: EncodedInput,
    inputId: number,
    sender: Doorbell,
    encodingOf: () => number,
    announce: AnnounceEncoded,
  ) {
    this.#input = input;
    this.#inputId = inputId;
    this.#sender = sender;
    this.#encodingOf = encodingOf;
    this.#announce = announce;
    const [slots, slotBytes] = sizesOf(input);
    this.#channel = this.#allocate(slots, slotBytes);
    this.#producer = new SlotProducer(this.#channel);
    announce(this.#channel, undefined);
  }

  /** The present channel, for a sender started anew. */
  get channel(): SlotChannelBuffers {
    return this.#channel;
  }

  /** Connects to the input; returns the function that ends it. */
  connect(): () => void {
    const input = this.#input;
    return input.unit === "packet"
      ? input.connect((packet) => this.#packet(packet))
      : input.connect((sample) => this.#sample(sample));
  }

  #packet({ data }: PushedPacket): void {
    const slot = data.byteLength > PACKET_BYTES ? -1 : this.#producer.acquire();
    if (slot < 0) {
      this.dropped++;
      return;
    }
    this.#publish(slot, data, DescriptorFlag.packet, 0, 0, 0);
  }

  #sample({ data, keyframe, captureTimeUs, durationUs, rtpTimestamp }: PushedSample): void {
    const isPicture = this.#input.kind === "video";
    if (this.#isBroken && !keyframe) {
      this.dropped++;
      return;
    }
    const slot = this.#makeRoom(data.byteLength) ? this.#producer.acquire() : -1;
    if (slot < 0) {
      this.dropped++;
      this.#isBroken = isPicture;
      if (isPicture) this.#input.askKeyframe();
      return;
    }
    this.#isBroken = false;
    this.#publish(
      slot,
      data,
      keyframe ? DescriptorFlag.keyframe : 0,
      captureTimeUs,
      durationUs,
      rtpTimestamp,
    );
  }

  #publish(
    slot: number,
    data: Uint8Array,
    flags: number,
    captureTimeUs: number,
    durationUs: number,
    rtpTimestamp: number,
  ): void {
    this.#producer.bytes(slot).set(data);
    const { descriptor } = this.#producer;
    descriptor.byteLength = data.byteLength;
    descriptor.flags = flags;
    descriptor.streamId = this.#inputId;
    descriptor.tag = this.#encodingOf();
    descriptor.codec = codecNumber(this.#input.format.codec);
    descriptor.captureTimeUs = captureTimeUs;
    descriptor.durationUs = durationUs;
    descriptor.rtpTimestamp = rtpTimestamp;
    this.#producer.publish(slot);
    this.#ringOnce();
  }

  /** Waking a thread costs more than writing a packet: one ring for what one turn of the main thread writes, within bounds. */
  #ringOnce(): void {
    if (this.#unrung++ === 0) queueMicrotask(this.#ring);
    else if (this.#unrung >= MAX_UNRUNG) this.#ring();
  }

  readonly #ring = (): void => {
    if (this.#unrung === 0) return;
    this.#unrung = 0;
    this.#sender.ring();
  };

  /** Larger slots for a larger picture; false: it is too large for any. */
  #makeRoom(bytes: number): boolean {
    if (bytes <= this.#producer.slotBytes) return true;
    if (this.#input.kind === "audio" || bytes > MAX_PICTURE_BYTES) return false;
    const former = this.#channel;
    this.#channel = this.#allocate(PICTURE_SLOTS, 2 ** Math.ceil(Math.log2(bytes)));
    this.#producer = new SlotProducer(this.#channel);
    this.#announce(this.#channel, former);
    return true;
  }

  #allocate(slots: number, slotBytes: number): SlotChannelBuffers {
    return SlotChannel.allocate({ name: `pushedEncoded${this.#inputId}`, slots, slotBytes });
  }
}

function sizesOf({ unit, kind }: EncodedInput): readonly [slots: number, slotBytes: number] {
  if (unit === "packet") return [PACKET_SLOTS, PACKET_BYTES];
  return kind === "audio" ? [SOUND_SLOTS, SOUND_BYTES] : [PICTURE_SLOTS, PICTURE_BYTES];
}
