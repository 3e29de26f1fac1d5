import { eventTarget } from "./event_target.js";
import { checkConstructor, internals } from "./internals.js";
import type { RTCIceCandidate, RTCIceComponent } from "./rtc_ice_candidate.js";

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

export interface RTCIceCandidatePair {
  readonly local: RTCIceCandidate;
  readonly remote: RTCIceCandidate;
}

interface IceTransportEvents {
  statechange: Event;
  gatheringstatechange: Event;
  selectedcandidatepairchange: Event;
}

interface IceTransportState {
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
export class RTCIceTransport extends eventTarget<IceTransportEvents>()(
  "statechange",
  "gatheringstatechange",
  "selectedcandidatepairchange",
) {
  readonly component: RTCIceComponent = "rtp";
  readonly [internals]: IceTransportState;

  /** @internal */
  constructor(token: typeof internals) {
    super();
    checkConstructor(token);
    this[internals] = {
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
