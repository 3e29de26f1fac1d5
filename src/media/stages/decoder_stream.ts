import { DecodedLayout, native, type VideoDecoder } from "../../../native/addon.js";
import { FrameRateMeter } from "../analysis/frame_rate_meter.js";
import { codecOfNumber, isVideoCodec } from "../codecs/codec_name.js";
import { type QuantizerReader, quantizerReaderOf } from "../codecs/quantizer_reader.js";
import { createVideoDecoder, type Maker } from "../codecs/video_codecs.js";
import type { CodecSettings } from "../engine_messages.js";
import { PlayoutCounter, PlayoutHistogram, WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { type ControlBlock, ControlWord } from "../ring/control_block.js";
import { Descriptor } from "../ring/descriptor.js";
import type { MetricsRow } from "../ring/metrics.js";
import type { SlotProducer } from "../ring/slot_channel.js";
import { ReceiveCounters } from "../session/stream_counters.js";
import { LipSync } from "./lip_sync.js";
import { PicturePace } from "./picture_pace.js";
import { asError } from "./problem.js";

/** A keyframe asked for in vain is asked for again after this long. */
const KEYFRAME_RETRY_US = 300_000;
/** Pictures that may wait for their time; further ones are shown early. */
const MAX_WAITING = 4;

export interface DecoderStreamOptions {
  readonly streamId: number;
  readonly codec: CodecSettings;
  readonly control: ControlBlock;
  readonly workerRow: MetricsRow;
  readonly row: MetricsRow;
  /** The stream's ReceiveCounters block. */
  readonly receiveCounters: Float64Array;
  readonly syncWith: readonly number[];
  readonly pictures: SlotProducer;
  readonly isWanted: boolean;
  onUnit(bytes: Uint8Array, unit: Descriptor): void;
  onPicture(slot: number, picture: Descriptor): void;
  onFirstFrame(streamId: number, width: number, height: number): void;
  onDecoder(maker: Maker): void;
  onProblem(code: string, message: string): void;
}

/** One receive stream: its decoder, its pictures that wait for their time, its counters. */
export class DecoderStream {
  readonly sync: LipSync;
  /** Whether somebody takes this stream's pictures. */
  isWanted: boolean;
  readonly #options: DecoderStreamOptions;
  /** Made when the first keyframe comes: it says what the stream is in. */
  #decoder: VideoDecoder | undefined;
  #codec = -1;
  #quantizer: QuantizerReader | undefined;
  readonly #layout = new Int32Array(DecodedLayout.words);
  readonly #waiting: Descriptor[] = [];
  readonly #spare: Descriptor[] = [];
  #awaitingKeyframe = true;
  /** Nobody wanted pictures, and no keyframe has come since somebody does. */
  #isResting = false;
  #askedUs = Number.NEGATIVE_INFINITY;
  #scratch = new Uint8Array(0);
  #reportedSize = false;
  readonly #pace: PicturePace;
  readonly #rate = new FrameRateMeter();

  constructor(options: DecoderStreamOptions) {
    this.#options = options;
    this.isWanted = options.isWanted;
    this.#pace = new PicturePace(options.row);
    this.sync = new LipSync(options.control, options.streamId, options.syncWith);
  }

  /** Takes `unit` (its bytes at the start of `bytes`): hands it on and, where somebody wants it, queues its picture for {@link present}. */
  take(unit: Descriptor, bytes: Uint8Array): void {
    const nowUs = native.monotonicUs();
    const accessUnit = bytes.subarray(0, unit.byteLength);
    // What we have no codec of is only passed on: nobody waits for its pictures.
    const isOurs = isVideoCodec(codecOfNumber(unit.codec));
    const rests = !isOurs || this.#rests(unit, nowUs);
    const changed = !rests && unit.codec !== this.#codec;
    if (isOurs && (this.#awaitingKeyframe || changed) && !unit.keyframe) {
      this.#options.row.add(PlayoutCounter.framesDropped);
      this.#askKeyframe(nowUs);
      return;
    }
    this.#options.onUnit(accessUnit, unit);
    if (rests) {
      this.#awaitingKeyframe = false;
      this.#options.row.add(PlayoutCounter.framesNotDecoded);
    } else if (!changed || this.#changeCodec(unit.codec)) this.#decode(unit, accessUnit, nowUs);
  }

  #decode(unit: Descriptor, accessUnit: Uint8Array, startUs: number): void {
    const { row, workerRow, pictures } = this.#options;
    workerRow.record(WorkerHistogram.hop, startUs - unit.enqueuedUs);
    const slot = pictures.acquire();
    const target = slot < 0 ? this.#scratchPicture() : pictures.bytes(slot);
    const length = this.#decoder?.decode(accessUnit, target, this.#layout) ?? 0;
    const quantizer = this.#quantizer?.(accessUnit, unit.byteLength) ?? -1;
    if (length > 0) {
      row.add(PlayoutCounter.qpSum, Math.max(0, quantizer));
      this.#decoded(unit, slot, length, startUs);
    } else {
      if (slot >= 0) pictures.abandon(slot);
      this.#undecoded(length, startUs);
    }
  }

  /** Shows what is due; returns when the next picture is. */
  present(nowUs: number): number {
    const waiting = this.#waiting;
    while (waiting.length > 0 && (waiting[0].playoutUs <= nowUs || waiting.length > MAX_WAITING)) {
      const picture = waiting.shift() as Descriptor;
      const { row, onPicture } = this.#options;
      const shownUs = native.monotonicUs();
      row.add(PlayoutCounter.framesPresented);
      row.record(PlayoutHistogram.decodedToPresented, shownUs - picture.enqueuedUs);
      this.#countEmitted(picture, shownUs);
      onPicture(picture.slot, picture);
      this.#spare.push(picture);
    }
    return waiting.length === 0 ? Number.POSITIVE_INFINITY : waiting[0].playoutUs;
  }

  /** From its first packet until it is shown: the wait for the right moment comes after decoding here. */
  #countEmitted(picture: Descriptor, shownUs: number): void {
    const { row } = this.#options;
    this.#pace.add(shownUs);
    row.set(PlayoutCounter.presentedUs, shownUs);
    row.set(PlayoutCounter.presentedWallUs, picture.captureWallUs);
    if (picture.arrivalUs <= 0) return;
    row.add(PlayoutCounter.emitted);
    row.add(PlayoutCounter.bufferedUs, shownUs - picture.arrivalUs);
    row.add(PlayoutCounter.targetUs, Math.max(0, picture.playoutUs - picture.arrivalUs));
    row.add(PlayoutCounter.minimumUs, Math.max(0, picture.completeUs - picture.arrivalUs));
  }

  close(): void {
    for (const picture of this.#waiting) this.#options.pictures.abandon(picture.slot);
    this.#waiting.length = 0;
    this.#decoder?.close();
    this.#decoder = undefined;
  }

  /** Whether a unit is only passed on: nobody wants pictures, or what they would begin with has not come yet. */
  #rests(unit: Descriptor, nowUs: number): boolean {
    if (!this.isWanted && this.#options.control.get(ControlWord.allPicturesWanted) === 0) {
      if (!this.#isResting) this.#rest();
    } else if (this.#isResting) {
      this.#isResting = !unit.keyframe;
      if (this.#isResting) this.#askKeyframe(nowUs);
    }
    return this.#isResting;
  }

  #rest(): void {
    this.#isResting = true;
    this.close();
    // What comes next is decoded anew, from a keyframe on.
    this.#codec = -1;
    this.#pace.rest();
    this.sync.leave();
    this.#options.row.set(PlayoutCounter.presentedWallUs, 0);
  }

  /** The stream goes on in another codec (RFC 3550 §5.1: the payload type may change between packets). */
  #changeCodec(number: number): boolean {
    const codec = codecOfNumber(number);
    this.#decoder?.close();
    this.#decoder = undefined;
    this.#codec = number;
    this.#awaitingKeyframe = true;
    if (!isVideoCodec(codec)) return false;
    try {
      const { decoder, ...maker } = createVideoDecoder(codec, this.#options.codec);
      this.#decoder = decoder;
      this.#quantizer = quantizerReaderOf(codec);
      this.#options.onDecoder(maker);
      return true;
    } catch (error) {
      const { code, message } = asError(error, "CODEC_FAILED");
      this.#options.onProblem(code, message);
      return false;
    }
  }

  #decoded(unit: Descriptor, slot: number, length: number, startUs: number): void {
    const { row, workerRow } = this.#options;
    const nowUs = native.monotonicUs();
    this.#awaitingKeyframe = false;
    workerRow.add(WorkerCounter.frames);
    workerRow.record(WorkerHistogram.work, nowUs - startUs);
    row.add(PlayoutCounter.framesDecoded);
    row.add(PlayoutCounter.decodeUs, nowUs - startUs);
    this.#rate.add(nowUs);
    row.set(PlayoutCounter.framesPerSecond, this.#rate.perSecond);
    row.set(PlayoutCounter.lastFrameUs, nowUs);
    if (unit.keyframe) {
      row.add(PlayoutCounter.keyframesDecoded);
      workerRow.add(WorkerCounter.keyframes);
    }
    this.#recordLatency(unit, nowUs);
    this.#announce();
    if (slot < 0) {
      row.add(PlayoutCounter.framesDropped);
      return;
    }
    this.#enqueue(unit, slot, length, nowUs);
  }

  #recordLatency(unit: Descriptor, nowUs: number): void {
    const { row, workerRow, control } = this.#options;
    if (unit.captureWallUs > 0) {
      row.record(PlayoutHistogram.captureToDecoded, nowUs + control.wallOffsetUs - unit.captureWallUs);
    }
    if (unit.completeUs > 0) {
      row.add(PlayoutCounter.processingUs, nowUs - unit.arrivalUs);
      if (unit.tag > 1) {
        row.add(PlayoutCounter.assembledFrames);
        row.add(PlayoutCounter.assemblyUs, unit.completeUs - unit.arrivalUs);
      }
      row.record(PlayoutHistogram.arrivalToComplete, unit.completeUs - unit.arrivalUs);
      row.record(PlayoutHistogram.completeToDecoded, nowUs - unit.completeUs);
      workerRow.record(WorkerHistogram.sinceCapture, nowUs - unit.completeUs);
    }
  }

  #announce(): void {
    const { row, streamId, onFirstFrame } = this.#options;
    const width = this.#layout[DecodedLayout.width];
    const height = this.#layout[DecodedLayout.height];
    const first = row.get(PlayoutCounter.width) === 0;
    row.set(PlayoutCounter.width, width);
    row.set(PlayoutCounter.height, height);
    if (first) onFirstFrame(streamId, width, height);
  }

  #enqueue(unit: Descriptor, slot: number, length: number, nowUs: number): void {
    const picture = this.#spare.pop() ?? new Descriptor();
    picture.copyFrom(unit);
    picture.setDecoded(this.#layout, length);
    picture.slot = slot;
    picture.enqueuedUs = nowUs;
    picture.playoutUs = this.#playoutUs(unit, nowUs);
    this.#waiting.push(picture);
  }

  /** When to show: the jitter buffer's time, later if the sound needs longer; at once when that is past. */
  #playoutUs(unit: Descriptor, nowUs: number): number {
    const ownUs = Math.max(unit.playoutUs, nowUs);
    if (unit.captureWallUs <= 0) return ownUs;
    this.sync.observe(ownUs, unit.captureWallUs);
    const extraUs = this.sync.extraDelayUs();
    const previousUs = this.#waiting.at(-1)?.playoutUs ?? 0;
    return Math.max(ownUs + extraUs, previousUs);
  }

  #undecoded(result: number, nowUs: number): void {
    const { row, onProblem } = this.#options;
    // 0: nothing wrong, just no picture yet.
    if (result === 0) return;
    row.add(PlayoutCounter.framesDropped);
    row.add(PlayoutCounter.decodeErrors);
    if (result === -2 && !this.#reportedSize) {
      this.#reportedSize = true;
      const size = `${this.#layout[DecodedLayout.width]}x${this.#layout[DecodedLayout.height]}`;
      onProblem("CODEC_FAILED", `received video of ${size} is larger than the engine's largest picture`);
    }
    this.#awaitingKeyframe = true;
    this.#askKeyframe(nowUs);
  }

  /** Asks the peer, at most every 300 ms. */
  requestKeyframe(): void {
    this.#askKeyframe(native.monotonicUs());
  }

  /** The receiver's threads see the word and send PLI or FIR. */
  #askKeyframe(nowUs: number): void {
    if (nowUs - this.#askedUs < KEYFRAME_RETRY_US) return;
    this.#askedUs = nowUs;
    this.#options.receiveCounters[ReceiveCounters.keyframeEpoch]++;
  }

  /** Decodes into private memory when all slots are out: the stream must go on, the picture is not shown. */
  #scratchPicture(): Uint8Array {
    if (this.#scratch.length === 0) this.#scratch = new Uint8Array(this.#options.pictures.slotBytes);
    return this.#scratch;
  }
}
