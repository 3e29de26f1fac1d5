import { type H264Encoder, native } from "../../../native/addon.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { DescriptorFlag } from "../ring/layout.js";
import { type SlotChannelBuffers, SlotConsumer, type SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import { ImageLayoutCache } from "./image_layout.js";
import { asError } from "./problem.js";

/** A pushed source's rate is followed when it left this share of what the encoder was told. */
const RATE_STEP = 0.2;
const MAX_PUSHED_RATE = 120;

/**
 * One source's encoder: always the newest raw picture. What changes on the way (bitrate, keyframe requests) are
 * latest-value words, read once per frame. Without a free slot for the result the picture is not encoded at all, so
 * the stream stays decodable.
 */
export class PictureEncoder {
  readonly #host: WorkerHost<"encoder">;
  readonly #inputId: number;
  readonly #output: SlotProducer;
  readonly #layouts = new ImageLayoutCache();
  #input: SlotConsumer;
  #encoder: H264Encoder | undefined;
  #width = 0;
  #height = 0;
  #bitrateBps = 0;
  #frameRate = 0;
  #maxNalBytes = 0;
  #keyframeEpoch = 0;
  #skipped = 0;
  #droppedBefore = 0;
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

  /** Encodes the newest picture that waits, unless nobody wants it; false when there was none. */
  step(wanted: boolean): boolean {
    if (!this.#input.takeNewest()) return false;
    const picture = this.#input.descriptor;
    try {
      if (wanted) this.#encode(picture);
    } finally {
      this.#input.release(picture.slot);
    }
    this.#countDrops(picture);
    return true;
  }

  close(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
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

  #encode(picture: Descriptor): void {
    const { row, control } = this.#host;
    const slot = this.#output.acquire();
    if (slot < 0) {
      row.add(WorkerCounter.droppedFull);
      return;
    }
    const startUs = native.monotonicUs();
    row.record(WorkerHistogram.hop, startUs - picture.enqueuedUs);
    const epoch = control.get(ControlWord.keyframeEpoch);
    const bytes = this.#run(picture, epoch !== this.#keyframeEpoch, slot);
    if (bytes <= 0 || this.#encoder === undefined) {
      this.#output.abandon(slot);
      return;
    }
    const keyframe = this.#encoder.lastWasKeyframe;
    if (keyframe) this.#keyframeEpoch = epoch;
    this.#publish(keyframe, picture, slot, bytes);
    row.record(WorkerHistogram.work, this.#output.descriptor.enqueuedUs - startUs);
    row.record(WorkerHistogram.sinceCapture, this.#output.descriptor.enqueuedUs - picture.captureTimeUs);
  }

  #run(picture: Descriptor, force: boolean, slot: number): number {
    const layout = this.#layouts.of(picture);
    const { row, post } = this.#host;
    try {
      const encoder = this.#ready(picture);
      const image = this.#input.bytes(picture.slot);
      const bytes = encoder.encode(image, layout, picture.captureTimeUs, force, this.#output.bytes(slot));
      if (bytes === 0) row.add(WorkerCounter.droppedRate);
      return bytes;
    } catch (error) {
      // The picture is lost; the encoder says the next one will be an IDR.
      if (row.get(WorkerCounter.errors) === 0) {
        const { code, message } = asError(error, "CODEC_FAILED");
        post({ type: "problem", name: "encoder", code, message });
      }
      row.add(WorkerCounter.errors);
      return -1;
    }
  }

  #publish(keyframe: boolean, picture: Descriptor, slot: number, bytes: number): void {
    const { row } = this.#host;
    const unit = this.#output.descriptor;
    unit.byteLength = bytes;
    unit.flags = keyframe ? DescriptorFlag.keyframe : 0;
    unit.width = picture.width;
    unit.height = picture.height;
    unit.streamId = this.#inputId;
    unit.frameNumber = picture.frameNumber;
    unit.captureTimeUs = picture.captureTimeUs;
    unit.captureWallUs = picture.captureWallUs;
    this.#output.publish(slot);
    row.add(WorkerCounter.frames);
    row.add(WorkerCounter.bytes, bytes);
    if (keyframe) row.add(WorkerCounter.keyframes);
  }

  /** The encoder for this picture's size, with the current bitrate and frame rate. */
  #ready(picture: Descriptor): H264Encoder {
    const { control, wiring } = this.#host;
    const bitrateBps = control.get(ControlWord.targetBitrateBps);
    const frameRate = this.#inputId === 0 ? control.get(ControlWord.frameRate) : this.#pushedRate(picture);
    // Small slices cost a tenth of the encoder's time and some quality: only while a peer needs them.
    const maxNalBytes = control.get(ControlWord.smallNalConsumers) > 0 ? wiring.codec.maxNalBytes : 0;
    const sameSize = picture.width === this.#width && picture.height === this.#height;
    if (this.#encoder === undefined || !sameSize || maxNalBytes !== this.#maxNalBytes) {
      this.#maxNalBytes = maxNalBytes;
      return this.#create(picture, bitrateBps, frameRate);
    }
    if (bitrateBps !== this.#bitrateBps) this.#encoder.setBitrate(bitrateBps);
    if (frameRate !== this.#frameRate) this.#encoder.setFrameRate(frameRate);
    this.#bitrateBps = bitrateBps;
    this.#frameRate = frameRate;
    return this.#encoder;
  }

  /** Frames per second for rate control, by the capture times: a pushed source does not say its rate. */
  #pushedRate(picture: Descriptor): number {
    const intervalUs = picture.captureTimeUs - this.#lastCaptureUs;
    const known = this.#lastCaptureUs > 0;
    this.#lastCaptureUs = picture.captureTimeUs;
    const before = this.#frameRate > 0 ? this.#frameRate : 30;
    if (!known || intervalUs <= 0 || intervalUs > 1e6) return before;
    this.#intervalUs += (intervalUs - this.#intervalUs) * (this.#intervalUs === 0 ? 1 : 0.1);
    const rate = Math.max(1, Math.min(MAX_PUSHED_RATE, Math.round(1e6 / this.#intervalUs)));
    return Math.abs(rate - before) > RATE_STEP * before ? rate : before;
  }

  #create(picture: Descriptor, bitrateBps: number, frameRate: number): H264Encoder {
    const { row, wiring } = this.#host;
    this.close();
    const { codec } = wiring;
    const encoder = new native.H264Encoder({
      width: picture.width,
      height: picture.height,
      frameRate,
      bitrateBps,
      idrInterval: codec.idrInterval,
      maxNalBytes: this.#maxNalBytes,
      threads: codec.encoderThreads,
      ...(codec.openH264Path === undefined ? {} : { libraryPath: codec.openH264Path }),
    });
    this.#encoder = encoder;
    this.#width = picture.width;
    this.#height = picture.height;
    this.#bitrateBps = bitrateBps;
    this.#frameRate = frameRate;
    row.set(WorkerCounter.width, picture.width);
    row.set(WorkerCounter.height, picture.height);
    return encoder;
  }
}
