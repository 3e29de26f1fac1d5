import { native } from "../../../native/addon.js";
import type { OrderOf } from "../engine_messages.js";
import { streamRow, WorkerCounter, WorkerHistogram } from "../metrics_rows.js";
import { EncodedTaps } from "../recording/encoded_taps.js";
import { ControlWord } from "../ring/control_block.js";
import type { Descriptor } from "../ring/descriptor.js";
import { SlotConsumer, SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { FirstStreamSink } from "../sinks/first_stream_sink.js";
import { openVideoSink, type VideoSink } from "../sinks/video_sink.js";
import { StreamTransforms } from "../transforms/stream_transforms.js";
import { DecoderStream } from "./decoder_stream.js";
import { asError } from "./problem.js";
import { warmUpDecoder } from "./warm_up.js";

/**
 * Decodes every access unit the moment it is there and presents the picture when it is due: to the main thread, if it
 * wants pictures, and to the file sink. All receive streams of the engine, each with a decoder of its own.
 */
export class DecoderStage implements Stage<"decoder"> {
  readonly #host: WorkerHost<"decoder">;
  readonly #input: SlotConsumer;
  readonly #output: SlotProducer;
  readonly #streams = new Map<number, DecoderStream>();
  readonly #taps = new EncodedTaps("video");
  readonly #transforms: StreamTransforms;
  readonly #sink = new FirstStreamSink<VideoSink>((error) => this.#sinkFailed(error));

  constructor(host: WorkerHost<"decoder">) {
    this.#host = host;
    this.#input = new SlotConsumer(host.wiring.accessUnits);
    this.#output = new SlotProducer(host.wiring.pictures);
    this.#transforms = new StreamTransforms("video", host.doorbells.decoder.buffer, host.metrics);
    if (host.wiring.warmUp) warmUpDecoder(host.wiring.codec);
  }

  order(order: Exclude<OrderOf<"decoder">, { type: "stop" }>): void {
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
        // The receiver's: pictures wait as packets.
        break;
      case "setEncodedTap":
      case "removeEncodedTap":
        this.#taps.order(order);
        break;
      case "setTransform":
        this.#transforms.order(order);
        break;
      case "setVideoSink":
        this.#sink.open(() => openVideoSink(order.sink));
        break;
    }
  }

  step(nowUs: number): number {
    while (this.#input.take()) {
      const unit = this.#input.descriptor;
      try {
        const bytes = this.#input.bytes(unit.slot);
        if (!this.#transforms.offer(unit, bytes)) this.#streams.get(unit.streamId)?.take(unit, bytes);
      } finally {
        this.#input.release(unit.slot);
      }
    }
    this.#transforms.drain((unit, bytes) => this.#streams.get(unit.streamId)?.take(unit, bytes));
    let deadlineUs = Number.POSITIVE_INFINITY;
    for (const stream of this.#streams.values()) deadlineUs = Math.min(deadlineUs, stream.present(nowUs));
    return deadlineUs;
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

  #makeStream(order: OrderOf<"decoder"> & { type: "addPlayoutStream" }): DecoderStream {
    const { control, metrics, wiring, post, row } = this.#host;
    return new DecoderStream({
      streamId: order.streamId,
      codec: wiring.codec,
      control,
      workerRow: row,
      row: metrics.row(streamRow(order.streamId)),
      receiveCounters: new Float64Array(order.counters),
      syncWith: order.syncWith,
      isWanted: order.isWanted,
      pictures: this.#output,
      onUnit: (bytes, unit) => this.#handOn(bytes, unit),
      onPicture: (slot, picture) => this.#present(slot, picture),
      onFirstFrame: (streamId, width, height) => post({ type: "firstframe", streamId, width, height }),
      onDecoder: (maker) => post({ type: "decoderMade", streamId: order.streamId, ...maker }),
      onProblem: (code, message) => post({ type: "problem", name: "decoder", code, message }),
    });
  }

  /** To recordings and the file sink, before the unit is decoded. */
  #handOn(bytes: Uint8Array, unit: Descriptor): void {
    if (this.#taps.hand(bytes, unit)) this.#streams.get(unit.streamId)?.requestKeyframe();
    try {
      this.#sink.of(unit.streamId)?.accessUnit(bytes, unit);
    } catch (error) {
      this.#sink.fail(error);
    }
  }

  /** Publishes or gives back the slot; both end its life here. */
  #present(slot: number, picture: Descriptor): void {
    const { control, row, post } = this.#host;
    row.record(WorkerHistogram.presented, native.monotonicUs() - picture.enqueuedUs);
    try {
      this.#sink.of(picture.streamId)?.picture(this.#output.bytes(slot), picture);
    } catch (error) {
      this.#sink.fail(error);
    }
    if (control.get(ControlWord.picturesWanted) === 0) {
      this.#output.abandon(slot);
      return;
    }
    this.#output.descriptor.copyFrom(picture);
    this.#output.publish(slot);
    post({ type: "output", name: "decoder" });
  }

  #sinkFailed(error: unknown): void {
    const { row, post } = this.#host;
    row.add(WorkerCounter.errors);
    const { message } = asError(error, "SINK_FAILED");
    post({ type: "problem", name: "decoder", code: "SINK_FAILED", message });
  }
}
