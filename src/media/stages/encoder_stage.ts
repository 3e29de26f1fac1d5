import { type H264Encoder, native } from "../../../native/addon.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { DescriptorFlag } from "../ring/layout.js";
import { SlotConsumer, SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { ImageLayoutCache } from "./image_layout.js";
import { asError } from "./problem.js";
import { warmUpEncoder } from "./warm_up.js";

/**
 * Encodes the newest raw picture, once for all peers. What changes on the way (bitrate, keyframe requests) are
 * latest-value words, read once per frame. Without a free slot for the result the picture is not encoded at all, so
 * the stream stays decodable.
 */
export class EncoderStage implements Stage<"encoder"> {
  readonly #host: WorkerHost<"encoder">;
  readonly #input: SlotConsumer;
  readonly #output: SlotProducer;
  readonly #layouts = new ImageLayoutCache();
  #encoder: H264Encoder | undefined;
  #width = 0;
  #height = 0;
  #bitrateBps = 0;
  #frameRate = 0;
  #maxNalBytes = 0;
  #keyframeEpoch = 0;

  constructor(host: WorkerHost<"encoder">) {
    this.#host = host;
    this.#input = new SlotConsumer(host.wiring.rawVideo);
    this.#output = new SlotProducer(host.wiring.encodedVideo, host.doorbells.sender);
    if (host.wiring.warmUp) warmUpEncoder(host.wiring.codec);
  }

  order(): void {}

  step(): number {
    while (this.#input.takeNewest()) {
      const picture = this.#input.descriptor;
      try {
        if (this.#host.control.get(ControlWord.videoConsumers) > 0) this.#encode(picture);
      } finally {
        this.#input.release(picture.slot);
      }
      this.#host.row.set(WorkerCounter.droppedNewer, this.#input.skipped);
    }
    return Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
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
    const encoder = this.#ready(picture);
    const epoch = control.get(ControlWord.keyframeEpoch);
    const force = epoch !== this.#keyframeEpoch;
    const bytes = this.#run(encoder, picture, force, slot);
    if (bytes <= 0) {
      this.#output.abandon(slot);
      return;
    }
    if (encoder.lastWasKeyframe) this.#keyframeEpoch = epoch;
    this.#publish(encoder, picture, slot, bytes);
    row.record(WorkerHistogram.work, this.#output.descriptor.enqueuedUs - startUs);
    row.record(WorkerHistogram.sinceCapture, this.#output.descriptor.enqueuedUs - picture.captureTimeUs);
  }

  #run(encoder: H264Encoder, picture: Descriptor, force: boolean, slot: number): number {
    const layout = this.#layouts.of(picture);
    const { row, post } = this.#host;
    try {
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

  #publish(encoder: H264Encoder, picture: Descriptor, slot: number, bytes: number): void {
    const { row } = this.#host;
    const unit = this.#output.descriptor;
    unit.byteLength = bytes;
    unit.flags = encoder.lastWasKeyframe ? DescriptorFlag.keyframe : 0;
    unit.width = picture.width;
    unit.height = picture.height;
    unit.frameNumber = picture.frameNumber;
    unit.captureTimeUs = picture.captureTimeUs;
    unit.captureWallUs = picture.captureWallUs;
    this.#output.publish(slot);
    row.add(WorkerCounter.frames);
    row.add(WorkerCounter.bytes, bytes);
    if (encoder.lastWasKeyframe) row.add(WorkerCounter.keyframes);
  }

  /** The encoder for this picture's size, with the current bitrate and frame rate. */
  #ready(picture: Descriptor): H264Encoder {
    const { control, wiring } = this.#host;
    const bitrateBps = control.get(ControlWord.targetBitrateBps);
    const frameRate = control.get(ControlWord.frameRate);
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

  #create(picture: Descriptor, bitrateBps: number, frameRate: number): H264Encoder {
    const { row, wiring } = this.#host;
    this.#encoder?.close();
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
