import type { VideoCodecName } from "../codecs/codec_name.js";
import { WorkerCounter } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { type SlotChannelBuffers, SlotConsumer, type SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import { CodecEncoder } from "./codec_encoder.js";

/** A pushed source's rate is followed when it left this share of what the encoder was told. */
const RATE_STEP = 0.2;
const MAX_PUSHED_RATE = 120;

/** One source: always its newest raw picture, encoded once for each codec that some peer takes. */
export class PictureEncoder {
  readonly #host: WorkerHost<"encoder">;
  readonly #inputId: number;
  readonly #output: SlotProducer;
  #input: SlotConsumer;
  /** Of the last demand; while nobody wants the source only H.264's, the usual one, stays ready. */
  #encoders: CodecEncoder[] = [];
  #wanted = false;
  #skipped = 0;
  #droppedBefore = 0;
  #frameRate = 30;
  #lastCaptureUs = 0;
  #intervalUs = 0;

  /** @param inputId 0: the camera's; else a pushed source's, which the encoded frames carry as their streamId. */
  constructor(host: WorkerHost<"encoder">, inputId: number, input: SlotChannelBuffers, output: SlotProducer) {
    this.#host = host;
    this.#inputId = inputId;
    this.#input = new SlotConsumer(input);
    this.#output = output;
  }

  /** From now on pictures come through another channel. */
  setInput(input: SlotChannelBuffers): void {
    this.#input = new SlotConsumer(input);
    this.#skipped = 0;
  }

  /** What the peers take; with none, pictures are passed over. */
  setDemand(codecs: readonly VideoCodecName[]): void {
    this.#wanted = codecs.length > 0;
    const kept = this.#wanted ? codecs : ["H264"];
    for (const encoder of this.#encoders) if (!kept.includes(encoder.codec)) encoder.close();
    if (!this.#wanted) return;
    this.#encoders = codecs.map(
      (codec) =>
        this.#encoders.find((encoder) => encoder.codec === codec) ??
        new CodecEncoder(this.#host, codec, this.#inputId, this.#output),
    );
  }

  /** Encodes the newest picture that waits, unless nobody wants it; false when there was none. */
  step(): boolean {
    if (!this.#input.takeNewest()) return false;
    const picture = this.#input.descriptor;
    try {
      if (this.#wanted) this.#encode(picture);
    } finally {
      this.#input.release(picture.slot);
    }
    this.#countDrops(picture);
    return true;
  }

  close(): void {
    for (const encoder of this.#encoders) encoder.close();
    this.#encoders = [];
  }

  #encode(picture: Descriptor): void {
    const { control } = this.#host;
    this.#frameRate =
      this.#inputId === 0 ? control.get(ControlWord.frameRate) : this.#pushedRate(picture.captureTimeUs);
    const image = this.#input.bytes(picture.slot);
    for (let i = 0; i < this.#encoders.length; i++) this.#encoders[i].encode(picture, image, this.#frameRate);
  }

  #countDrops(picture: Descriptor): void {
    const { row } = this.#host;
    row.add(WorkerCounter.droppedNewer, this.#input.skipped - this.#skipped);
    this.#skipped = this.#input.skipped;
    if (this.#inputId === 0) return;
    // The camera has a row of its own; what the main thread could not hand on is counted here.
    row.add(WorkerCounter.droppedFull, Math.max(0, picture.tag - this.#droppedBefore));
    this.#droppedBefore = picture.tag;
  }

  /** Frames per second for rate control, by the capture times: a pushed source does not say its rate. */
  #pushedRate(captureTimeUs: number): number {
    const intervalUs = captureTimeUs - this.#lastCaptureUs;
    const known = this.#lastCaptureUs > 0;
    this.#lastCaptureUs = captureTimeUs;
    const before = this.#frameRate;
    if (!known || intervalUs <= 0 || intervalUs > 1e6) return before;
    this.#intervalUs += (intervalUs - this.#intervalUs) * (this.#intervalUs === 0 ? 1 : 0.1);
    const rate = Math.max(1, Math.min(MAX_PUSHED_RATE, Math.round(1e6 / this.#intervalUs)));
    return Math.abs(rate - before) > RATE_STEP * before ? rate : before;
  }
}
