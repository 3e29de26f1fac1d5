import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { RTCIceCandidate, RTCIceComponent } from "./rtc_ice_candidate.js";
import { defineInterface } from "./web_idl.js";

export type RTCIceTransportState =
  | "closed"
  | "failed"
  | "disconnected"
  | "new"
  | "checking"
  | "completed"
  | "connected";
export type RTCIceGathererState = "new" | "gathering" | "complete";
export type RTCIceRole = "unknown" | "controlling" | "controlled";

export interface RTCIceParameters {
  readonly usernameFragment: string;
  readonly password: string;
}

/** The two ends of a path (WebRTC 1.0 §5.6.3). */
export class RTCIceCandidatePair {
  declare readonly local: RTCIceCandidate;
  declare readonly remote: RTCIceCandidate;
  /** @internal */
  readonly [internals]: { readonly local: RTCIceCandidate; readonly remote: RTCIceCandidate };

  /** @internal */
  constructor(token: typeof internals, local: RTCIceCandidate, remote: RTCIceCandidate) {
    checkConstructor(token);
    this[internals] = { local, remote };
  }
}
defineInterface(RTCIceCandidatePair, { attributes: ["local", "remote"] });

interface IceTransportEvents {
  statechange: Event;
  gatheringstatechange: Event;
  selectedcandidatepairchange: Event;
}

interface IceTransportState {
  readonly component: RTCIceComponent;
  role: RTCIceRole;
  state: RTCIceTransportState;
  gatheringState: RTCIceGathererState;
  localCandidates: RTCIceCandidate[];
  remoteCandidates: RTCIceCandidate[];
  selectedPair: RTCIceCandidatePair | null;
  localParameters: RTCIceParameters | null;
  remoteParameters: RTCIceParameters | null;
}

/** WebRTC 1.0 §5.6. */
export class RTCIceTransport extends eventTarget<IceTransportEvents>() {
  declare readonly component: RTCIceComponent;
  /** @internal */
  readonly [internals]: IceTransportState;

  /** @internal */
  constructor(token: typeof internals) {
    super();
    checkConstructor(token);
    this[internals] = {
      component: "rtp",
      role: "unknown",
      state: "new",
      gatheringState: "new",
      localCandidates: [],
      remoteCandidates: [],
      selectedPair: null,
      localParameters: null,
      remoteParameters: null,
    };
  }

  get role(): RTCIceRole {
    return this[internals].role;
  }

  get state(): RTCIceTransportState {
    return this[internals].state;
  }

  get gatheringState(): RTCIceGathererState {
    return this[internals].gatheringState;
  }

  getLocalCandidates(): RTCIceCandidate[] {
    return [...this[internals].localCandidates];
  }

  getRemoteCandidates(): RTCIceCandidate[] {
    return [...this[internals].remoteCandidates];
  }

  getSelectedCandidatePair(): RTCIceCandidatePair | null {
    return this[internals].selectedPair;
  }

  getLocalParameters(): RTCIceParameters | null {
    return this[internals].localParameters;
  }

  getRemoteParameters(): RTCIceParameters | null {
    return this[internals].remoteParameters;
  }
}
defineInterface(RTCIceTransport, {
  handlers: ["statechange", "gatheringstatechange", "selectedcandidatepairchange"],
  attributes: ["component"],
});
