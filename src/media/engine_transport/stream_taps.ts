import type { MessagePort } from "node:worker_threads";
import { type IncomingStream, playoutWorker, type StreamBehind } from "./incoming_stream.js";
import type { TransportHost } from "./transport_host.js";

interface EncodedTap {
  /** A stream's, or of a section with layers its mid: that of the layer that is shown. */
  readonly key: string;
  openPort(): MessagePort;
  readonly keyframeEveryUs: number;
}

/** Who wants copies of what a transport receives; they outlive the streams and threads behind it. */
export class StreamTaps {
  readonly #host: TransportHost;
  readonly #behind: StreamBehind;
  readonly #taps = new Map<number, EncodedTap>();
  #nextTapId = 0;

  constructor(host: TransportHost, behind: StreamBehind) {
    this.#host = host;
    this.#behind = behind;
  }

  /** Returns the function that ends it. */
  add(key: string, openPort: () => MessagePort, keyframeEveryUs: number): () => void {
    const tapId = this.#nextTapId++;
    this.#taps.set(tapId, { key, openPort, keyframeEveryUs });
    const stream = this.#behind(key);
    if (stream !== undefined) this.#post(stream, tapId);
    return () => {
      this.#taps.delete(tapId);
      const last = this.#behind(key);
      if (last !== undefined) this.#remove(last, tapId);
    };
  }

  /** The stream is there, or its thread was started anew. */
  restore(stream: IncomingStream): void {
    for (const tapId of this.#taps.keys()) this.#post(stream, tapId);
  }

  /** A section shows another layer: recordings go on with it. */
  move(layer: IncomingStream, isShown: boolean): void {
    for (const [tapId, { key }] of this.#taps) {
      if (key !== layer.options.mid) continue;
      if (isShown) this.#post(layer, tapId);
      else this.#remove(layer, tapId);
    }
  }

  #remove(stream: IncomingStream, tapId: number): void {
    const { streamId } = stream;
    this.#host.post(playoutWorker(stream), { type: "removeEncodedTap", streamId, tapId });
  }

  #post(stream: IncomingStream, tapId: number): void {
    const tap = this.#taps.get(tapId);
    if (tap === undefined || this.#behind(tap.key) !== stream) return;
    const port = tap.openPort();
    const { streamId } = stream;
    const { keyframeEveryUs } = tap;
    const fromKeyframe = stream.options.layer !== undefined;
    this.#host.post(
      playoutWorker(stream),
      { type: "setEncodedTap", streamId, tapId, port, keyframeEveryUs, fromKeyframe },
      [port],
    );
  }
}
