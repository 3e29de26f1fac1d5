/** The table of WebRTC 1.0 §4.3.3, for one ICE and one DTLS transport. */
import assert from "node:assert/strict";
import { connectionStateOf } from "../../src/webrtc/connection_states.js";
import type { RTCDtlsTransportState } from "../../src/webrtc/rtc_dtls_transport.js";
import type { RTCIceTransportState } from "../../src/webrtc/rtc_ice_transport.js";

const dtlsStates: readonly RTCDtlsTransportState[] = ["new", "connecting", "connected", "closed", "failed"];

/** By the state of ICE, for the DTLS states above. */
const table: Record<RTCIceTransportState, string> = {
  new: "new connecting connecting new failed",
  checking: "connecting connecting connecting connecting failed",
  connected: "connecting connecting connected connected failed",
  completed: "connecting connecting connected connected failed",
  disconnected: "disconnected disconnected disconnected disconnected failed",
  failed: "failed failed failed failed failed",
  closed: "new connecting connected new failed",
};

describe("RTCPeerConnectionState (WebRTC 1.0 §4.3.3)", () => {
  for (const [ice, row] of Object.entries(table)) {
    it(`with ICE ${ice}`, () => {
      const found = dtlsStates.map((dtls) => connectionStateOf(ice as RTCIceTransportState, dtls));
      assert.equal(found.join(" "), row);
    });
  }
});
