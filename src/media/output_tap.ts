import type { EngineMemory } from "./engine_memory.js";
import type { PictureListener, SamplesListener } from "./output_listener.js";
import { ControlWord } from "./ring/control_block.js";
import type { Descriptor } from "./ring/descriptor.js";
import { SlotConsumer } from "./ring/slot_channel.js";

type Output = "pictures" | "sound";

/** The main thread's view of what is played: drains the decoder's and the speaker's channels to listeners. */
export class OutputTap {
  readonly #memory: EngineMemory;
  readonly #pictures: SlotConsumer;
  readonly #samples: SlotConsumer;
  readonly #pictureListeners = new Set<PictureListener>();
  readonly #samplesListeners = new Set<SamplesListener>();
  /** Who takes what all streams bring: listeners of the engine's, and its files. */
  readonly #takers = { pictures: new Set<unknown>(), sound: new Set<unknown>() };
  /** The memory may be another engine's. */
  #isClosed = false;

  constructor(memory: EngineMemory) {
    this.#memory = memory;
    this.#pictures = new SlotConsumer(memory.wiringOf("decoder").pictures);
    this.#samples = new SlotConsumer(memory.wiringOf("speaker").samples);
  }

  /** What is decoded anyway; who wants one stream's says so to its transport. */
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

  /** As {@link onPicture}; every stream is decoded meanwhile. */
  onEveryPicture(listener: PictureListener): () => void {
    return this.#takingAll("pictures", this.onPicture(listener));
  }

  /** As {@link onSamples}; every stream is decoded meanwhile. */
  onAllSamples(listener: SamplesListener): () => void {
    return this.#takingAll("sound", this.onSamples(listener));
  }

  /** While somebody takes all that is decoded, everything is. */
  takeAll(output: Output, who: unknown, takes: boolean): void {
    if (takes) this.#takers[output].add(who);
    else this.#takers[output].delete(who);
    this.#updateWanted();
  }

  #takingAll(output: Output, end: () => void): () => void {
    this.takeAll(output, end, true);
    return () => {
      end();
      this.takeAll(output, end, false);
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
    this.#takers.pictures.clear();
    this.#takers.sound.clear();
    this.#updateWanted();
    this.#isClosed = true;
  }

  #updateWanted(): void {
    if (this.#isClosed) return;
    const set = (word: number, takers: ReadonlySet<unknown>) =>
      this.#memory.control.set(word, takers.size > 0 ? 1 : 0);
    set(ControlWord.picturesWanted, this.#pictureListeners);
    set(ControlWord.samplesWanted, this.#samplesListeners);
    set(ControlWord.allPicturesWanted, this.#takers.pictures);
    set(ControlWord.allSoundWanted, this.#takers.sound);
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
