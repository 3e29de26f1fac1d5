import type { InputOrder, OrderOf } from "../engine_messages.js";
import { SlotProducer } from "../ring/slot_channel.js";
import type { Stage, WorkerHost } from "../ring/worker_loop.js";
import { PictureEncoder } from "./picture_encoder.js";
import { warmUpEncoder } from "./warm_up.js";

/**
 * Makes every encoding that is taken of every source once, for all peers: of the camera, and of each source that the
 * application pushes.
 */
export class EncoderStage implements Stage<"encoder"> {
  readonly #host: WorkerHost<"encoder">;
  readonly #output: SlotProducer;
  readonly #camera: PictureEncoder;
  /** Pushed sources, by number. */
  readonly #inputs = new Map<number, PictureEncoder>();

  constructor(host: WorkerHost<"encoder">) {
    this.#host = host;
    this.#output = new SlotProducer(host.wiring.encodedVideo, host.doorbells.sender);
    this.#camera = new PictureEncoder(host, 0, this.#output);
    this.#camera.setInput(host.wiring.rawVideo, host.wiring.counters);
    if (host.wiring.warmUp) warmUpEncoder(host.wiring.codec);
  }

  order(order: Exclude<OrderOf<"encoder">, { type: "stop" }>): void {
    const { inputId } = order;
    const source = this.#sourceOf(inputId);
    if (order.type === "setPictureEncodings") source.setEncodings(order.encodings);
    else this.#setInput(source, order);
    if (inputId === 0 || !source.isIdle) return;
    source.close();
    this.#inputs.delete(inputId);
  }

  #setInput(source: PictureEncoder, order: InputOrder): void {
    const { inputId } = order;
    const hadInput =
      order.type === "addInput" ? source.setInput(order.channel, order.counters) : source.setInput(undefined);
    if (hadInput) this.#host.post({ type: "inputReleased", name: "encoder", inputId });
  }

  step(nowUs: number): number {
    // One picture of each in turn, so that no source waits for another's backlog.
    for (let again = true; again; ) {
      again = this.#camera.step();
      for (const input of this.#inputs.values()) again = input.step() || again;
    }
    let deadlineUs = this.#camera.stepBlank(nowUs);
    for (const input of this.#inputs.values()) deadlineUs = Math.min(deadlineUs, input.stepBlank(nowUs));
    return deadlineUs;
  }

  close(): void {
    this.#camera.close();
    for (const input of this.#inputs.values()) input.close();
    this.#inputs.clear();
  }

  #sourceOf(inputId: number): PictureEncoder {
    if (inputId === 0) return this.#camera;
    const source = this.#inputs.get(inputId) ?? new PictureEncoder(this.#host, inputId, this.#output);
    this.#inputs.set(inputId, source);
    return source;
  }
}
