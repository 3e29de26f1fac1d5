import type { OrderOf } from "../engine_messages.js";
import { ControlWord } from "../ring/control_block.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { PictureEncoder } from "./picture_encoder.js";
import { warmUpEncoder } from "./warm_up.js";

/** Encodes every source once for all peers: the camera, and each source that the application pushes. */
export class EncoderStage implements Stage<"encoder"> {
  readonly #host: WorkerHost<"encoder">;
  readonly #output: SlotProducer;
  readonly #camera: PictureEncoder;
  readonly #inputs = new Map<number, PictureEncoder>();

  constructor(host: WorkerHost<"encoder">) {
    this.#host = host;
    this.#output = new SlotProducer(host.wiring.encodedVideo, host.doorbells.sender);
    this.#camera = new PictureEncoder(host, 0, host.wiring.rawVideo, this.#output);
    if (host.wiring.warmUp) warmUpEncoder(host.wiring.codec);
  }

  order(order: Exclude<OrderOf<"encoder">, { type: "stop" }>): void {
    const { inputId } = order;
    const known = this.#inputs.get(inputId);
    if (known !== undefined) this.#host.post({ type: "inputReleased", name: "encoder", inputId });
    if (order.type === "removeInput") {
      known?.close();
      this.#inputs.delete(inputId);
    } else if (known === undefined) {
      this.#inputs.set(inputId, new PictureEncoder(this.#host, inputId, order.channel, this.#output));
    } else known.setInput(order.channel);
  }

  step(): number {
    // One picture of each in turn, so that no source waits for another's backlog.
    for (let again = true; again; ) {
      again = this.#camera.step(this.#host.control.get(ControlWord.videoConsumers) > 0);
      for (const input of this.#inputs.values()) again = input.step(true) || again;
    }
    return Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#camera.close();
    for (const input of this.#inputs.values()) input.close();
    this.#inputs.clear();
  }
}
