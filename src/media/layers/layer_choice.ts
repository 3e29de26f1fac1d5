/** A layer whose last picture is older than this does not arrive complete any more. */
const SILENCE_US = 500_000;

/** Of one layer. */
export interface LayerCounters {
  /** Pictures that were shown. */
  readonly shown: number;
  /** Changes to it from another. */
  readonly switches: number;
}

interface Layer {
  pixels: number;
  lastUs: number;
  shown: number;
  switches: number;
}

/**
 * Which of the decoded layers of one picture is shown: the largest that arrives. Decoded pictures are whole, so that a change from one layer to
 * another smears nothing.
 */
export class LayerChoice {
  #shown: number | undefined;
  #shownWallUs = 0;
  readonly #layers = new Map<number, Layer>();

  /** The stream of the layer that is shown; undefined before the first picture. */
  get shown(): number | undefined {
    return this.#shown;
  }

  /**
   * Whether a layer's picture is to be shown.
   *
   * @param captureWallUs by the sender's clock; 0: not known. What was captured before the picture that is shown is not shown behind it.
   */
  shows(streamId: number, pixels: number, captureWallUs: number, nowUs: number): boolean {
    const layer = this.#note(streamId, pixels, nowUs);
    if (streamId !== this.#shown) {
      if (!this.#isBest(streamId, pixels, nowUs)) return false;
      if (captureWallUs > 0 && captureWallUs < this.#shownWallUs) return false;
      if (this.#shown !== undefined) layer.switches++;
      this.#shown = streamId;
    }
    this.#shownWallUs = captureWallUs;
    layer.shown++;
    return true;
  }

  countersOf(streamId: number): LayerCounters | undefined {
    return this.#layers.get(streamId);
  }

  /** Such a layer is received no more. */
  forget(streamId: number): void {
    this.#layers.delete(streamId);
    if (this.#shown === streamId) this.#shown = undefined;
  }

  #note(streamId: number, pixels: number, nowUs: number): Layer {
    const layer = this.#layers.get(streamId) ?? { pixels, lastUs: nowUs, shown: 0, switches: 0 };
    this.#layers.set(streamId, layer);
    layer.pixels = pixels;
    layer.lastUs = nowUs;
    return layer;
  }

  #isBest(streamId: number, pixels: number, nowUs: number): boolean {
    for (const [other, { pixels: theirs, lastUs }] of this.#layers) {
      if (other === streamId || nowUs - lastUs > SILENCE_US) continue;
      if (theirs > pixels || (theirs === pixels && other === this.#shown)) return false;
    }
    return true;
  }
}
