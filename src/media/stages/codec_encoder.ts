import { native, type VideoEncoder } from "../../../native/addon.js";
import { codecNumber } from "../codecs/codec_name.js";
import { type QuantizerReader, quantizerReaderOf } from "../codecs/quantizer_reader.js";
import { createVideoEncoder } from "../codecs/video_codecs.js";
import type { VideoEncoding, VideoWishes } from "../encodings/encoding.js";
import { isTooNarrow, shareOf } from "../encodings/layer_share.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { DescriptorFlag } from "../ring/layout.js";
import type { SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import type { LowerLayer } from "../transport_api.js";
import { ImageLayoutCache } from "./image_layout.js";
import { asError } from "./problem.js";

/** What the addon's encoders take. */
const MIN_BITRATE_BPS = 10_000;
const MIN_FRAME_RATE = 1;
/** A picture this much before its time is still taken: cameras are not punctual. */
const EARLY_US = 5_000;

/**
 * One encoding of one source. What changes on the way (bitrate, keyframe requests) are latest-value words, read once per
 * frame. Without a free slot for the result the picture is not encoded at all, so the stream stays decodable.
 */
export class CodecEncoder {
  /** The encoding's number and wishes. */
  id: number;
  wishes: VideoWishes;
  readonly #host: WorkerHost<"encoder">;
  readonly #inputId: number;
  readonly #output: SlotProducer;
  readonly #layouts = new ImageLayoutCache();
  #encoder: VideoEncoder | undefined;
  #maker = { name: "", isHardware: false };
  #quantizer: QuantizerReader;
  #width = 0;
  #height = 0;
  #bitrateBps = 0;
  #frameRate = 0;
  #maxNalBytes = 0;
  /** Of the last keyframe; NaN: one is due. */
  #keyframeEpoch = Number.NaN;
  /** When the next picture is due, by its capture time. */
  #nextUs = 0;
  /** The path is too narrow for this layer. */
  #isPaused = false;

  constructor(host: WorkerHost<"encoder">, encoding: VideoEncoding, inputId: number, output: SlotProducer) {
    this.#host = host;
    this.id = encoding.id;
    this.wishes = encoding.wishes;
    this.#quantizer = quantizerReaderOf(encoding.wishes.codec);
    this.#inputId = inputId;
    this.#output = output;
  }

  /** Wishes have changed; with another number it serves others, who have seen nothing of it yet. */
  follow({ id, wishes }: VideoEncoding): void {
    // Nothing may shine through the black: it begins anew.
    if (wishes.blank && !this.wishes.blank) this.#keyframeEpoch = Number.NaN;
    this.wishes = wishes;
    if (id === this.id) return;
    this.id = id;
    this.#keyframeEpoch = Number.NaN;
    this.#announce();
  }

  /** Whether a picture captured then is to be encoded, by the frame rate that is wished and what the path carries. */
  isDue(captureTimeUs: number): boolean {
    const { maxFrameRate, below } = this.wishes;
    if (below !== undefined && below.length > 0 && this.#rests(below)) return false;
    if (maxFrameRate === undefined) return true;
    if (maxFrameRate === 0 || captureTimeUs + EARLY_US < this.#nextUs) return false;
    const intervalUs = 1e6 / maxFrameRate;
    const onTime = captureTimeUs < this.#nextUs + intervalUs;
    this.#nextUs = (onTime ? this.#nextUs : captureTimeUs) + intervalUs;
    return true;
  }

  /** Encodes the picture in `image` and hands it on. */
  encode(picture: Descriptor, image: Uint8Array, frameRate: number): void {
    const { row, control } = this.#host;
    const slot = this.#output.acquire();
    if (slot < 0) {
      row.add(WorkerCounter.droppedFull);
      return;
    }
    const startUs = native.monotonicUs();
    row.record(WorkerHistogram.hop, startUs - picture.enqueuedUs);
    const epoch = control.keyframeEpoch(this.id);
    const bytes = this.#run(picture, image, frameRate, epoch !== this.#keyframeEpoch, slot);
    if (bytes <= 0 || this.#encoder === undefined) {
      this.#output.abandon(slot);
      return;
    }
    const keyframe = this.#encoder.lastWasKeyframe;
    if (keyframe) this.#keyframeEpoch = epoch;
    this.#publish(keyframe, picture, slot, bytes, native.monotonicUs() - startUs);
    row.record(WorkerHistogram.work, this.#output.descriptor.enqueuedUs - startUs);
    row.record(WorkerHistogram.sinceCapture, this.#output.descriptor.enqueuedUs - picture.captureTimeUs);
  }

  close(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
  }

  #run(picture: Descriptor, image: Uint8Array, frameRate: number, force: boolean, slot: number): number {
    const layout = this.#layouts.of(picture);
    const { row, post } = this.#host;
    try {
      const encoder = this.#ready(picture, frameRate);
      const bytes = encoder.encode(image, layout, picture.captureTimeUs, force, this.#output.bytes(slot));
      if (bytes === 0) row.add(WorkerCounter.droppedRate);
      return bytes;
    } catch (error) {
      // The picture is lost; the encoder says the next one will be a keyframe.
      if (row.get(WorkerCounter.errors) === 0) {
        const { code, message } = asError(error, "CODEC_FAILED");
        post({ type: "problem", name: "encoder", code, message });
      }
      row.add(WorkerCounter.errors);
      return -1;
    }
  }

  #publish(keyframe: boolean, picture: Descriptor, slot: number, bytes: number, encodeUs: number): void {
    const { row } = this.#host;
    const unit = this.#output.descriptor;
    unit.byteLength = bytes;
    const quantizer = this.#quantizer(this.#output.bytes(slot), bytes);
    unit.flags =
      (keyframe ? DescriptorFlag.keyframe : 0) |
      (picture.quarterTurns * DescriptorFlag.quarterTurn) |
      ((quantizer + 1) * DescriptorFlag.quantizer);
    unit.width = picture.width;
    unit.height = picture.height;
    unit.streamId = this.#inputId;
    unit.tag = this.id;
    unit.encodeUs = encodeUs;
    unit.targetBytes = Math.round(this.#bitrateBps / 8 / this.#frameRate);
    unit.codec = codecNumber(this.wishes.codec);
    unit.frameNumber = picture.frameNumber;
    unit.captureTimeUs = picture.captureTimeUs;
    unit.captureWallUs = picture.captureWallUs;
    this.#output.publish(slot);
    row.add(WorkerCounter.frames);
    row.add(WorkerCounter.bytes, bytes);
    if (keyframe) row.add(WorkerCounter.keyframes);
  }

  /** The encoder for this picture's size, with the current bitrate and frame rate. */
  #ready(picture: Descriptor, sourceRate: number): VideoEncoder {
    const bitrateBps = this.#targetBps();
    const frameRate = Math.max(MIN_FRAME_RATE, Math.min(sourceRate, this.wishes.maxFrameRate ?? sourceRate));
    const maxNalBytes = this.#nalBound();
    const sameSize = picture.width === this.#width && picture.height === this.#height;
    if (this.#encoder === undefined || !sameSize || maxNalBytes !== this.#maxNalBytes) {
      this.#maxNalBytes = maxNalBytes;
      return this.#create(picture, bitrateBps, frameRate);
    }
    if (bitrateBps !== this.#bitrateBps) {
      this.#encoder.setBitrate(bitrateBps);
      this.#host.control.setTargetBps(this.id, bitrateBps);
    }
    if (frameRate !== this.#frameRate) this.#encoder.setFrameRate(frameRate);
    this.#bitrateBps = bitrateBps;
    this.#frameRate = frameRate;
    return this.#encoder;
  }

  /** A layer that comes back begins anew: the peer has long forgotten what it would refer to. */
  #rests(below: readonly LowerLayer[]): boolean {
    const { control } = this.#host;
    const pathBps = control.get(ControlWord.pathBitrateBps);
    const share = shareOf(this.wishes, below, control.get(ControlWord.targetBitrateBps), pathBps);
    this.#isPaused = isTooNarrow(share, this.#isPaused);
    if (!this.#isPaused) return false;
    this.#keyframeEpoch = Number.NaN;
    control.setTargetBps(this.id, 0);
    this.#bitrateBps = 0;
    return true;
  }

  /** As many bits a pixel as the whole picture has, within the limit. */
  #targetBps(): number {
    const { scaleResolutionDownBy, maxBitrateBps, below } = this.wishes;
    const { control } = this.#host;
    const pathBps = control.get(ControlWord.pathBitrateBps);
    if (below !== undefined) {
      const share = shareOf(this.wishes, below, control.get(ControlWord.targetBitrateBps), pathBps);
      return Math.max(MIN_BITRATE_BPS, share.bitrateBps);
    }
    const targetBps = control.get(ControlWord.targetBitrateBps);
    const whole = pathBps > 0 ? Math.min(pathBps, targetBps) : targetBps;
    const own = Math.round(whole / scaleResolutionDownBy ** 2);
    return Math.max(MIN_BITRATE_BPS, Math.min(own, maxBitrateBps ?? own));
  }

  /** Small slices cost a tenth of the encoder's time and some quality: only while a peer needs them. */
  #nalBound(): number {
    const { control, wiring } = this.#host;
    const wanted = this.wishes.codec === "H264" && control.get(ControlWord.smallNalConsumers) > 0;
    return wanted ? wiring.codec.maxNalBytes : 0;
  }

  /** Tells what makes the encoding, for statistics. */
  #announce(): void {
    const { post, control } = this.#host;
    if (this.#encoder === undefined) return;
    post({ type: "encoderMade", encoding: this.id, ...this.#maker });
    control.setTargetBps(this.id, this.#bitrateBps);
  }

  #create(picture: Descriptor, bitrateBps: number, frameRate: number): VideoEncoder {
    const { row, wiring } = this.#host;
    this.close();
    this.#quantizer = quantizerReaderOf(this.wishes.codec);
    const { width, height } = picture;
    const request = { width, height, frameRate, bitrateBps, maxNalBytes: this.#maxNalBytes };
    const { encoder, name, isHardware } = createVideoEncoder(this.wishes.codec, request, wiring.codec);
    this.#encoder = encoder;
    this.#maker = { name, isHardware };
    this.#width = width;
    this.#height = height;
    this.#bitrateBps = bitrateBps;
    this.#frameRate = frameRate;
    this.#announce();
    row.set(WorkerCounter.width, width);
    row.set(WorkerCounter.height, height);
    return encoder;
  }
}
