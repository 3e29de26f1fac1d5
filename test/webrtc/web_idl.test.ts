import assert from "node:assert/strict";
import * as api from "../../src/webrtc/index.js";

/** Interface, what it inherits, the arguments its constructor needs (-1: it cannot be constructed), its attributes and operations. */
type Shape = readonly [name: string, parent: string, length: number, members: string];

const shapes: readonly Shape[] = [
  [
    "RTCPeerConnection",
    "EventTarget",
    0,
    "localDescription currentLocalDescription pendingLocalDescription remoteDescription currentRemoteDescription pendingRemoteDescription signalingState iceGatheringState iceConnectionState connectionState canTrickleIceCandidates sctp onnegotiationneeded onicecandidate onicecandidateerror onsignalingstatechange oniceconnectionstatechange onicegatheringstatechange onconnectionstatechange ontrack ondatachannel createOffer createAnswer setLocalDescription setRemoteDescription addIceCandidate restartIce getConfiguration setConfiguration close getSenders getReceivers getTransceivers addTrack removeTrack addTransceiver createDataChannel getStats",
  ],
  ["RTCSessionDescription", "", 1, "type sdp toJSON"],
  [
    "RTCIceCandidate",
    "",
    0,
    "candidate sdpMid sdpMLineIndex foundation component priority address protocol port type tcpType relatedAddress relatedPort usernameFragment relayProtocol url toJSON",
  ],
  ["RTCIceCandidatePair", "", -1, "local remote"],
  ["RTCPeerConnectionIceEvent", "Event", 1, "candidate url"],
  ["RTCPeerConnectionIceErrorEvent", "Event", 2, "address port url errorCode errorText"],
  ["RTCCertificate", "", -1, "expires getFingerprints"],
  [
    "RTCRtpSender",
    "",
    -1,
    "track transport transform dtmf setParameters getParameters replaceTrack setStreams getStats",
  ],
  [
    "RTCRtpReceiver",
    "",
    -1,
    "track transport transform jitterBufferTarget getParameters getContributingSources getSynchronizationSources getStats",
  ],
  ["RTCRtpTransceiver", "", -1, "mid sender receiver direction currentDirection stop setCodecPreferences"],
  ["RTCDtlsTransport", "EventTarget", -1, "iceTransport state getRemoteCertificates onstatechange onerror"],
  [
    "RTCIceTransport",
    "EventTarget",
    -1,
    "role component state gatheringState getLocalCandidates getRemoteCandidates getSelectedCandidatePair getLocalParameters getRemoteParameters onstatechange ongatheringstatechange onselectedcandidatepairchange",
  ],
  ["RTCTrackEvent", "Event", 2, "receiver track streams transceiver"],
  ["RTCSctpTransport", "EventTarget", -1, "transport state maxMessageSize maxChannels onstatechange"],
  [
    "RTCDataChannel",
    "EventTarget",
    -1,
    "label ordered maxPacketLifeTime maxRetransmits protocol negotiated id priority readyState bufferedAmount bufferedAmountLowThreshold binaryType onopen onbufferedamountlow onerror onclosing onclose onmessage close send",
  ],
  ["RTCDataChannelEvent", "Event", 2, "channel"],
  ["RTCDTMFSender", "EventTarget", -1, "canInsertDTMF toneBuffer ontonechange insertDTMF"],
  ["RTCDTMFToneChangeEvent", "Event", 1, "tone"],
  ["RTCStatsReport", "", -1, "size get has entries keys values forEach"],
  ["RTCError", "DOMException", 1, "errorDetail sdpLineNumber sctpCauseCode receivedAlert sentAlert"],
  ["RTCErrorEvent", "Event", 2, "error"],
  [
    "MediaStream",
    "EventTarget",
    0,
    "id active onaddtrack onremovetrack getTracks getAudioTracks getVideoTracks getTrackById addTrack removeTrack clone",
  ],
  [
    "MediaStreamTrack",
    "EventTarget",
    -1,
    "kind id label enabled muted readyState contentHint onmute onunmute onended clone stop getCapabilities getConstraints getSettings applyConstraints",
  ],
  ["MediaStreamTrackEvent", "Event", 2, "track"],
];

