/** Events that carry a candidate or an error (WebRTC 1.0 §4.8.2, §4.8.3, §11.2). */
import { internals } from "./internals.js";
import type { RTCError } from "./rtc_error.js";
import { RTCIceCandidate } from "./rtc_ice_candidate.js";
import { checkArguments, defineInterface, requireObjects } from "./web_idl.js";

/** DOM §2.2. */
export interface EventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
}

export interface RTCPeerConnectionIceEventInit extends EventInit {
  readonly candidate?: RTCIceCandidate | null;
  readonly url?: string | null;
}

/** A new local candidate; null: gathering is over. */
export class RTCPeerConnectionIceEvent extends Event {
  declare readonly candidate: RTCIceCandidate | null;
  /** The server that gave the candidate. */
  declare readonly url: string | null;
  /** @internal */
  readonly [internals]: { readonly candidate: RTCIceCandidate | null; readonly url: string | null };

  constructor(type: string, init: RTCPeerConnectionIceEventInit = {}) {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    checkArguments(arguments.length, 1, "RTCPeerConnectionIceEvent");
    super(type, init);
    const candidate = init?.candidate ?? null;
    if (candidate !== null && !(candidate instanceof RTCIceCandidate)) {
      throw new TypeError("candidate is an RTCIceCandidate or null");
    }
    this[internals] = { candidate, url: text(init?.url) };
  }
}
defineInterface(RTCPeerConnectionIceEvent, { attributes: ["candidate", "url"], length: 1 });

function text(value: string | null | undefined): string | null {
  return value === undefined || value === null ? null : String(value);
}

export interface RTCPeerConnectionIceErrorEventInit extends EventInit {
  readonly address?: string | null;
  readonly port?: number | null;
  readonly url?: string;
  /** A STUN error code, or 701: the server could not be reached. */
  readonly errorCode: number;
  readonly errorText?: string;
}

/** A server that gave no candidate. */
export class RTCPeerConnectionIceErrorEvent extends Event {
  /** The local address the server was asked from; null when it is not to be told. */
  declare readonly address: string | null;
  declare readonly port: number | null;
  /** The server's, as the configuration has it. */
  declare readonly url: string;
  declare readonly errorCode: number;
  declare readonly errorText: string;
  /** @internal */
  readonly [internals]: Required<Omit<RTCPeerConnectionIceErrorEventInit, keyof EventInit>>;

  constructor(type: string, init: RTCPeerConnectionIceErrorEventInit) {
    if (init?.errorCode === undefined) throw new TypeError("errorCode is required");
    super(type, init);
    this[internals] = {
      address: text(init.address),
      port: init.port === undefined || init.port === null ? null : Number(init.port) & 0xffff,
      url: String(init.url ?? ""),
      errorCode: Number(init.errorCode) & 0xffff,
      errorText: String(init.errorText ?? ""),
    };
  }
}
defineInterface(RTCPeerConnectionIceErrorEvent, {
  attributes: ["address", "port", "url", "errorCode", "errorText"],
  length: 2,
});

export interface RTCErrorEventInit extends EventInit {
  readonly error: RTCError;
}

/** An error of a transport or a data channel. */
export class RTCErrorEvent extends Event {
  declare readonly error: RTCError;
  /** @internal */
  readonly [internals]: { readonly error: RTCError };

  constructor(type: string, init: RTCErrorEventInit) {
    requireObjects(init, "error");
    super(type, init);
    this[internals] = { error: init.error };
  }
}
defineInterface(RTCErrorEvent, { attributes: ["error"], length: 2 });
