import { MessageChannel, type MessagePort, type Transferable, Worker } from "node:worker_threads";
import { domError } from "../dom_error.js";
import { internals } from "../internals.js";
import { defineInterface } from "../web_idl.js";

/** The member that marks our messages among those of the worker's own. */
export const TRANSFORM_MESSAGE = "roomrtcTransform";

/** To the application's worker, as the value of {@link TRANSFORM_MESSAGE}. */
export type TransformMessage =
  /** A transform was made for this worker. */
  | { readonly id: number; readonly options: unknown }
  /** Frames come through this port from now on. */
  | { readonly id: number; readonly port: MessagePort };

let nextId = 1;

/**
 * Hands what a sender sends, or a receiver receives, to a `Worker` of `node:worker_threads` before it is packetized, or decoded (WebRTC
 * Encoded Transform §5). The worker imports this package and listens for `rtctransform` on `transformScope`.
 */
export class RTCRtpScriptTransform {
  /** @internal */
  readonly [internals]: { isTaken: boolean; readonly openPort: () => MessagePort };

  /**
   * @param options what the worker finds as `transformer.options`, by structured clone
   * @throws TypeError where `worker` is none; what `postMessage` throws for options that cannot be cloned
   */
  constructor(worker: Worker, options?: unknown, transfer: readonly Transferable[] = []) {
    if (!(worker instanceof Worker))
      throw new TypeError("RTCRtpScriptTransform takes a Worker of node:worker_threads");
    const id = nextId++;
    const post = (message: TransformMessage, moved: readonly Transferable[]) =>
      worker.postMessage({ [TRANSFORM_MESSAGE]: message }, [...moved]);
    post({ id, options }, transfer);
    this[internals] = {
      isTaken: false,
      openPort: () => {
        const { port1, port2 } = new MessageChannel();
        post({ id, port: port2 }, [port2]);
        return port1;
      },
    };
  }
}
defineInterface(RTCRtpScriptTransform, { length: 1 });

/** Checks what a `transform` is set to and takes it. @throws TypeError; InvalidStateError for one that is in use elsewhere. */
export function takeTransform(
  value: unknown,
  before: RTCRtpScriptTransform | null,
): RTCRtpScriptTransform | null {
  if (value === before) return before;
  if (value !== null && !(value instanceof RTCRtpScriptTransform)) {
    throw new TypeError("transform is an RTCRtpScriptTransform or null");
  }
  if (value?.[internals].isTaken) throw domError("InvalidStateError", "The transform is another's already");
  if (value !== null) value[internals].isTaken = true;
  return value;
}
