import assert from "node:assert/strict";
import { RTCIceCandidate } from "../../src/webrtc/index.js";
import { rejectsWith } from "./rejects.js";

describe("RTCIceCandidate (WebRTC 1.0 §4.8.1)", () => {
  it("needs a place", async () => {
    await rejectsWith(() => new RTCIceCandidate(), "TypeError");
    await rejectsWith(() => new RTCIceCandidate({ candidate: "" }), "TypeError");
    await rejectsWith(() => new RTCIceCandidate({ sdpMid: null, sdpMLineIndex: null }), "TypeError");
    assert.equal(new RTCIceCandidate({ sdpMid: "" }).sdpMid, "");
    assert.equal(new RTCIceCandidate({ sdpMLineIndex: 0 }).sdpMLineIndex, 0);
  });

  it("reads the parts of its line", () => {
    const candidate = new RTCIceCandidate({
      candidate:
        "candidate:842163049 1 udp 1677729535 192.0.2.9 45678 typ srflx raddr 10.0.0.5 rport 5000 generation 0 ufrag abcd",
      sdpMid: "0",
    });
    assert.equal(candidate.foundation, "842163049");
    assert.equal(candidate.component, "rtp");
    assert.equal(candidate.priority, 1677729535);
    assert.equal(candidate.address, "192.0.2.9");
    assert.equal(candidate.protocol, "udp");
    assert.equal(candidate.port, 45678);
    assert.equal(candidate.type, "srflx");
    assert.equal(candidate.tcpType, null);
    assert.equal(candidate.relatedAddress, "10.0.0.5");
    assert.equal(candidate.relatedPort, 5000);
    assert.equal(candidate.usernameFragment, "abcd");
  });

  it("leaves the parts null for the end of candidates and for what it can't read", () => {
    for (const candidate of ["", "nonsense"]) {
      const empty = new RTCIceCandidate({ candidate, sdpMid: "0" });
      assert.equal(empty.candidate, candidate);
      assert.equal(empty.address, null);
      assert.equal(empty.component, null);
    }
  });

  it("becomes JSON with the four members of its init", () => {
    const init = { candidate: "", sdpMid: "a", sdpMLineIndex: 1, usernameFragment: "u" };
    assert.deepEqual(new RTCIceCandidate(init).toJSON(), init);
    assert.equal(JSON.stringify(new RTCIceCandidate(init)), JSON.stringify(init));
  });
});
