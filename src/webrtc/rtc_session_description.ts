import { checkEnum } from "./dom_error.js";
import { internals } from "./internals.js";
import { defineInterface } from "./web_idl.js";

export type RTCSdpType = "offer" | "pranswer" | "answer" | "rollback";
export const sdpTypes: readonly RTCSdpType[] = ["offer", "pranswer", "answer", "rollback"];

export interface RTCSessionDescriptionInit {
  readonly type: RTCSdpType;
  readonly sdp?: string;
}

/** For setLocalDescription: without a type, the one that fits the state. */
export interface RTCLocalSessionDescriptionInit {
  readonly type?: RTCSdpType;
  readonly sdp?: string;
}

/** WebRTC 1.0 §4.6.2. */
export class RTCSessionDescription {
  declare readonly type: RTCSdpType;
  declare readonly sdp: string;
  /** @internal */
  readonly [internals]: { readonly type: RTCSdpType; readonly sdp: string };

  /** @throws TypeError when the type is missing or none of the four. */
  constructor(init: RTCSessionDescriptionInit) {
    const type = checkEnum("RTCSdpType", sdpTypes, init?.type);
    this[internals] = { type, sdp: init.sdp === undefined ? "" : String(init.sdp) };
  }

  toJSON(): { type: RTCSdpType; sdp: string } {
    const { type, sdp } = this[internals];
    return { type, sdp };
  }
}
defineInterface(RTCSessionDescription, { attributes: ["type", "sdp"], length: 1 });
