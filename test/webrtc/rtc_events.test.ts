/** Events and their order (WebRTC 1.0 §4.8, §5.7, §6.3). */
import assert from "node:assert/strict";
import {
  MediaStream,
  MediaStreamTrackEvent,
  RTCDataChannelEvent,
  RTCError,
  RTCErrorEvent,
  RTCIceCandidate,
  RTCPeerConnectionIceErrorEvent,
  RTCPeerConnectionIceEvent,
  RTCTrackEvent,
} from "../../src/webrtc/index.js";
import { closeAll, connection, description, tasks } from "./fake_transport.js";

afterEach(closeAll);

describe("events", () => {
  it("an on… attribute keeps its place among the listeners and can be replaced", async () => {
    const { pc } = connection();
    const order: string[] = [];
    pc.onnegotiationneeded = () => order.push("first handler");
    pc.addEventListener("negotiationneeded", () => order.push("listener"));
    pc.onnegotiationneeded = () => order.push("second handler");
    pc.addTransceiver("audio");
    await tasks();
    assert.deepEqual(order, ["second handler", "listener"]);
    pc.onnegotiationneeded = null;
    assert.equal(pc.onnegotiationneeded, null);
  });

  it("need the members their dictionaries require", () => {
    const make = (event: new (type: string, init: never) => Event, init: object) => () =>
      new event("x", init as never);
    assert.throws(make(RTCTrackEvent, {}), TypeError);
    assert.throws(make(RTCDataChannelEvent, { channel: null }), TypeError);
    assert.throws(make(RTCErrorEvent, {}), TypeError);
    assert.throws(make(RTCPeerConnectionIceErrorEvent, { url: "stun:x" }), TypeError);
    assert.throws(make(RTCPeerConnectionIceEvent, { candidate: "" }), TypeError);
    assert.throws(make(MediaStreamTrackEvent, {}), TypeError);
    const event = new RTCPeerConnectionIceErrorEvent("x", { errorCode: 701, cancelable: true });
    const { url, address, port, errorText, cancelable } = event;
    assert.deepEqual([url, address, port, errorText, cancelable], ["", null, null, "", true]);
  });

  it("carry what their dictionaries say, with the defaults of Web IDL", () => {
    const candidate = new RTCIceCandidate({ candidate: "", sdpMid: "0" });
    const ice = new RTCPeerConnectionIceEvent("icecandidate", { candidate, url: "stun:192.0.2.1" });
    assert.deepEqual(
      [ice.candidate, ice.url, ice.bubbles, ice.cancelable],
      [candidate, "stun:192.0.2.1", false, false],
    );
    assert.deepEqual(
      [new RTCPeerConnectionIceEvent("x").candidate, new RTCPeerConnectionIceEvent("x").url],
      [null, null],
    );
    const failed = new RTCPeerConnectionIceErrorEvent("icecandidateerror", {
      errorCode: 70_237,
      port: 65_537,
    });
    const { address, port, url, errorCode, errorText } = failed;
    assert.deepEqual(
      [address, port, url, errorCode, errorText],
      [null, 1, "", 4701, ""],
      "numbers of 16 bits wrap",
    );
    const error = new RTCError({ errorDetail: "sctp-failure", sctpCauseCode: 12 }, "gone");
    assert.equal(new RTCErrorEvent("error", { error }).error, error);
  });

  it("a track event has the track, where it comes from, and streams that nobody can change", () => {
    const { pc } = connection();
    const transceiver = pc.addTransceiver("audio");
    const { receiver } = transceiver;
    const stream = new MediaStream();
    const init = { receiver, track: receiver.track, transceiver };
    const event = new RTCTrackEvent("track", { ...init, streams: [stream] });
    assert.deepEqual(
      [event.receiver, event.track, event.transceiver],
      [receiver, receiver.track, transceiver],
    );
    assert.deepEqual(event.streams, [stream]);
    assert.ok(Object.isFrozen(event.streams));
    assert.deepEqual(new RTCTrackEvent("track", init).streams, []);
  });

  it("a datachannel event has the channel", () => {
    const channel = connection().pc.createDataChannel("");
    assert.equal(new RTCDataChannelEvent("datachannel", { channel }).channel, channel);
  });

  it("setting a description fires signalingstatechange, then tracks, and all before its promise resolves", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    const order: string[] = [];
    b.onsignalingstatechange = () => order.push(b.signalingState);
    b.ontrack = ({ track }) => order.push(track.kind);
    await b.setRemoteDescription(description(a)).then(() => order.push("resolved"));
    assert.deepEqual(order, ["have-remote-offer", "audio", "resolved"]);
  });

  it("the states of a transport come before the connection's that follow from them", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await tasks();
    await b.setRemoteDescription(description(a));
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    const order: string[] = [];
    const transport = a.getSenders()[0].transport;
    transport?.iceTransport.addEventListener("statechange", () => order.push("transport"));
    for (const type of ["iceconnectionstatechange", "connectionstatechange"])
      a.addEventListener(type, () => order.push(type));
    engine.transport.emit("icestate", "checking");
    await tasks();
    assert.deepEqual(order, ["transport", "iceconnectionstatechange", "connectionstatechange"]);
  });
});
