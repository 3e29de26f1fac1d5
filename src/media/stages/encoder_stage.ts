import type { VideoCodecName } from "../codecs/codec_name.js";
import type { InputOrder, OrderOf } from "../engine_messages.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { PictureEncoder } from "./picture_encoder.js";
import { warmUpEncoder } from "./warm_up.js";

/** Encodes every source once for all peers of a codec: the camera, and each source that the application pushes. */
export class EncoderStage implements Stage<"encoder"> {
  readonly #host: WorkerHost<"encoder">;
  readonly #output: SlotProducer;
  readonly #camera: PictureEncoder;
  readonly #inputs = new Map<number, PictureEncoder>();
  /** Of pushed sources; it may come before their channel does. */
  readonly #demands = new Map<number, readonly VideoCodecName[]>();

  constructor(host: WorkerHost<"encoder">) {
    this.#host = host;
    this.#output = new SlotProducer(host.wiring.encodedVideo, host.doorbells.sender);
    this.#camera = new PictureEncoder(host, 0, host.wiring.rawVideo, this.#output);
    if (host.wiring.warmUp) warmUpEncoder(host.wiring.codec);
  }

  order(order: Exclude<OrderOf<"encoder">, { type: "stop" }>): void {
    if (order.type === "setDemand") this.#setDemand(order.inputId, order.codecs);
    else this.#setInput(order);
  }

  step(): number {
    // One picture of each in turn, so that no source waits for another's backlog.
    for (let again = true; again; ) {
      again = this.#camera.step();
      for (const input of this.#inputs.values()) again = input.step() || again;
    }
    return Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#camera.close();
    for (const input of this.#inputs.values()) input.close();
    this.#inputs.clear();
  }

  #setDemand(inputId: number, codecs: readonly VideoCodecName[]): void {
    if (inputId === 0) {
      this.#camera.setDemand(codecs);
      return;
    }
    this.#inputs.get(inputId)?.setDemand(codecs);
    if (codecs.length > 0) this.#demands.set(inputId, codecs);
    else this.#demands.delete(inputId);
  }

  #setInput(order: InputOrder): void {
    const { inputId } = order;
    const known = this.#inputs.get(inputId);
    if (known !== undefined) this.#host.post({ type: "inputReleased", name: "encoder", inputId });
    if (order.type === "removeInput") {
      known?.close();
      this.#inputs.delete(inputId);
    } else if (known === undefined) {
      const input = new PictureEncoder(this.#host, inputId, order.channel, this.#output);
      input.setDemand(this.#demands.get(inputId) ?? []);
      this.#inputs.set(inputId, input);
    } else known.setInput(order.channel);
  }
}
