import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { RTCDtlsTransport } from "./rtc_dtls_transport.js";
import { defineInterface } from "./web_idl.js";

export type RTCSctpTransportState = "connecting" | "connected" | "closed";

interface SctpTransportEvents {
  statechange: Event;
}

/** The association under all data channels of a connection (WebRTC 1.0 §6.1). */
export class RTCSctpTransport extends eventTarget<SctpTransportEvents>() {
  declare readonly transport: RTCDtlsTransport;
  /** @internal */
  readonly [internals]: {
    readonly transport: RTCDtlsTransport;
    state: RTCSctpTransportState;
    maxMessageSize: number;
    maxChannels: number | null;
  };

  /** @internal */
  constructor(token: typeof internals, transport: RTCDtlsTransport, maxMessageSize: number) {
    super();
    checkConstructor(token);
    this[internals] = { transport, state: "connecting", maxMessageSize, maxChannels: null };
  }

  get state(): RTCSctpTransportState {
    return this[internals].state;
  }

  /** Largest message that can be sent, in bytes. */
  get maxMessageSize(): number {
    return this[internals].maxMessageSize;
  }

  /** Channels that can be open at once; null before the association is up. */
  get maxChannels(): number | null {
    return this[internals].maxChannels;
  }
}
defineInterface(RTCSctpTransport, { handlers: ["statechange"], attributes: ["transport"] });
