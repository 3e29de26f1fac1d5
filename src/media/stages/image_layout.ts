import type { ImageLayout } from "../../../native/addon.js";
import type { Descriptor } from "../ring/descriptor.js";

/** Makes the addon's layout object of a descriptor; the same object while the layout stays the same. */
export class ImageLayoutCache {
  #layout: ImageLayout = { format: "I420", width: 0, height: 0, planes: [] };
  #key: readonly number[] = [];

  of(descriptor: Descriptor): ImageLayout {
    const key = this.#key;
    if (
      key[0] !== descriptor.width ||
      key[1] !== descriptor.height ||
      key[2] !== descriptor.strideY ||
      key[3] !== descriptor.strideU ||
      key[4] !== descriptor.strideV ||
      key[5] !== descriptor.offsetY ||
      key[6] !== descriptor.offsetU ||
      key[7] !== descriptor.offsetV
    ) {
      this.#rebuild(descriptor);
    }
    return this.#layout;
  }

  #rebuild(descriptor: Descriptor): void {
    const { width, height, strideY, strideU, strideV, offsetY, offsetU, offsetV } = descriptor;
    this.#key = [width, height, strideY, strideU, strideV, offsetY, offsetU, offsetV];
    this.#layout = {
      format: "I420",
      width,
      height,
      planes: [
        { offset: offsetY, stride: strideY },
        { offset: offsetU, stride: strideU },
        { offset: offsetV, stride: strideV },
      ],
    };
  }
}
