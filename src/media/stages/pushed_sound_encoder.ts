import { native, type OpusEncoder } from "../../../native/addon.js";
import { codecNumber } from "../codecs/codec_name.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import { type SlotChannelBuffers, SlotConsumer, type SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { StreamResampler } from "../sources/stream_resampler.js";
import { asError } from "./problem.js";

/** Rates that Opus takes as they are (RFC 6716 §2); others are converted to 48 kHz. */
const OPUS_RATES = [8000, 12_000, 16_000, 24_000, 48_000];
/** Pieces later than this begin anew: the hole passes on the RTP clock instead of being filled. */
const MAX_GAP_US = 100_000;

/** One pushed sound source: gathers its samples into Opus frames. Its clock is the application's pushing. */
export class PushedSoundEncoder {
  readonly #host: WorkerHost<"microphone">;
  readonly #inputId: number;
  readonly #output: SlotProducer;
  readonly #input: SlotConsumer;
  #encoder: OpusEncoder | undefined;
  #resampler: StreamResampler | undefined;
  #sampleRate = 0;
  #channels: 1 | 2 = 1;
  /** The rate of what is encoded. */
  #rate = SAMPLE_RATE;
  #pcm = new Int16Array(0);
  #filled = 0;
  /** Of the first sample in {@link #pcm}. */
  #captureUs = 0;
  /** When the next piece should begin. */
  #expectedUs = 0;
  /** At 48 kHz. */
  #rtpTimestamp = 0;
  #frameNumber = 0;
  #bitrateBps = 0;
  #droppedBefore = 0;

  constructor(
    host: WorkerHost<"microphone">,
    inputId: number,
    input: SlotChannelBuffers,
    output: SlotProducer,
  ) {
    this.#host = host;
    this.#inputId = inputId;
    this.#input = new SlotConsumer(input);
    this.#output = output;
  }

  /** Encodes all that waits. */
  step(): void {
    const input = this.#input;
    while (input.take()) {
      const { slot, byteLength, width, height, captureTimeUs, tag } = input.descriptor;
      const bytes = input.bytes(slot);
      try {
        this.#open(height, width === 2 ? 2 : 1);
        this.#add(new Int16Array(bytes.buffer, bytes.byteOffset, byteLength / 2), captureTimeUs);
      } catch (error) {
        this.#fail(error);
      } finally {
        input.release(slot);
      }
      if (tag !== this.#droppedBefore) this.#host.row.add(WorkerCounter.droppedFull);
      this.#droppedBefore = tag;
    }
  }

  close(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
  }

  /** The encoder for this format; the frame begun in another is given up. */
  #open(sampleRate: number, channels: 1 | 2): void {
    if (this.#encoder !== undefined && sampleRate === this.#sampleRate && channels === this.#channels) return;
    this.close();
    const { audio } = this.#host.wiring;
    const native48 = OPUS_RATES.includes(sampleRate);
    this.#rate = native48 ? sampleRate : SAMPLE_RATE;
    this.#resampler = native48 ? undefined : new StreamResampler(sampleRate, channels);
    this.#sampleRate = sampleRate;
    this.#channels = channels;
    this.#pcm = new Int16Array(((audio.frameSamples * this.#rate) / SAMPLE_RATE) * channels);
    this.#filled = 0;
    this.#bitrateBps = this.#host.control.get(ControlWord.audioBitrateBps);
    this.#encoder = new native.OpusEncoder({
      sampleRate: this.#rate,
      channels,
      bitrateBps: this.#bitrateBps,
      application: "voip",
      fec: audio.fec,
      dtx: audio.dtx,
    });
  }

  #add(piece: Int16Array, captureTimeUs: number): void {
    const lateUs = captureTimeUs - this.#expectedUs;
    if (this.#expectedUs > 0 && lateUs > MAX_GAP_US) this.#skip(lateUs);
    this.#expectedUs = captureTimeUs + ((piece.length / this.#channels) * 1e6) / this.#sampleRate;
    const pcm = this.#resampler?.process(piece) ?? piece;
    for (let from = 0; from < pcm.length; ) {
      if (this.#filled === 0) this.#captureUs = captureTimeUs + this.#lengthUs(from);
      const count = Math.min(pcm.length - from, this.#pcm.length - this.#filled);
      this.#pcm.set(pcm.subarray(from, from + count), this.#filled);
      this.#filled += count;
      from += count;
      if (this.#filled === this.#pcm.length) this.#produce();
    }
  }

  /** What was begun before the hole is given up, its time passes with the hole's. */
  #skip(lateUs: number): void {
    const passedUs = lateUs + this.#lengthUs(this.#filled);
    this.#rtpTimestamp = (this.#rtpTimestamp + Math.round((passedUs * SAMPLE_RATE) / 1e6)) >>> 0;
    this.#filled = 0;
  }

  #lengthUs(samples: number): number {
    return ((samples / this.#channels) * 1e6) / this.#rate;
  }

  #produce(): void {
    const { row } = this.#host;
    this.#filled = 0;
    const slot = this.#output.acquire();
    if (slot < 0) row.add(WorkerCounter.droppedFull);
    else this.#encode(slot);
    this.#rtpTimestamp = (this.#rtpTimestamp + this.#host.wiring.audio.frameSamples) >>> 0;
    this.#frameNumber++;
  }

  #encode(slot: number): void {
    const { row, control } = this.#host;
    const encoder = this.#encoder as OpusEncoder;
    const bitrateBps = control.get(ControlWord.audioBitrateBps);
    if (bitrateBps > 0 && bitrateBps !== this.#bitrateBps) encoder.setBitrate(bitrateBps);
    this.#bitrateBps = bitrateBps;
    const startUs = native.monotonicUs();
    const descriptor = this.#output.descriptor;
    descriptor.byteLength = encoder.encode(this.#pcm, this.#output.bytes(slot));
    descriptor.streamId = this.#inputId;
    descriptor.codec = codecNumber("opus");
    descriptor.rtpTimestamp = this.#rtpTimestamp;
    descriptor.frameNumber = this.#frameNumber;
    descriptor.captureTimeUs = this.#captureUs;
    descriptor.captureWallUs = this.#captureUs + control.wallOffsetUs;
    descriptor.durationUs = (this.#host.wiring.audio.frameSamples * 1e6) / SAMPLE_RATE;
    this.#output.publish(slot);
    row.add(WorkerCounter.frames);
    row.add(WorkerCounter.bytes, descriptor.byteLength);
    row.record(WorkerHistogram.work, descriptor.enqueuedUs - startUs);
  }

  #fail(error: unknown): void {
    const { row, post } = this.#host;
    if (row.get(WorkerCounter.errors) === 0) {
      const { code, message } = asError(error, "CODEC_FAILED");
      post({ type: "problem", name: "microphone", code, message });
    }
    row.add(WorkerCounter.errors);
    this.close();
  }
}
