import type { EngineMemory } from "./engine_memory.js";
import type { PictureListener, SamplesListener } from "./output_listener.js";
import { ControlWord } from "./ring/control_block.js";
import type { Descriptor } from "./ring/descriptor.js";
import { SlotConsumer } from "./ring/slot_channel.js";

/** The main thread's view of what is played: drains the decoder's and the speaker's channels to listeners. */
export class OutputTap {
  readonly #memory: EngineMemory;
  readonly #pictures: SlotConsumer;
  readonly #samples: SlotConsumer;
  readonly #pictureListeners = new Set<PictureListener>();
  readonly #samplesListeners = new Set<SamplesListener>();

  constructor(memory: EngineMemory) {
    this.#memory = memory;
    this.#pictures = new SlotConsumer(memory.wiringOf("decoder").pictures);
    this.#samples = new SlotConsumer(memory.wiringOf("speaker").samples);
  }

  onPicture(listener: PictureListener): () => void {
    this.#pictureListeners.add(listener);
    this.#updateWanted();
    return () => {
      this.#pictureListeners.delete(listener);
      this.#updateWanted();
    };
  }

  onSamples(listener: SamplesListener): () => void {
    this.#samplesListeners.add(listener);
    this.#updateWanted();
    return () => {
      this.#samplesListeners.delete(listener);
      this.#updateWanted();
    };
  }

  /** Hands on what waits. A listener that throws does not keep the slot. */
  drain(name: "decoder" | "speaker"): void {
    if (name === "decoder") {
      drain(this.#pictures, (bytes, picture) => {
        for (const listener of this.#pictureListeners) listener(bytes, picture);
      });
    } else {
      drain(this.#samples, (bytes, samples) => {
        const pcm = new Int16Array(bytes.buffer, bytes.byteOffset, samples.byteLength / 2);
        for (const listener of this.#samplesListeners) listener(pcm, samples);
      });
    }
  }

  close(): void {
    this.#pictureListeners.clear();
    this.#samplesListeners.clear();
    this.#updateWanted();
  }

  #updateWanted(): void {
    const { control } = this.#memory;
    control.set(ControlWord.picturesWanted, this.#pictureListeners.size > 0 ? 1 : 0);
    control.set(ControlWord.samplesWanted, this.#samplesListeners.size > 0 ? 1 : 0);
  }
}

function drain(consumer: SlotConsumer, hand: (bytes: Uint8Array, descriptor: Descriptor) => void): void {
  while (consumer.take()) {
    const { slot } = consumer;
    try {
      hand(consumer.bytes(slot), consumer.descriptor);
    } finally {
      consumer.release(slot);
    }
  }
}
