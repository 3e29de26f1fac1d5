import type { OrderOf } from "../engine_messages.js";
import { streamRow, WorkerCounter } from "../metrics_rows.js";
import { EncodedTaps } from "../recording/encoded_taps.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { SlotConsumer, SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { type AudioSink, openAudioSink } from "../sinks/audio_sink.js";
import { FirstStreamSink } from "../sinks/first_stream_sink.js";
import { StreamTransforms } from "../transforms/stream_transforms.js";
import { asError } from "./problem.js";
import { type PlayedSound, SpeakerStream } from "./speaker_stream.js";

/**
 * Plays every audio stream on its own clock: packets into the stream's jitter buffer as they come, one frame out when
 * it is due. What is played goes to the main thread, if it wants sound, and to the WAV sink; the sound device itself
 * is the null device.
 */
export class SpeakerStage implements Stage<"speaker"> {
  readonly #host: WorkerHost<"speaker">;
  readonly #input: SlotConsumer;
  readonly #output: SlotProducer;
  readonly #streams = new Map<number, SpeakerStream>();
  readonly #taps = new EncodedTaps("audio");
  readonly #transforms: StreamTransforms;
  readonly #sink = new FirstStreamSink<AudioSink>((error) => this.#sinkFailed(error));

  constructor(host: WorkerHost<"speaker">) {
    this.#host = host;
    this.#input = new SlotConsumer(host.wiring.audioPackets);
    this.#output = new SlotProducer(host.wiring.samples);
    this.#transforms = new StreamTransforms("audio", host.doorbells.speaker.buffer, host.metrics);
  }

  order(order: Exclude<OrderOf<"speaker">, { type: "stop" }>): void {
    switch (order.type) {
      case "addPlayoutStream":
        this.#streams.get(order.streamId)?.close();
        this.#streams.set(order.streamId, this.#makeStream(order));
        break;
      case "removePlayoutStream":
        this.#streams.get(order.streamId)?.close();
        this.#streams.delete(order.streamId);
        this.#taps.remove(order.streamId);
        this.#transforms.remove(order.streamId);
        this.#sink.forget(order.streamId);
        break;
      case "setWanted":
        this.#setWanted(order.streamId, order.isWanted);
        break;
      case "setSyncWith":
        this.#streams.get(order.streamId)?.sync.setCompanions(order.syncWith);
        break;
      case "setPlayoutTarget":
        this.#streams.get(order.streamId)?.setTarget(order.targetUs);
        break;
      case "setEncodedTap":
      case "removeEncodedTap":
        this.#taps.order(order);
        break;
      case "setTransform":
        this.#transforms.order(order);
        break;
      case "setAudioSink":
        this.#sink.open(() => openAudioSink(order.sink));
        break;
    }
  }

  step(nowUs: number): number {
    while (this.#input.take()) {
      const packet = this.#input.descriptor;
      const bytes = this.#input.bytes(packet.slot);
      if (!this.#transforms.offer(packet, bytes)) this.#insert(packet, bytes);
      this.#input.release(packet.slot);
    }
    this.#transforms.drain((packet, bytes) => this.#insert(packet, bytes));
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (const stream of this.#streams.values()) deadlineUs = Math.min(deadlineUs, stream.play(nowUs));
    return deadlineUs;
  }

  #insert(packet: Descriptor, bytes: Uint8Array): void {
    this.#taps.hand(bytes, packet);
    this.#streams.get(packet.streamId)?.insert(packet, bytes);
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
    this.#taps.close();
    this.#transforms.close();
    this.#sink.close();
  }

  #setWanted(streamId: number, isWanted: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) stream.isWanted = isWanted;
  }

  #makeStream(order: OrderOf<"speaker"> & { type: "addPlayoutStream" }): SpeakerStream {
    const { control, metrics, post, row } = this.#host;
    const stream = new SpeakerStream({
      streamId: order.streamId,
      channels: order.channels,
      control,
      row: metrics.row(streamRow(order.streamId)),
      workerRow: row,
      syncWith: order.syncWith,
      isWanted: order.isWanted,
      onFirstSound: (streamId) => post({ type: "firstframe", streamId, width: 0, height: 0 }),
      onSound: (sound) => this.#play(sound),
      onProblem: (code, message) => post({ type: "problem", name: "speaker", code, message }),
    });
    stream.setTarget(order.targetUs);
    return stream;
  }

  #play(sound: PlayedSound): void {
    this.#record(sound);
    if (this.#host.control.get(ControlWord.samplesWanted) === 0) return;
    const slot = this.#output.acquire();
    if (slot < 0) {
      this.#host.row.add(WorkerCounter.droppedFull);
      return;
    }
    const { pcm, channels, streamId, playoutUs, captureWallUs } = sound;
    this.#output.bytes(slot).set(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
    const descriptor = this.#output.descriptor;
    descriptor.byteLength = pcm.byteLength;
    descriptor.width = channels;
    descriptor.streamId = streamId;
    descriptor.playoutUs = playoutUs;
    descriptor.captureWallUs = captureWallUs;
    this.#output.publish(slot);
    this.#host.post({ type: "output", name: "speaker" });
  }

  #record({ streamId, pcm, channels }: PlayedSound): void {
    try {
      this.#sink.of(streamId)?.write(pcm, channels);
    } catch (error) {
      this.#sink.fail(error);
    }
  }

  #sinkFailed(error: unknown): void {
    const { row, post } = this.#host;
    row.add(WorkerCounter.errors);
    const { message } = asError(error, "SINK_FAILED");
    post({ type: "problem", name: "speaker", code: "SINK_FAILED", message });
  }
}
