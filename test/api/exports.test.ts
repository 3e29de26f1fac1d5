import assert from "node:assert/strict";
import * as roomrtc from "roomrtc";

describe("the package", () => {
  it("exports the W3C names, the engine, signaling and the configuration", () => {
    const names = [
      "RTCPeerConnection",
      "RTCSessionDescription",
      "RTCIceCandidate",
      "RTCRtpSender",
      "RTCRtpReceiver",
      "RTCRtpTransceiver",
      "RTCCertificate",
      "MediaStream",
      "MediaStreamTrack",
      "MediaEngine",
      "SignalingClient",
      "CallController",
      "createServer",
      "loadConfig",
    ];
    assert.deepEqual(
      names.filter((name) => typeof Reflect.get(roomrtc, name) !== "function"),
      [],
    );
  });
});
