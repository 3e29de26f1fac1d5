import type { VideoCodecName } from "./codecs/codec_name.js";

/** Which codecs the send streams take of each source: an encoder runs only while somebody takes what it makes. */
export class VideoDemand {
  readonly #tell: (inputId: number, codecs: readonly VideoCodecName[]) => void;
  /** Send streams by source, then by codec. */
  readonly #streams = new Map<number, Map<VideoCodecName, number>>();

  /** @param tell called whenever what is taken of a source (0: the camera) has changed */
  constructor(tell: (inputId: number, codecs: readonly VideoCodecName[]) => void) {
    this.#tell = tell;
  }

  /** One more or one fewer send stream takes the source in that codec. */
  change(inputId: number, codec: VideoCodecName, by: 1 | -1): void {
    const source = this.#streams.get(inputId) ?? new Map<VideoCodecName, number>();
    this.#streams.set(inputId, source);
    const before = source.get(codec) ?? 0;
    const now = before + by;
    if (now > 0) source.set(codec, now);
    else source.delete(codec);
    if (source.size === 0) this.#streams.delete(inputId);
    if (before > 0 !== now > 0) this.#tell(inputId, [...source.keys()]);
  }

  /** The encoder was started anew and knows of nobody. */
  restore(): void {
    for (const [inputId, source] of this.#streams) this.#tell(inputId, [...source.keys()]);
  }
}
