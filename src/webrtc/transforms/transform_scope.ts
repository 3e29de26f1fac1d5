/** What an application's worker sees of its transforms. Of use in a `Worker` of `node:worker_threads` alone. */
import { ReadableStream, type ReadableStreamDefaultController, WritableStream } from "node:stream/web";
import { type MessagePort, parentPort } from "node:worker_threads";
import { Doorbell } from "../../media/ring/doorbell.js";
import type { FrameOut, FromTransformer, ToTransformer } from "../../media/transforms/transform_messages.js";
import type { MediaKind } from "../../media/transport_api.js";
import { domError } from "../dom_error.js";
import type { EventHandlers, TypedEventTarget } from "../event_target.js";
import { checkConstructor, internals } from "../internals.js";
import { defineInterface } from "../web_idl.js";
import { RTCEncodedAudioFrame, type RTCEncodedFrame, RTCEncodedVideoFrame } from "./encoded_frames.js";
import { TRANSFORM_MESSAGE, type TransformMessage } from "./rtc_rtp_script_transform.js";

type Side = "send" | "receive";

interface KeyframeWaiter {
  resolve(timestamp: number): void;
}

/** WebRTC Encoded Transform §5.3. */
export class RTCRtpScriptTransformer {
  /** What the worker was given with the transform. */
  readonly options: unknown;
  /** Frames of the stream, in order. */
  readonly readable: ReadableStream<RTCEncodedFrame>;
  /** Takes each of them back, or not: what is not written is left out. */
  readonly writable: WritableStream<RTCEncodedFrame>;
  /** @internal */
  readonly [internals]: { attach(port: MessagePort): void };
  #controller: ReadableStreamDefaultController<RTCEncodedFrame> | undefined;
  #port: MessagePort | undefined;
  #doorbell: Doorbell | undefined;
  #kind: MediaKind | undefined;
  #side: Side | undefined;
  readonly #waiters: KeyframeWaiter[] = [];

  /** @internal */
  constructor(token: typeof internals, options: unknown) {
    checkConstructor(token);
    this.options = options;
    this.readable = new ReadableStream<RTCEncodedFrame>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined;
      },
    });
    this.writable = new WritableStream<RTCEncodedFrame>({ write: (frame) => this.#write(frame) });
    this[internals] = { attach: (port) => this.#attach(port) };
  }

  /**
   * Asks our encoder for a keyframe; resolves with its RTP timestamp once it is on its way to the worker. A rid is not looked at.
   *
   * @throws InvalidStateError for what is no picture on its way out.
   */
  async generateKeyFrame(_rid?: string): Promise<number> {
    if (this.#side !== "send" || this.#kind !== "video")
      throw domError("InvalidStateError", "No video is sent here");
    this.#post({ type: "keyframe" });
    return new Promise<number>((resolve) => this.#waiters.push({ resolve }));
  }

  /** Asks the peer for a keyframe. @throws InvalidStateError for what is no picture that is received. */
  async sendKeyFrameRequest(): Promise<void> {
    if (this.#side !== "receive" || this.#kind !== "video") {
      throw domError("InvalidStateError", "No video is received here");
    }
    this.#post({ type: "keyframe" });
  }

  /** Another stream, or another thread, takes over: frames of the former are not taken back any more. */
  #attach(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    port.on("message", (message: ToTransformer) => {
      if (message.type === "open") {
        this.#kind = message.kind;
        this.#side = message.side;
        this.#doorbell = new Doorbell(message.doorbell);
      } else this.#take(port, message);
    });
  }

  #take(port: MessagePort, { ticket, about, data }: FrameOut): void {
    if (port !== this.#port || this.#controller === undefined) return;
    const init = { ticket, about, data: data.buffer };
    const isVideo = this.#kind === "video";
    const frame = isVideo
      ? new RTCEncodedVideoFrame(internals, init)
      : new RTCEncodedAudioFrame(internals, init);
    ports.set(frame, port);
    this.#controller.enqueue(frame);
    if (about.keyframe) for (const { resolve } of this.#waiters.splice(0)) resolve(about.rtpTimestamp);
  }

  /** A frame of another transform, or one that was written before, is passed over. */
  #write(frame: RTCEncodedFrame): void {
    if (ports.get(frame) !== this.#port) return;
    ports.delete(frame);
    const data = new Uint8Array(frame.data);
    this.#post({ type: "frame", ticket: frame[internals].ticket, data }, data.buffer);
  }

  #post(message: FromTransformer, buffer?: ArrayBuffer): void {
    this.#port?.postMessage(message, buffer === undefined ? [] : [buffer]);
    this.#doorbell?.ring();
  }
}
defineInterface(RTCRtpScriptTransformer);

/** Which port a frame came through; none: it was written. */
const ports = new WeakMap<RTCEncodedFrame, MessagePort>();

export class RTCTransformEvent extends Event {
  constructor(readonly transformer: RTCRtpScriptTransformer) {
    super("rtctransform");
  }
}

/** Reads the worker's port from the first listener on: before, it is none of our business. */
class WorkerPort extends EventTarget {
  readonly #transformers = new Map<number, RTCRtpScriptTransformer>();
  #listens = false;

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    super.addEventListener(...args);
    if (this.#listens) return;
    this.#listens = true;
    parentPort?.on("message", (message: unknown) => {
      const ours = (message as Readonly<Record<string, TransformMessage>> | null)?.[TRANSFORM_MESSAGE];
      if (ours !== undefined) this.#handle(ours);
    });
  }

  #handle(message: TransformMessage): void {
    if ("port" in message) {
      this.#transformers.get(message.id)?.[internals].attach(message.port);
      return;
    }
    const transformer = new RTCRtpScriptTransformer(internals, message.options);
    this.#transformers.set(message.id, transformer);
    this.dispatchEvent(new RTCTransformEvent(transformer));
  }
}

type ScopeEvents = { rtctransform: RTCTransformEvent };
type Scope = new () => TypedEventTarget<ScopeEvents> & EventTarget & EventHandlers<ScopeEvents>;

/** Stands for a browser's worker scope: fires `rtctransform` for every transform that is made for this worker. */
export class TransformScope extends (WorkerPort as unknown as Scope) {}
defineInterface(TransformScope, { handlers: ["rtctransform"] });

/** In a worker: `transformScope.onrtctransform = ({ transformer }) => …`. Set it as the worker begins. */
export const transformScope = new TransformScope();
