import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { RTCErrorEvent } from "./rtc_events.js";
import type { RTCIceTransport } from "./rtc_ice_transport.js";
import { defineInterface } from "./web_idl.js";

export type RTCDtlsTransportState = "new" | "connecting" | "connected" | "closed" | "failed";

interface DtlsTransportEvents {
  statechange: Event;
  error: RTCErrorEvent;
}

/** WebRTC 1.0 §5.5. */
export class RTCDtlsTransport extends eventTarget<DtlsTransportEvents>() {
  declare readonly iceTransport: RTCIceTransport;
  /** @internal */
  readonly [internals]: {
    readonly iceTransport: RTCIceTransport;
    state: RTCDtlsTransportState;
    remoteCertificates: ArrayBuffer[];
  };

  /** @internal */
  constructor(token: typeof internals, iceTransport: RTCIceTransport) {
    super();
    checkConstructor(token);
    this[internals] = { iceTransport, state: "new", remoteCertificates: [] };
  }

  get state(): RTCDtlsTransportState {
    return this[internals].state;
  }

  /** The peer's certificate in DER; none before the handshake is over. */
  getRemoteCertificates(): ArrayBuffer[] {
    return [...this[internals].remoteCertificates];
  }
}
defineInterface(RTCDtlsTransport, { handlers: ["statechange", "error"], attributes: ["iceTransport"] });
