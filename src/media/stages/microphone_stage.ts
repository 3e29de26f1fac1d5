import type { InputOrder, OrderOf } from "../engine_messages.js";
import { WorkerCounter } from "../metrics_rows.js";
import { ControlWord } from "../ring/control_block.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import type { AudioSourceSpec } from "../source_spec.js";
import { type AudioSource, SAMPLE_RATE } from "../sources/audio_source.js";
import { openAudioSource } from "../sources/open_audio_source.js";
import { asError } from "./problem.js";
import { PushedSound } from "./pushed_sound.js";
import type { SoundPiece } from "./sound_encoder.js";
import { SoundEncoders } from "./sound_encoders.js";

/** Later than this and the schedule starts anew: a hole in the sound is better than a burst. */
const MAX_LATE_US = 100_000;
/** The microphone's times are exact: a shorter gap is none. */
const MAX_GAP_US = 1_000;

/**
 * Reads the microphone a frame at a time and makes the encodings that are taken of it; beside it, of what the application
 * pushes. Sleeps while nobody wants sound.
 */
export class MicrophoneStage implements Stage<"microphone"> {
  readonly #host: WorkerHost<"microphone">;
  readonly #producer: SlotProducer;
  readonly #encoders: SoundEncoders;
  /** Pushed sources, by number. */
  readonly #inputs = new Map<number, PushedSound>();
  #source: AudioSource | undefined;
  readonly #frameUs: number;
  readonly #piece: SoundPiece = {
    pcm: new Int16Array(0),
    sampleRate: SAMPLE_RATE,
    channels: 1,
    captureTimeUs: 0,
  };
  #active = false;
  /** When the next frame is complete. */
  #nextUs = 0;

  constructor(host: WorkerHost<"microphone">) {
    this.#host = host;
    this.#frameUs = (host.wiring.audio.frameSamples * 1e6) / SAMPLE_RATE;
    this.#producer = new SlotProducer(host.wiring.encodedAudio, host.doorbells.sender);
    this.#encoders = new SoundEncoders({ host, inputId: 0, output: this.#producer, maxGapUs: MAX_GAP_US });
    this.#encoders.setCounters(host.wiring.counters);
    this.#open(host.wiring.source);
  }

  order(order: Exclude<OrderOf<"microphone">, { type: "stop" }>): void {
    if (order.type === "setAudioSource") this.#setSource(order.source);
    else if (order.type !== "setSoundEncodings") this.#setInput(order);
    else if (order.inputId === 0) this.#encoders.setEncodings(order.encodings);
    else {
      this.#inputOf(order.inputId).encoders.setEncodings(order.encodings);
      this.#forgetIdle(order.inputId);
    }
  }

  step(nowUs: number): number {
    for (const input of this.#inputs.values()) input.step();
    const wanted = this.#host.control.get(ControlWord.audioConsumers) > 0;
    if (!wanted || this.#source === undefined) {
      this.#active = false;
      return Number.POSITIVE_INFINITY;
    }
    // A frame is complete its own length after its first sample.
    if (!this.#active || nowUs - this.#nextUs > MAX_LATE_US) this.#nextUs = nowUs + this.#frameUs;
    this.#active = true;
    while (this.#nextUs <= nowUs) {
      this.#produce(this.#source);
      this.#nextUs += this.#frameUs;
    }
    return this.#nextUs;
  }

  close(): void {
    for (const input of this.#inputs.values()) input.close();
    this.#inputs.clear();
    this.#encoders.close();
  }

  #produce(source: AudioSource): void {
    const piece = this.#piece;
    source.read(piece.pcm);
    if (this.#host.control.get(ControlWord.audioMuted) !== 0) piece.pcm.fill(0);
    piece.captureTimeUs = this.#nextUs - this.#frameUs;
    this.#encoders.add(piece);
  }

  #setInput(order: InputOrder): void {
    const { inputId } = order;
    const input = this.#inputOf(inputId);
    const hadInput =
      order.type === "addInput" ? input.setInput(order.channel, order.counters) : input.setInput(undefined);
    if (hadInput) {
      this.#host.post({ type: "inputReleased", name: "microphone", inputId });
    }
    this.#forgetIdle(inputId);
  }

  #inputOf(inputId: number): PushedSound {
    const input = this.#inputs.get(inputId) ?? new PushedSound(this.#host, inputId, this.#producer);
    this.#inputs.set(inputId, input);
    return input;
  }

  #forgetIdle(inputId: number): void {
    const input = this.#inputs.get(inputId);
    if (!input?.isIdle) return;
    input.close();
    this.#inputs.delete(inputId);
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

  #open(spec: AudioSourceSpec): void {
    this.#source = openAudioSource(spec);
    if (this.#source === undefined) return;
    const { channels } = this.#source;
    this.#piece.channels = channels;
    this.#piece.pcm = new Int16Array(this.#host.wiring.audio.frameSamples * channels);
  }
}
