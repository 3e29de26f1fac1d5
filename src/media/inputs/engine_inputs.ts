import type { InputOrder, OrderOf } from "../engine_messages.js";
import type { ControlBlock } from "../ring/control_block.js";
import type { Doorbell } from "../ring/doorbell.js";
import { SlotChannel, type SlotChannelBuffers } from "../ring/slot_channel.js";
import { allocateCounters, SourceCounters } from "../session/stream_counters.js";
import type { EncodedInput } from "./encoded_input.js";
import { EncodedWriter } from "./encoded_writer.js";
import type { MediaInput, PictureInput, SoundInput } from "./media_input.js";
import { PictureWriter } from "./picture_writer.js";
import { SoundWriter } from "./sound_writer.js";

export interface EngineInputsHost {
  readonly control: ControlBlock;
  readonly doorbells: {
    readonly encoder: Doorbell;
    readonly microphone: Doorbell;
    readonly sender: Doorbell;
  };
  post(name: "encoder", order: OrderOf<"encoder">): void;
  post(name: "microphone", order: OrderOf<"microphone">): void;
  post(name: "sender", order: OrderOf<"sender">): void;
}

/** The threads that take what is pushed: pictures, sound, what is encoded already. */
export type InputWorker = "encoder" | "microphone" | "sender";

/** An input that some send stream carries. */
interface Active {
  consumers: number;
  disconnect(): void;
  /** Tells the worker of the input's channel, if there is one yet. */
  announce(): void;
  readonly channel: SlotChannelBuffers | undefined;
  readonly counters: Float64Array;
  readonly worker: InputWorker;
}

/**
 * One engine's pushed sources. Each has a number (1 and up; 0 is the camera or the microphone) that names it in send
 * streams and descriptors; while some stream carries it, it has a slot channel and an encoder of its own.
 */
export class EngineInputs {
  readonly #host: EngineInputsHost;
  readonly #ids = new WeakMap<MediaInput, number>();
  /** Inputs that were given a number and not yet let go. */
  readonly #known = new Map<number, MediaInput>();
  readonly #active = new Map<number, Active>();
  /** Channels that a worker was told to leave and may still be reading, by input, oldest first. */
  readonly #leaving = new Map<number, { worker: Active["worker"]; channel: SlotChannelBuffers }[]>();
  /** Numbers of the encodings that encoded inputs stand for, by input. */
  readonly #encodings = new Map<number, number>();
  #nextId = 1;

  constructor(host: EngineInputsHost) {
    this.#host = host;
  }

  idOf(input: MediaInput): number {
    const id = this.#ids.get(input) ?? this.#nextId++;
    this.#ids.set(input, id);
    this.#known.set(id, input);
    return id;
  }

  /** The input of that number, where it is encoded already. */
  encodedInput(id: number): EncodedInput | undefined {
    const input = this.#known.get(id);
    return input?.isEncoded ? input : undefined;
  }

  /** From now on the encoded input's frames go to the streams that take this encoding; undefined: to nobody. */
  carryAs(id: number, encoding: number | undefined): void {
    if (encoding === undefined) this.#encodings.delete(id);
    else this.#encodings.set(id, encoding);
  }

