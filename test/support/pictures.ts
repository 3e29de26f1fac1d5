import { readBlockCode } from "../../src/media/analysis/block_code.js";
import type { MediaEngine } from "../../src/media/engine.js";

/** Resolves once the engine has decoded `count` more pictures that carry the block code's `tag`. */
export function decodedPictures(engine: MediaEngine, tag: number, count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    const stop = engine.onPicture((bytes, { offsetY, width, height, strideY }) => {
      if (readBlockCode(bytes.subarray(offsetY), width, height, strideY)?.tag === tag) seen++;
      if (seen < count) return;
      stop();
      resolve();
    });
  });
}
