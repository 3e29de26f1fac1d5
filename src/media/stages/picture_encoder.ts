import { FrameRateMeter } from "../analysis/frame_rate_meter.js";
import type { VideoEncoding } from "../encodings/encoding.js";
import { WorkerCounter, workerRow } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { type SlotChannelBuffers, SlotConsumer, type SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import { SourceCounters } from "../session/stream_counters.js";
import { BlankPicture } from "./blank_picture.js";
import { CodecEncoder } from "./codec_encoder.js";
import { PictureScaler } from "./picture_scaler.js";

/** A pushed source's rate is followed when it left this share of what the encoder was told. */
const RATE_STEP = 0.2;
const MAX_PUSHED_RATE = 120;
/** A black picture of a source that has not given any yet. */
const UNKNOWN_SIZE = { width: 640, height: 360 } as const;

/** One source: always its newest raw picture, in each of the encodings that some peer takes. */
export class PictureEncoder {
  readonly #host: WorkerHost<"encoder">;
  readonly #inputId: number;
  readonly #output: SlotProducer;
  readonly #scaler = new PictureScaler();
  readonly #blank = new BlankPicture();
  #input: SlotConsumer | undefined;
  #counters: Float64Array | undefined;
  readonly #rate = new FrameRateMeter();
  #encoders: CodecEncoder[] = [];
  /** While nobody wants the source the usual encoding, whole pictures in H.264, stays ready. */
  #spare: CodecEncoder | undefined;
  #skipped = 0;
  #droppedBefore = 0;
  #frameRate = 30;
  #lastCaptureUs = 0;
  #intervalUs = 0;
  /** Of the last picture. */
  #width = 0;
  #height = 0;

  /** @param inputId 0: the camera's; else a pushed source's, which the encoded frames carry as their streamId. */
  constructor(host: WorkerHost<"encoder">, inputId: number, output: SlotProducer) {
    this.#host = host;
    this.#inputId = inputId;
    this.#output = output;
  }

  /**
   * From now on pictures come through this channel; whether there was another one.
   *
   * @param counters a {@link SourceCounters} block
   */
  setInput(input: SlotChannelBuffers | undefined, counters?: SharedArrayBuffer): boolean {
    const before = this.#input;
    this.#input = input === undefined ? undefined : new SlotConsumer(input);
    this.#counters = counters === undefined ? undefined : new Float64Array(counters);
    this.#skipped = 0;
    return before !== undefined;
  }

  /** What is to be made; with nothing, pictures are passed over. */
  setEncodings(encodings: readonly VideoEncoding[]): void {
    const before = this.#encoders;
    this.#encoders = encodings.map((encoding) => this.#encoderOf(encoding));
    for (const encoder of before) if (!this.#encoders.includes(encoder)) this.#letGo(encoder);
    if (encodings.length > 0) this.#closeSpare();
    this.#scaler.keep(encodings.map(({ wishes }) => wishes));
    if (encodings.some(({ wishes }) => wishes.blank)) this.#blank.begin();
    else this.#blank.end();
  }

  get isIdle(): boolean {
    return this.#input === undefined && this.#encoders.length === 0;
  }

  /** Encodes the newest picture that waits, unless nobody wants it; false when there was none. */
  step(): boolean {
    if (!this.#input?.takeNewest()) return false;
    const picture = this.#input.descriptor;
    try {
      this.#note(picture);
      if (this.#encoders.length > 0) this.#encode(picture, this.#input.bytes(picture.slot));
    } finally {
      this.#input.release(picture.slot);
    }
    this.#countDrops(picture, this.#input);
    return true;
  }

  #note({ width, height, captureTimeUs }: Descriptor): void {
    this.#width = width;
    this.#height = height;
    this.#rate.add(captureTimeUs);
    const counters = this.#counters;
    if (counters === undefined) return;
    counters[SourceCounters.width] = width;
    counters[SourceCounters.height] = height;
    counters[SourceCounters.frames]++;
    counters[SourceCounters.framesPerSecond] = this.#rate.perSecond;
    counters[SourceCounters.lastUs] = captureTimeUs;
  }

  /** Encodes the black picture when it is due; returns when the next one is. */
  stepBlank(nowUs: number): number {
    const blank = this.#blank;
    if (nowUs < blank.dueUs) return blank.dueUs;
    const { width, height } = this.#size();
    blank.advance(width, height, nowUs, this.#host.control.wallOffsetUs);
    this.#scaler.set(blank.picture, blank.bytes);
    for (const encoder of this.#encoders) if (encoder.wishes.blank) this.#run(encoder, 1);
    return blank.dueUs;
  }

  close(): void {
    for (const encoder of this.#encoders) encoder.close();
    this.#encoders = [];
    this.#closeSpare();
  }

  #encoderOf(encoding: VideoEncoding): CodecEncoder {
    const known =
      this.#encoders.find(({ id }) => id === encoding.id) ??
      (isUsual(encoding) ? this.#takeSpare() : undefined);
    known?.follow(encoding);
    return known ?? new CodecEncoder(this.#host, encoding, this.#inputId, this.#output);
  }

  #takeSpare(): CodecEncoder | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  #letGo(encoder: CodecEncoder): void {
    if (this.#encoders.length > 0 || this.#spare !== undefined || !isUsual(encoder)) encoder.close();
    else this.#spare = encoder;
  }

  #closeSpare(): void {
    this.#takeSpare()?.close();
  }

  #encode(picture: Descriptor, image: Uint8Array): void {
    const { control } = this.#host;
    this.#frameRate =
      this.#inputId === 0 ? control.get(ControlWord.frameRate) : this.#pushedRate(picture.captureTimeUs);
    this.#scaler.set(picture, image);
    for (let i = 0; i < this.#encoders.length; i++) {
      const encoder = this.#encoders[i];
      if (!encoder.wishes.blank && encoder.isDue(picture.captureTimeUs)) this.#run(encoder, this.#frameRate);
    }
  }

  #run(encoder: CodecEncoder, frameRate: number): void {
    const { scaleResolutionDownBy, maxMacroblocks } = encoder.wishes;
    this.#scaler.select(scaleResolutionDownBy, maxMacroblocks);
    encoder.encode(this.#scaler.picture, this.#scaler.bytes, frameRate);
  }

  /** Of the source's pictures, as far as they are known. */
  #size(): { readonly width: number; readonly height: number } {
    if (this.#width > 0) return { width: this.#width, height: this.#height };
    const camera = this.#host.metrics.row(workerRow("camera"));
    const width = camera.get(WorkerCounter.width);
    if (this.#inputId !== 0 || width === 0) return UNKNOWN_SIZE;
    return { width: width & ~1, height: camera.get(WorkerCounter.height) & ~1 };
  }

  #countDrops(picture: Descriptor, input: SlotConsumer): void {
    const { row } = this.#host;
    row.add(WorkerCounter.droppedNewer, input.skipped - this.#skipped);
    this.#skipped = input.skipped;
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

function isUsual({ wishes }: Pick<VideoEncoding, "wishes">): boolean {
  return (
    wishes.codec === "H264" &&
    wishes.scaleResolutionDownBy === 1 &&
    wishes.maxMacroblocks === undefined &&
    !wishes.blank
  );
}