  /** A peer wants a keyframe of an encoding that is an encoded input's. */
  askKeyframe(encoding: number): void {
    for (const [id, carried] of this.#encodings)
      if (carried === encoding) this.encodedInput(id)?.askKeyframe();
  }

  /** One more or one fewer send stream carries the input. */
  changeConsumers(id: number, by: 1 | -1): void {
    const input = this.#known.get(id);
    const active =
      this.#active.get(id) ?? (input !== undefined && by > 0 ? this.#connect(id, input) : undefined);
    if (active === undefined) return;
    active.consumers += by;
    if (active.consumers > 0) return;
    this.#active.delete(id);
    this.#known.delete(id);
    active.disconnect();
    this.#leave(id, active.worker, active.channel);
    this.#tell(active.worker, { type: "removeInput", inputId: id });
  }

  /** A worker has left the oldest channel it was told to leave: the memory may serve another. */
  released(id: number): void {
    const leaving = this.#leaving.get(id);
    const oldest = leaving?.shift();
    if (oldest !== undefined) SlotChannel.release(oldest.channel);
    if (leaving?.length === 0) this.#leaving.delete(id);
  }

  /** That worker was started anew and knows no inputs; what its predecessor left is the garbage collector's. */
  restore(worker: InputWorker): void {
    for (const [id, leaving] of this.#leaving) if (leaving[0]?.worker === worker) this.#leaving.delete(id);
    for (const active of this.#active.values()) if (active.worker === worker) active.announce();
  }

  close(): void {
    for (const active of this.#active.values()) active.disconnect();
    this.#active.clear();
    this.#known.clear();
  }

  #leave(id: number, worker: Active["worker"], channel: SlotChannelBuffers | undefined): void {
    if (channel === undefined) return;
    const leaving = this.#leaving.get(id);
    if (leaving === undefined) this.#leaving.set(id, [{ worker, channel }]);
    else leaving.push({ worker, channel });
  }

  /** What came of an input that is carried; a {@link SourceCounters} block. */
  countersOf(id: number): Float64Array | undefined {
    return this.#active.get(id)?.counters;
  }

  #tell(worker: InputWorker, order: InputOrder): void {
    // All three understand it; the pairing of name and order cannot be seen through the union.
    (this.#host.post as (name: InputWorker, order: InputOrder) => void)(worker, order);
  }

  #connect(inputId: number, input: MediaInput): Active {
    const active = this.#open(inputId, input);
    this.#active.set(inputId, active);
    return active;
  }

  #open(inputId: number, input: MediaInput): Active {
    if (input.isEncoded) return this.#encoded(inputId, input);
    return input.kind === "video" ? this.#video(inputId, input) : this.#audio(inputId, input);
  }

  #encoded(inputId: number, input: EncodedInput): Active {
    const counters = allocateCounters(SourceCounters.words);
    const announce = (channel: SlotChannelBuffers) =>
      this.#host.post("sender", { type: "addInput", inputId, channel, counters });
    const encodingOf = () => this.#encodings.get(inputId) ?? 0;
    const { sender } = this.#host.doorbells;
    const writer = new EncodedWriter(input, inputId, sender, encodingOf, (channel, former) => {
      this.#leave(inputId, "sender", former);
      announce(channel);
    });
    return {
      consumers: 0,
      worker: "sender",
      disconnect: writer.connect(),
      announce: () => announce(writer.channel),
      counters: new Float64Array(counters),
      get channel() {
        return writer.channel;
      },
    };
  }

  #video(inputId: number, input: PictureInput): Active {
    const { control, doorbells } = this.#host;
    const counters = allocateCounters(SourceCounters.words);
    const announce = () => {
      const { channel } = writer;
      if (channel !== undefined) this.#host.post("encoder", { type: "addInput", inputId, channel, counters });
    };
    const writer = new PictureWriter(inputId, doorbells.encoder, (_, former) => {
      this.#leave(inputId, "encoder", former);
      announce();
    });
    const disconnect = input.connect((picture) => writer.write(picture, control.wallOffsetUs));
    return {
      consumers: 0,
      worker: "encoder",
      disconnect,
      announce,
      counters: new Float64Array(counters),
      get channel() {
        return writer.channel;
      },
    };
  }

  #audio(inputId: number, input: SoundInput): Active {
    const writer = new SoundWriter(inputId, this.#host.doorbells.microphone);
    const { channel } = writer;
    const counters = allocateCounters(SourceCounters.words);
    const announce = () => this.#host.post("microphone", { type: "addInput", inputId, channel, counters });
    announce();
    const disconnect = input.connect((sound) => writer.write(sound));
    return {
      consumers: 0,
      worker: "microphone",
      disconnect,
      announce,
      channel,
      counters: new Float64Array(counters),
    };
  }
}
