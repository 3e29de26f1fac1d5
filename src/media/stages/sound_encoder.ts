import { native } from "../../../native/addon.js";
import type { AudioEncoder, AudioEncoderFactory } from "../codecs/audio_codec.js";
import { audioEncoders } from "../codecs/audio_codecs.js";
import { codecNumber } from "../codecs/codec_name.js";
import type { AudioEncoding, AudioWishes } from "../encodings/encoding.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import { DescriptorFlag } from "../ring/layout.js";
import type { SlotProducer } from "../ring/slot_channel.js";
import type { WorkerHost } from "../ring/worker_loop.js";
import { SAMPLE_RATE } from "../sources/audio_source.js";
import { StreamResampler } from "../sources/stream_resampler.js";
import { audioLevelOf } from "./audio_level.js";

/** RFC 7587 §6.1, maxaveragebitrate. */
const MIN_BITRATE_BPS = 6_000;
const MAX_BITRATE_BPS = 510_000;
/** RFC 3551 §4.2: of codecs that state none. */
const DEFAULT_FRAME_US = 20_000;

/** A piece of sound of one source. */
export interface SoundPiece {
  /** Interleaved. */
  pcm: Int16Array;
  sampleRate: number;
  channels: 1 | 2;
  /** Of the first sample; monotonic. */
  captureTimeUs: number;
}

export interface SoundEncoderOptions {
  readonly host: WorkerHost<"microphone">;
  readonly inputId: number;
  readonly output: SlotProducer;
  /** A piece that comes later than this begins anew: the hole passes on the RTP clock instead of being filled. */
  readonly maxGapUs: number;
}

/** One encoding of one source of sound: converts its samples to what the codec takes, and gathers them into frames. */
export class SoundEncoder {
  /** The encoding's number and wishes. */
  readonly id: number;
  wishes: AudioWishes;
  readonly #options: SoundEncoderOptions;
  readonly #factory: AudioEncoderFactory;
  #encoder: AudioEncoder | undefined;
  #resampler: StreamResampler | undefined;
  /** Of the pieces. */
  #sampleRate = 0;
  #channels: 1 | 2 = 1;
  /** Of what is encoded. */
  #rate = SAMPLE_RATE;
  #encodedChannels: 1 | 2 = 1;
  #pcm = new Int16Array(0);
  #mono = new Int16Array(0);
  #filled = 0;
  /** Of the first sample in {@link #pcm}. */
  #captureUs = 0;
  /** When the next piece should begin. */
  #expectedUs = 0;
  #rtpTimestamp = 0;
  #frameNumber = 0;
  #bitrateBps = 0;
  #lossPercent = -1;
  #silent = false;

  constructor({ id, wishes }: AudioEncoding, options: SoundEncoderOptions) {
    this.id = id;
    this.wishes = wishes;
    this.#options = options;
    this.#factory = audioEncoders.first(wishes.codec, (factory) => factory);
  }

  follow({ wishes }: AudioEncoding): void {
    const { blank, fec, dtx, channels, frameUs } = this.wishes;
    this.wishes = wishes;
    if (wishes.blank !== blank || wishes.fec !== fec || wishes.dtx !== dtx) this.#closeEncoder();
    if (wishes.channels !== channels || wishes.frameUs !== frameUs) this.#sampleRate = 0;
  }

