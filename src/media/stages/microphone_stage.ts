import { native, type OpusEncoder } from "../../../native/addon.js";
import { codecNumber } from "../codecs/codec_name.js";
import type { InputOrder, OrderOf } from "../engine_messages.js";
import { WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import type { AudioSourceSpec } from "../source_spec.js";
import { type AudioSource, SAMPLE_RATE } from "../sources/audio_source.js";
import { openAudioSource } from "../sources/open_audio_source.js";
import { asError } from "./problem.js";
import { PushedSoundEncoder } from "./pushed_sound_encoder.js";

/** Later than this and the schedule starts anew: a hole in the sound is better than a burst. */
const MAX_LATE_US = 100_000;

/**
 * Reads one Opus frame of sound at a time, encodes it (Opus) and publishes it; beside it, what the application pushes.
 * Sleeps while nobody wants sound.
 */
export class MicrophoneStage implements Stage<"microphone"> {
  readonly #host: WorkerHost<"microphone">;
  readonly #producer: SlotProducer;
  readonly #inputs = new Map<number, PushedSoundEncoder>();
  #source: AudioSource | undefined;
  #encoder: OpusEncoder | undefined;
  readonly #frameSamples: number;
  readonly #frameUs: number;
  #pcm = new Int16Array(0);
  #active = false;
  #nextUs = 0;
  #rtpTimestamp = 0;
  #frameNumber = 0;
  #bitrateBps = 0;
  #lossPercent = -1;

  constructor(host: WorkerHost<"microphone">) {
    this.#host = host;
    this.#frameSamples = host.wiring.audio.frameSamples;
    this.#frameUs = (this.#frameSamples * 1e6) / SAMPLE_RATE;
    this.#producer = new SlotProducer(host.wiring.encodedAudio, host.doorbells.sender);
    this.#open(host.wiring.source);
  }

  order(order: Exclude<OrderOf<"microphone">, { type: "stop" }>): void {
    if (order.type === "setAudioSource") this.#setSource(order.source);
    else this.#setInput(order);
  }

  #setInput(order: InputOrder): void {
    const { inputId } = order;
    const known = this.#inputs.get(inputId);
    known?.close();
    if (known !== undefined) this.#host.post({ type: "inputReleased", name: "microphone", inputId });
    if (order.type === "removeInput") this.#inputs.delete(inputId);
    else {
      this.#inputs.set(inputId, new PushedSoundEncoder(this.#host, inputId, order.channel, this.#producer));
    }
  }

  #setSource(source: AudioSourceSpec): void {
    try {
      this.#open(source);
    } catch (error) {
      const { code, message } = asError(error, "SOURCE_FAILED");
      this.#host.row.add(WorkerCounter.errors);
      this.#host.post({ type: "problem", name: "microphone", code, message });
    }
  }

  step(nowUs: number): number {
    for (const input of this.#inputs.values()) input.step();
    const wanted = this.#host.control.get(ControlWord.audioConsumers) > 0;
    if (!wanted || this.#source === undefined || this.#encoder === undefined) {
      this.#active = false;
      return Number.POSITIVE_INFINITY;
    }
    if (!this.#active || nowUs - this.#nextUs > MAX_LATE_US) this.#restart(nowUs);
    while (this.#nextUs <= nowUs) {
      this.#produce(this.#source, this.#encoder);
      this.#nextUs += this.#frameUs;
    }
    return this.#nextUs;
  }

  close(): void {
    for (const input of this.#inputs.values()) input.close();
    this.#inputs.clear();
    this.#closeEncoder();
  }

  #closeEncoder(): void {
    this.#encoder?.close();
    this.#encoder = undefined;
  }

  /** A frame is complete its own length after its first sample; time that was slept through also passed on the RTP clock. */
  #restart(nowUs: number): void {
    if (this.#nextUs > 0) {
      const sleptFrames = Math.max(0, Math.round((nowUs + this.#frameUs - this.#nextUs) / this.#frameUs));
      this.#rtpTimestamp = (this.#rtpTimestamp + sleptFrames * this.#frameSamples) >>> 0;
    }
    this.#active = true;
    this.#nextUs = nowUs + this.#frameUs;
  }

  #produce(source: AudioSource, encoder: OpusEncoder): void {
    const { row, control } = this.#host;
    source.read(this.#pcm);
    if (control.get(ControlWord.audioMuted) !== 0) this.#pcm.fill(0);
    this.#followControls(encoder);
    const slot = this.#producer.acquire();
    if (slot < 0) row.add(WorkerCounter.droppedFull);
    else this.#encode(encoder, slot);
    this.#rtpTimestamp = (this.#rtpTimestamp + this.#frameSamples) >>> 0;
    this.#frameNumber++;
  }

  #encode(encoder: OpusEncoder, slot: number): void {
    const { row, control } = this.#host;
    const startUs = native.monotonicUs();
    const descriptor = this.#producer.descriptor;
    descriptor.byteLength = encoder.encode(this.#pcm, this.#producer.bytes(slot));
    descriptor.streamId = 0;
    descriptor.codec = codecNumber("opus");
    descriptor.rtpTimestamp = this.#rtpTimestamp;
    descriptor.frameNumber = this.#frameNumber;
    descriptor.captureTimeUs = this.#nextUs - this.#frameUs;
    descriptor.captureWallUs = descriptor.captureTimeUs + control.wallOffsetUs;
    descriptor.durationUs = this.#frameUs;
    this.#producer.publish(slot);
    row.add(WorkerCounter.frames);
    row.add(WorkerCounter.bytes, descriptor.byteLength);
    row.record(WorkerHistogram.work, descriptor.enqueuedUs - startUs);
  }

  #followControls(encoder: OpusEncoder): void {
    const { control } = this.#host;
    const bitrateBps = control.get(ControlWord.audioBitrateBps);
    const lossPercent = control.get(ControlWord.audioLossPercent);
    if (bitrateBps > 0 && bitrateBps !== this.#bitrateBps) encoder.setBitrate(bitrateBps);
    if (lossPercent !== this.#lossPercent) encoder.setPacketLoss(lossPercent);
    this.#bitrateBps = bitrateBps;
    this.#lossPercent = lossPercent;
  }

  #open(spec: AudioSourceSpec): void {
    this.#closeEncoder();
    this.#source = openAudioSource(spec);
    if (this.#source === undefined) return;
    const { channels } = this.#source;
    const { audio } = this.#host.wiring;
    this.#pcm = new Int16Array(this.#frameSamples * channels);
    this.#encoder = new native.OpusEncoder({
      sampleRate: SAMPLE_RATE,
      channels,
      bitrateBps: audio.bitrateBps,
      application: "voip",
      fec: audio.fec,
      dtx: audio.dtx,
    });
    this.#bitrateBps = audio.bitrateBps;
    this.#lossPercent = -1;
  }
}