type Class = (new (...args: unknown[]) => object) & { readonly prototype: object };

function classNamed(name: string): Class {
  return (api as unknown as Record<string, Class>)[name];
}

/** Web IDL §3.7: what scripts see of an interface beside what it does. */
describe("interfaces as Web IDL shapes them", () => {
  for (const [name, parent, length, members] of shapes) {
    it(`${name} has its members, its parent and its constructor`, () => {
      const found = classNamed(name);
      const { prototype } = found;
      const names = Object.getOwnPropertyNames(prototype).filter((member) => member !== "constructor");
      assert.deepEqual(names.sort(), members.split(" ").sort());
      for (const member of names) {
        assert.equal(Object.getOwnPropertyDescriptor(prototype, member)?.enumerable, true, member);
      }
      const parentClass =
        parent === "" ? undefined : (globalThis as unknown as Record<string, Class>)[parent];
      assert.equal(Object.getPrototypeOf(prototype), parentClass?.prototype ?? Object.prototype);
      assert.equal(Object.getPrototypeOf(found), parentClass ?? Function.prototype);
      assert.equal(found.length, Math.max(0, length));
      assert.equal(Object.prototype.toString.call(prototype), `[object ${name}]`);
      if (length !== 0) assert.throws(() => new found(), TypeError);
    });
  }

  it("attributes of another object are a TypeError", () => {
    for (const [name, , , members] of shapes) {
      const { prototype } = classNamed(name);
      for (const member of members.split(" ")) {
        const { get } = Object.getOwnPropertyDescriptor(prototype, member) ?? {};
        if (get === undefined) continue;
        for (const wrong of [undefined, null, {}, prototype]) {
          assert.throws(() => get.call(wrong), TypeError, `${name}.${member}`);
        }
      }
    }
  });

  it("operations that return a promise reject instead of throwing", async () => {
    const calls: readonly [string, string][] = [
      ["RTCPeerConnection", "createOffer"],
      ["RTCPeerConnection", "setRemoteDescription"],
      ["RTCPeerConnection", "addIceCandidate"],
      ["RTCPeerConnection", "getStats"],
      ["RTCRtpSender", "setParameters"],
      ["RTCRtpSender", "replaceTrack"],
      ["RTCRtpSender", "getStats"],
      ["RTCRtpReceiver", "getStats"],
      ["MediaStreamTrack", "applyConstraints"],
    ];
    for (const [name, member] of calls) {
      const operation = (classNamed(name).prototype as Record<string, () => Promise<unknown>>)[member];
      await assert.rejects(operation.call({}), TypeError, `${name}.${member}`);
    }
  });

  it("an event handler attribute takes functions alone and keeps its place among the listeners", () => {
    const pc = new api.RTCPeerConnection();
    const heard: string[] = [];
    pc.onsignalingstatechange = () => heard.push("handler");
    pc.addEventListener("signalingstatechange", () => heard.push("listener"));
    pc.onsignalingstatechange = () => heard.push("other handler");
    pc.dispatchEvent(new Event("signalingstatechange"));
    assert.deepEqual(heard, ["other handler", "listener"]);
    (pc as { onsignalingstatechange: unknown }).onsignalingstatechange = "text";
    assert.equal(pc.onsignalingstatechange, null);
    pc.close();
  });

  it("an RTCError knows one of the seven details", () => {
    assert.throws(() => new api.RTCError({ errorDetail: "other" as never }), TypeError);
    const error = new api.RTCError({ errorDetail: "dtls-failure", sentAlert: 40 }, "no");
    assert.deepEqual(
      [error.name, error.message, error.sentAlert, error.receivedAlert],
      ["OperationError", "no", 40, null],
    );
  });
});