  /** Encodes every frame that the piece completes. */
  add({ pcm, sampleRate, channels, captureTimeUs }: SoundPiece): void {
    if (sampleRate !== this.#sampleRate || channels !== this.#channels) this.#setFormat(sampleRate, channels);
    const lateUs = captureTimeUs - this.#expectedUs;
    if (this.#expectedUs > 0 && lateUs > this.#options.maxGapUs) this.#skip(lateUs);
    this.#expectedUs = captureTimeUs + ((pcm.length / channels) * 1e6) / sampleRate;
    const narrowed = this.#narrow(pcm);
    this.#gather(this.#resampler?.process(narrowed) ?? narrowed, captureTimeUs);
  }

  close(): void {
    this.#closeEncoder();
  }

  #closeEncoder(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
  }

  /** What follows is of this format; the frame begun in another is given up. */
  #setFormat(sampleRate: number, channels: 1 | 2): void {
    this.#closeEncoder();
    const { sampleRates, maxChannels } = this.#factory;
    this.#sampleRate = sampleRate;
    this.#channels = channels;
    this.#rate = sampleRates.includes(sampleRate) ? sampleRate : sampleRates[0];
    this.#encodedChannels = Math.min(channels, maxChannels, this.wishes.channels) === 2 ? 2 : 1;
    this.#resampler =
      this.#rate === sampleRate
        ? undefined
        : new StreamResampler(sampleRate, this.#encodedChannels, this.#rate);
    this.#pcm = new Int16Array(this.#frameSamples() * this.#encodedChannels);
    this.#filled = 0;
  }

  /** Samples of one frame, a channel, at the rate of what is encoded. */
  #frameSamples(): number {
    const { frameUs } = this.wishes;
    if (frameUs !== undefined) return (frameUs * this.#rate) / 1e6;
    if (this.wishes.codec !== "opus") return (DEFAULT_FRAME_US * this.#rate) / 1e6;
    return (this.#options.host.wiring.audio.frameSamples * this.#rate) / SAMPLE_RATE;
  }

  /** Two channels into one, where the codec has one. */
  #narrow(pcm: Int16Array): Int16Array {
    if (this.#channels === this.#encodedChannels) return pcm;
    const count = pcm.length >> 1;
    if (this.#mono.length < count) this.#mono = new Int16Array(count);
    for (let i = 0; i < count; i++) this.#mono[i] = (pcm[2 * i] + pcm[2 * i + 1]) >> 1;
    return this.#mono.subarray(0, count);
  }

  #gather(pcm: Int16Array, captureTimeUs: number): void {
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
    const ticks = Math.round((passedUs * this.#factory.clockRate) / 1e6);
    this.#rtpTimestamp = (this.#rtpTimestamp + ticks) >>> 0;
    this.#filled = 0;
  }

  #lengthUs(samples: number): number {
    return ((samples / this.#encodedChannels) * 1e6) / this.#rate;
  }

  #produce(): void {
    const { host, output } = this.#options;
    this.#filled = 0;
    if (this.wishes.blank) this.#pcm.fill(0);
    const encoder = this.#ready();
    const slot = output.acquire();
    if (slot < 0) host.row.add(WorkerCounter.droppedFull);
    else this.#encode(encoder, slot);
    const ticks = (this.#frameSamples() * this.#factory.clockRate) / this.#rate;
    this.#rtpTimestamp = (this.#rtpTimestamp + ticks) >>> 0;
    this.#frameNumber++;
  }

  #encode(encoder: AudioEncoder, slot: number): void {
    const { host, output } = this.#options;
    const startUs = native.monotonicUs();
    const bytes = encoder.encode(this.#pcm, output.bytes(slot));
    // RFC 7587 §3.1.3: of a silence only its first packet is sent, so that the peer does not take it for a loss.
    const silence = bytes <= 2;
    if (bytes === 0 || (silence && this.#silent)) {
      output.abandon(slot);
      return;
    }
    this.#silent = silence;
    this.#publish(slot, bytes);
    host.row.record(WorkerHistogram.work, output.descriptor.enqueuedUs - startUs);
  }

  #publish(slot: number, bytes: number): void {
    const { host, output, inputId } = this.#options;
    const { descriptor } = output;
    descriptor.byteLength = bytes;
    descriptor.streamId = inputId;
    descriptor.tag = this.id;
    descriptor.flags = audioLevelOf(this.#pcm) * DescriptorFlag.audioLevel;
    descriptor.codec = codecNumber(this.wishes.codec);
    descriptor.rtpTimestamp = this.#rtpTimestamp;
    descriptor.frameNumber = this.#frameNumber;
    descriptor.captureTimeUs = this.#captureUs;
    descriptor.captureWallUs = this.#captureUs + host.control.wallOffsetUs;
    descriptor.durationUs = (this.#frameSamples() * 1e6) / this.#rate;
    output.publish(slot);
    host.row.add(WorkerCounter.frames);
    host.row.add(WorkerCounter.bytes, bytes);
  }

  /** The encoder, with the current bitrate and expected loss. */
  #ready(): AudioEncoder {
    const { control } = this.#options.host;
    const bitrateBps = this.#targetBps();
    const lossPercent = control.get(ControlWord.audioLossPercent);
    if (this.#encoder === undefined) {
      this.#encoder = this.#create(bitrateBps);
      this.#lossPercent = -1;
    } else if (bitrateBps !== this.#bitrateBps) this.#encoder.setBitrate(bitrateBps);
    if (lossPercent !== this.#lossPercent) this.#encoder.setPacketLoss(lossPercent);
    if (bitrateBps !== this.#bitrateBps) control.setTargetBps(this.id, bitrateBps);
    this.#bitrateBps = bitrateBps;
    this.#lossPercent = lossPercent;
    return this.#encoder;
  }

  #targetBps(): number {
    const { control, wiring } = this.#options.host;
    const engine = control.get(ControlWord.audioBitrateBps) || wiring.audio.bitrateBps;
    const own = Math.min(engine, this.wishes.maxBitrateBps ?? engine);
    return Math.max(MIN_BITRATE_BPS, Math.min(own, MAX_BITRATE_BPS));
  }

  #create(bitrateBps: number): AudioEncoder {
    const { audio } = this.#options.host.wiring;
    return this.#factory.create({
      sampleRate: this.#rate,
      channels: this.#encodedChannels,
      bitrateBps,
      fec: this.wishes.fec ?? audio.fec,
      // Silence costs next to nothing.
      dtx: this.wishes.blank || (this.wishes.dtx ?? audio.dtx),
    });
  }
}
