import type { BundleTransport } from "./bundle_transport.js";
import { queueTask } from "./internals.js";
import type { RTCDtlsTransportState } from "./rtc_dtls_transport.js";
import type { RTCIceGathererState, RTCIceTransportState } from "./rtc_ice_transport.js";

export type RTCIceConnectionState = RTCIceTransportState;
export type RTCIceGatheringState = RTCIceGathererState;
export type RTCPeerConnectionState =
  | "closed"
  | "failed"
  | "disconnected"
  | "new"
  | "connecting"
  | "connected";

type StateEvent = "iceconnectionstatechange" | "icegatheringstatechange" | "connectionstatechange";

/** WebRTC 1.0 §4.3.3, with the one transport there is; "closed" is the connection's own. */
export function connectionStateOf(
  ice: RTCIceTransportState,
  dtls: RTCDtlsTransportState,
): RTCPeerConnectionState {
  if (ice === "failed" || dtls === "failed") return "failed";
  if (ice === "disconnected") return "disconnected";
  const iceIdle = ice === "new" || ice === "closed";
  const dtlsIdle = dtls === "new" || dtls === "closed";
  if (iceIdle && dtlsIdle) return "new";
  const iceUp = ice === "connected" || ice === "completed";
  return (iceUp || ice === "closed") && (dtls === "connected" || dtls === "closed")
    ? "connected"
    : "connecting";
}

/** The three states of a connection that its transport makes, and their events in the W3C's order. */
export class ConnectionStates {
  ice: RTCIceConnectionState = "new";
  gathering: RTCIceGatheringState = "new";
  connection: RTCPeerConnectionState = "new";

  constructor(private readonly fire: (event: StateEvent) => void) {}

  /** Takes over the transport's states, then fires its events (`announce`) and ours. */
  update(transport: BundleTransport, announce: () => void): void {
    const changed = this.take(transport);
    announce();
    this.fireAll(changed);
  }

  /** Another transport has come in the place of the former: its states count at once, the events are a task of their own. */
  replace(transport: BundleTransport): void {
    const changed = this.take(transport);
    queueTask(() => this.fireAll(changed));
  }

  private take(transport: BundleTransport): StateEvent[] {
    const changed: StateEvent[] = [];
    const { state, gatheringState } = transport.ice;
    const connection = connectionStateOf(state, transport.dtls.state);
    if (this.gathering !== gatheringState) changed.push("icegatheringstatechange");
    if (this.ice !== state) changed.push("iceconnectionstatechange");
    if (this.connection !== connection) changed.push("connectionstatechange");
    this.gathering = gatheringState;
    this.ice = state;
    this.connection = connection;
    return changed;
  }

  private fireAll(changed: readonly StateEvent[]): void {
    for (const event of changed) if (!this.isClosed) this.fire(event);
  }

  private isClosed = false;

  close(): void {
    this.isClosed = true;
    this.ice = "closed";
    this.connection = "closed";
  }
}
