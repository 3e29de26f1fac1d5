import type { Doorbell } from "../ring/doorbell.js";
import { SlotChannel, type SlotChannelBuffers, SlotProducer } from "../ring/slot_channel.js";
import type { PushedSound } from "./media_input.js";

/** A third of a second in pieces of 10 ms. */
const SLOTS = 32;
/** 10 ms of 96 kHz stereo, 60 ms of 16 kHz; longer pieces take several slots. */
const SLOT_BYTES = 3840;

/** The main thread's end of a pushed sound source. What finds no free slot is dropped; the hole shows in the time. */
export class SoundWriter {
  /** Samples (of all channels) that found no free slot. */
  dropped = 0;
  readonly channel: SlotChannelBuffers;
  readonly #inputId: number;
  readonly #producer: SlotProducer;

  constructor(inputId: number, microphone: Doorbell) {
    this.#inputId = inputId;
    this.channel = SlotChannel.allocate({
      name: `pushedAudio${inputId}`,
      slots: SLOTS,
      slotBytes: SLOT_BYTES,
    });
    this.#producer = new SlotProducer(this.channel, microphone);
  }

  write(sound: PushedSound): void {
    const { samples, channels } = sound;
    const most = SLOT_BYTES / 2 - ((SLOT_BYTES / 2) % channels);
    for (let first = 0; first < samples.length; first += most) {
      this.#writePiece(sound, first, Math.min(samples.length, first + most));
    }
  }

  #writePiece(
    { samples, sampleRate, channels, captureTimeUs }: PushedSound,
    first: number,
    end: number,
  ): void {
    const slot = this.#producer.acquire();
    if (slot < 0) {
      this.dropped += end - first;
      return;
    }
    const target = this.#producer.bytes(slot);
    new Int16Array(target.buffer, target.byteOffset, end - first).set(samples.subarray(first, end));
    const descriptor = this.#producer.descriptor;
    descriptor.byteLength = (end - first) * 2;
    descriptor.width = channels;
    descriptor.height = sampleRate;
    descriptor.streamId = this.#inputId;
    descriptor.tag = this.dropped;
    descriptor.captureTimeUs = captureTimeUs + (first / channels) * (1e6 / sampleRate);
    this.#producer.publish(slot);
  }
}
