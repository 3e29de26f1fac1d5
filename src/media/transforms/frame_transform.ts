import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { MediaKind } from "../transport_api.js";
import type { FrameAbout, FromTransformer, ToTransformer } from "./transform_messages.js";

/** Frames that are with the application at most: half a second of pictures, more than a second of sound. */
const MAX_AWAY: Readonly<Record<MediaKind, number>> = { video: 16, audio: 64 };

export interface FrameTransformOptions {
  readonly kind: MediaKind;
  readonly side: "send" | "receive";
  /** To the application's worker. */
  readonly port: MessagePort;
  /** Of the thread that owns this. */
  readonly doorbell: SharedArrayBuffer;
  readonly onKeyframeNeeded: () => void;
  /** A frame was not handed on. */
  readonly onDropped: () => void;
}

/**
 * A media thread's end of an encoded transform: hands the frames of one stream to the application's worker and takes them back, in
 * order. What does not come back is gone. While too many are away no more are handed on, of pictures up to the next
 * keyframe, which is asked for: an application that is slow, or has thrown, costs its stream and nothing else.
 */
export class FrameTransform<T> {
  readonly #options: FrameTransformOptions;
  /** What belongs to the frames that are away, oldest first. */
  readonly #away: { readonly ticket: number; readonly record: T }[] = [];
  #ticket = 0;
  #isBroken = false;

  constructor(options: FrameTransformOptions) {
    this.#options = options;
    const { kind, side, doorbell } = options;
    this.#post({ type: "open", kind, side, doorbell });
  }

  /** Hands on a copy of the first `length` bytes; `record` comes back with the frame. */
  offer(bytes: Uint8Array, length: number, about: FrameAbout, record: T): void {
    const { kind, onKeyframeNeeded, onDropped } = this.#options;
    const isFull = this.#away.length >= MAX_AWAY[kind];
    if (isFull || (this.#isBroken && !about.keyframe)) {
      onDropped();
      if (kind === "audio" || this.#isBroken) return;
      this.#isBroken = true;
      onKeyframeNeeded();
      return;
    }
    this.#isBroken = false;
    const data = new Uint8Array(length);
    data.set(bytes.subarray(0, length));
    this.#away.push({ ticket: this.#ticket, record });
    this.#post({ type: "frame", ticket: this.#ticket++, about, data }, data.buffer);
  }

  /** Takes what has come back. */
  drain(take: (record: T, data: Uint8Array) => void): void {
    const { port, onKeyframeNeeded } = this.#options;
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const message = next.message as FromTransformer;
      if (message?.type === "keyframe") onKeyframeNeeded();
      else if (message?.type === "frame" && message.data instanceof Uint8Array) {
        const record = this.#cameBack(message.ticket);
        if (record !== undefined) take(record.record, message.data);
      }
    }
  }

  close(): void {
    this.#options.port.close();
    this.#away.length = 0;
  }

  /** Those before it were left out by the application; one that was back already is none of ours any more. */
  #cameBack(ticket: number) {
    while (this.#away.length > 0 && this.#away[0].ticket < ticket) this.#away.shift();
    return this.#away[0]?.ticket === ticket ? this.#away.shift() : undefined;
  }

  #post(message: ToTransformer, buffer?: ArrayBuffer): void {
    this.#options.port.postMessage(message, buffer === undefined ? [] : [buffer]);
  }
}
