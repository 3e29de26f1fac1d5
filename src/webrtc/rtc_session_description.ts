import { checkEnum } from "./dom_error.js";

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
  readonly type: RTCSdpType;
  readonly sdp: string;

  /** @throws TypeError when the type is missing or none of the four. */
  constructor(init: RTCSessionDescriptionInit) {
    this.type = checkEnum("RTCSdpType", sdpTypes, init?.type);
    this.sdp = init.sdp === undefined ? "" : String(init.sdp);
  }

  toJSON(): { type: RTCSdpType; sdp: string } {
    return { type: this.type, sdp: this.sdp };
  }
}
