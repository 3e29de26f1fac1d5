import assert from "node:assert/strict";
import * as roomrtc from "roomrtc";

describe("the package", () => {
  it("exports the W3C names, the engine, signaling, the exchange of descriptions and the configuration", () => {
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
      "RTCRtpScriptTransform",
      "DirectTransport",
      "MediaEngine",
      "SignalingClient",
      "CallController",
      "encodeDescription",
      "decodeDescription",
      "gatheringComplete",
      "serveOffers",
      "sendOffer",
      "createServer",
      "loadConfig",
    ];
    assert.deepEqual(
      names.filter((name) => typeof Reflect.get(roomrtc, name) !== "function"),
      [],
    );
  });

  it("exports the W3C API as one object too, under the names of other WebRTC packages for Node", () => {
    for (const name of ["RTCPeerConnection", "MediaStream", "MediaStreamTrack", "getUserMedia"]) {
      assert.equal(Reflect.get(roomrtc.default, name), Reflect.get(roomrtc, name));
      assert.equal(typeof Reflect.get(roomrtc, name), "function");
    }
    for (const name of [
      "RTCVideoSource",
      "RTCVideoSink",
      "RTCAudioSource",
      "RTCAudioSink",
      "SampleTrackSource",
      "SampleTrackSink",
      "RTPTrackSource",
      "RTPTrackSink",
      "i420ToRgba",
      "rgbaToI420",
    ]) {
      assert.equal(typeof Reflect.get(roomrtc.default.nonstandard, name), "function");
    }
    assert.equal(typeof roomrtc.default.mediaDevices.enumerateDevices, "function");
  });
});
