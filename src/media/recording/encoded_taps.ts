import type { MessagePort } from "node:worker_threads";
import { codecOfNumber } from "../codecs/codec_name.js";
import type { Descriptor } from "../ring/descriptor.js";
import type { MediaKind } from "../transport_api.js";
import type { EncodedFrame } from "./encoded_frame.js";

/** Asks for a tap; the frames of the stream go to `port` until it is removed. */
export interface SetEncodedTap {
  readonly type: "setEncodedTap";
  readonly streamId: number;
  readonly tapId: number;
  readonly port: MessagePort;
  /** A keyframe is asked for when the last is older than this; 0: only for the first frame. */
  readonly keyframeEveryUs: number;
  /** Pictures before the first keyframe are left out: they refer to what another layer's tap never gave. */
  readonly fromKeyframe: boolean;
}

export interface RemoveEncodedTap {
  readonly type: "removeEncodedTap";
  readonly streamId: number;
  readonly tapId: number;
}

interface Tap {
  readonly id: number;
  readonly port: MessagePort;
  readonly keyframeEveryUs: number;
  readonly fromKeyframe: boolean;
  /** -1: none was handed on yet. */
  keyframeUs: number;
}

/** Copies of what a playing thread receives, for recordings. A stream that nobody records costs one look into an empty map. */
export class EncodedTaps {
  readonly #streams = new Map<number, Tap[]>();

  constructor(readonly kind: MediaKind) {}

  order(order: SetEncodedTap | RemoveEncodedTap): void {
    const { streamId, tapId } = order;
    const taps = this.#streams.get(streamId) ?? [];
    taps.find(({ id }) => id === tapId)?.port.close();
    const others = taps.filter(({ id }) => id !== tapId);
    if (order.type === "setEncodedTap") {
      const { port, keyframeEveryUs, fromKeyframe } = order;
      others.push({ id: tapId, port, keyframeEveryUs, fromKeyframe, keyframeUs: -1 });
    }
    if (others.length > 0) this.#streams.set(streamId, others);
    else this.#streams.delete(streamId);
  }

  /** The stream is gone. */
  remove(streamId: number): void {
    for (const { port } of this.#streams.get(streamId) ?? []) port.close();
    this.#streams.delete(streamId);
  }

  close(): void {
    for (const streamId of [...this.#streams.keys()]) this.remove(streamId);
  }

  /** Hands a frame on to whoever records its stream. True: a keyframe is wanted of that stream. */
  hand(bytes: Uint8Array, unit: Descriptor): boolean {
    const taps = this.#streams.get(unit.streamId);
    if (taps === undefined) return false;
    let wanted = false;
    for (const tap of taps) {
      if (unit.keyframe) tap.keyframeUs = unit.arrivalUs;
      if (this.kind === "video") wanted ||= wantsKeyframe(tap, unit.arrivalUs);
      if (tap.fromKeyframe && tap.keyframeUs < 0) continue;
      const frame = this.#copy(bytes, unit);
      tap.port.postMessage(frame, [frame.data.buffer as ArrayBuffer]);
    }
    return wanted;
  }

  #copy(bytes: Uint8Array, unit: Descriptor): EncodedFrame {
    return {
      kind: this.kind,
      codec: codecOfNumber(unit.codec),
      data: new Uint8Array(bytes.subarray(0, unit.byteLength)),
      keyframe: unit.keyframe,
      rtpTimestamp: unit.rtpTimestamp >>> 0,
      captureWallUs: unit.captureWallUs,
      arrivalUs: unit.arrivalUs,
    };
  }
}

function wantsKeyframe({ keyframeUs, keyframeEveryUs }: Tap, nowUs: number): boolean {
  return keyframeUs < 0 || (keyframeEveryUs > 0 && nowUs - keyframeUs > keyframeEveryUs);
}
