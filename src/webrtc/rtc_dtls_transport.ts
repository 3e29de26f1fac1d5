import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { RTCErrorEvent } from "./rtc_events.js";
import type { RTCIceTransport } from "./rtc_ice_transport.js";

export type RTCDtlsTransportState = "new" | "connecting" | "connected" | "closed" | "failed";

interface DtlsTransportEvents {
  statechange: Event;
  error: RTCErrorEvent;
}

/** WebRTC 1.0 §5.5. */
export class RTCDtlsTransport extends eventTarget<DtlsTransportEvents>()("statechange", "error") {
  readonly iceTransport: RTCIceTransport;
  readonly [internals]: { state: RTCDtlsTransportState; remoteCertificates: ArrayBuffer[] };

  /** @internal */
  constructor(token: typeof internals, iceTransport: RTCIceTransport) {
    super();
    checkConstructor(token);
    this.iceTransport = iceTransport;
    this[internals] = { state: "new", remoteCertificates: [] };
  }

  get state(): RTCDtlsTransportState {
    return this[internals].state;
  }

  /** The peer's certificate chain in DER, when the engine hands it out. */
  getRemoteCertificates(): ArrayBuffer[] {
    return [...this[internals].remoteCertificates];
  }
}
