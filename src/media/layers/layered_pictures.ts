import { native } from "../../../native/addon.js";
import type { PictureListener } from "../output_listener.js";
import type { Descriptor } from "../ring/descriptor.js";
import { LayerChoice } from "./layer_choice.js";

export interface LayeredPicturesHost {
  /** Whether a stream is a layer of the section, or its only stream. */
  isOf(streamId: number): boolean;
  /** All pictures of the engine. */
  onPicture(listener: PictureListener): () => void;
  /** Another layer is shown. */
  switched(streamId: number): void;
}

/** One section's pictures for all who look at it as one track: of its layers the one that is to be shown. */
export class LayeredPictures {
  readonly choice = new LayerChoice();
  readonly #host: LayeredPicturesHost;
  readonly #listeners = new Set<PictureListener>();
  #stop: (() => void) | undefined;

  constructor(host: LayeredPicturesHost) {
    this.#host = host;
  }

  add(listener: PictureListener): () => void {
    this.#listeners.add(listener);
    this.#stop ??= this.#host.onPicture((bytes, picture) => this.#take(bytes, picture));
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  #take(bytes: Uint8Array, picture: Readonly<Descriptor>): void {
    const { streamId, width, height, captureWallUs } = picture;
    if (!this.#host.isOf(streamId)) return;
    const before = this.choice.shown;
    if (!this.choice.shows(streamId, width * height, captureWallUs, native.monotonicUs())) return;
    if (before !== streamId) this.#host.switched(streamId);
    for (const listener of this.#listeners) listener(bytes, picture);
  }
}
