import { domError } from "./dom_error.js";
import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { EventInit } from "./rtc_events.js";
import { checkArguments, checkThis, defineInterface } from "./web_idl.js";

export interface RTCDTMFToneChangeEventInit extends EventInit {
  readonly tone?: string;
}

/** A tone began; "" when all have been played (WebRTC 1.0 §7.3). */
export class RTCDTMFToneChangeEvent extends Event {
  declare readonly tone: string;
  readonly [internals]: { readonly tone: string };

  constructor(type: string, init: RTCDTMFToneChangeEventInit = {}) {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "RTCDTMFToneChangeEvent");
    super(type, init);
    this[internals] = { tone: String(init?.tone ?? "") };
  }
}
defineInterface(RTCDTMFToneChangeEvent, { attributes: ["tone"], length: 1 });

/**
 * Tones of a telephone's keys (WebRTC 1.0 §7.2). The engine offers no telephone-event (RFC 4733), so none can ever be
 * sent: `canInsertDTMF` is false and `insertDTMF` says so, which the W3C provides for.
 */
export class RTCDTMFSender extends eventTarget<{ tonechange: RTCDTMFToneChangeEvent }>() {
  readonly [internals]: { readonly canInsertDTMF: boolean; readonly toneBuffer: string };
  declare readonly canInsertDTMF: boolean;
  declare readonly toneBuffer: string;

  /** @internal */
  constructor(token: typeof internals) {
    super();
    checkConstructor(token);
    this[internals] = { canInsertDTMF: false, toneBuffer: "" };
  }

  /** @throws InvalidStateError: telephone-event is not negotiated. */
  insertDTMF(_tones: string, _durationMs = 100, _interToneGapMs = 70): void {
    checkThis(this[internals]);
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "insertDTMF");
    throw domError("InvalidStateError", "Telephone events are not negotiated");
  }
}
defineInterface(RTCDTMFSender, { handlers: ["tonechange"], attributes: ["canInsertDTMF", "toneBuffer"] });
