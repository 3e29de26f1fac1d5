import assert from "node:assert/strict";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import {
  createLocalTrack,
  RTCDtlsTransport,
  type RTCErrorEvent,
  RTCIceTransport,
} from "../../src/webrtc/index.js";
import { closeAll, connection, description, negotiate, nextEvent, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

async function call() {
  const { pc, engine } = connection();
  const { pc: peer, engine: peerEngine } = connection();
  pc.addTrack(createLocalTrack({ kind: "audio" }));
  await negotiate(pc, peer);
  const dtls = pc.getSenders()[0].transport;
  assert.ok(dtls);
  return { pc, engine, peer, peerEngine, dtls, ice: dtls.iceTransport };
}

describe("RTCDtlsTransport (WebRTC 1.0 §5.5)", () => {
  it("follows the engine and tells of a wrong fingerprint", async () => {
    const { pc, engine, dtls } = await call();
    assert.equal(dtls.state, "new");
    engine.transport.emit("dtlsstate", "connecting", {});
    const failed = nextEvent<RTCErrorEvent>(dtls, "error");
    engine.transport.emit("dtlsstate", "failed", { error: "certificate fingerprint mismatch" });
    const { error } = await failed;
    assert.equal(error.errorDetail, "fingerprint-failure");
    assert.equal(error.name, "OperationError");
    await tasks();
    assert.equal(dtls.state, "failed");
    assert.equal(pc.connectionState, "failed");
  });

  it("a peer's close_notify leaves the state closed and the connection disconnected, not failed", async () => {
    const { engine, dtls, pc } = await call();
    dtls.onerror = () => assert.fail("a close is no error");
    engine.transport.emit("icestate", "connected");
    engine.transport.emit("dtlsstate", "connected", {});
    engine.transport.emit("dtlsstate", "closed", {});
    engine.transport.emit("failed", { code: "ERR_DTLS_CLOSED", message: "the peer closed" });
    await tasks();
    assert.equal(dtls.state, "closed");
    assert.equal(pc.iceConnectionState, "disconnected");
    assert.equal(pc.connectionState, "disconnected");
  });

  it("an engine that gives up fails the connection", async () => {
    const { pc, engine } = await call();
    engine.transport.emit("failed", { code: "ERR_SILENCE", message: "20 s without a packet" });
    await nextEvent(pc, "connectionstatechange");
    assert.equal(pc.connectionState, "failed");
  });

  it("the answerer to actpass is the client, the offerer the server, with the peer's fingerprints", async () => {
    const { engine, peerEngine, pc, peer } = await call();
    const fingerprints = (sdp: string) => parseSdp(sdp).media[0].fingerprints;
    assert.deepEqual(engine.transport.called("startDtls"), [["server", fingerprints(description(peer).sdp)]]);
    assert.deepEqual(peerEngine.transport.called("startDtls"), [
      ["client", fingerprints(description(pc).sdp)],
    ]);
  });

  it("streams are in place before the handshake starts to let media in", async () => {
    const { peerEngine } = await call();
    const order = peerEngine.transport.calls.map(([name]) => name);
    assert.ok(order.indexOf("addReceiveStream") < order.length);
    assert.ok(order.indexOf("setRemoteIceParameters") < order.indexOf("startDtls"));
  });

  it("cannot be constructed", async () => {
    await rejectsWith(() => new (RTCDtlsTransport as unknown as new () => object)(), "TypeError");
    await rejectsWith(() => new (RTCIceTransport as unknown as new () => object)(), "TypeError");
  });
});

describe("RTCIceTransport (WebRTC 1.0 §5.6)", () => {
  it("knows role, parameters and candidates of both sides", async () => {
    const { ice, engine, peer, peerEngine } = await call();
    assert.equal(ice.component, "rtp");
    assert.equal(ice.role, "controlling");
    assert.equal(peerEngine.transport.options.iceRole, "controlled");
    assert.deepEqual(ice.getLocalParameters(), engine.transport.options.local);
    assert.deepEqual(ice.getRemoteParameters(), peerEngine.transport.options.local);
    const candidate = "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host";
    engine.transport.emit("candidate", { candidate, address: "127.0.0.1", port: 40000, type: "host" });
    await tasks();
    assert.deepEqual(
      ice.getLocalCandidates().map((local) => local.candidate),
      [candidate],
    );
    const theirs = peer.getReceivers()[0].transport?.iceTransport;
    await peer.addIceCandidate(ice.getLocalCandidates()[0]);
    assert.deepEqual(
      theirs?.getRemoteCandidates().map(({ port }) => port),
      [40000],
    );
  });

  it("tells of the selected pair", async () => {
    const { ice, engine } = await call();
    assert.equal(ice.getSelectedCandidatePair(), null);
    const changed = nextEvent(ice, "selectedcandidatepairchange");
    engine.transport.emit("selectedpair", {
      local: "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host",
      remote: "candidate:2 1 udp 2130706431 127.0.0.1 40001 typ prflx",
      rttUs: 100,
    });
    await changed;
    assert.equal(ice.getSelectedCandidatePair()?.remote.type, "prflx");
    assert.equal(ice.getSelectedCandidatePair()?.local.port, 40000);
  });

  it("silence disconnects for as long as it lasts", async () => {
    const { ice, engine, pc } = await call();
    engine.transport.emit("icestate", "connected");
    engine.transport.emit("unstable", true);
    await tasks();
    assert.equal(ice.state, "disconnected");
    assert.equal(pc.connectionState, "disconnected");
    engine.transport.emit("unstable", false);
    await tasks();
    assert.equal(pc.iceConnectionState, "connected");
  });

  it("controls a lite peer whoever offered", async () => {
    const { pc: lite } = connection();
    const { pc, engine } = connection();
    lite.addTransceiver("audio");
    await lite.setLocalDescription();
    const sdp = description(lite).sdp.replace(
      "a=extmap-allow-mixed\r\n",
      "a=ice-lite\r\na=extmap-allow-mixed\r\n",
    );
    await pc.setRemoteDescription({ type: "offer", sdp });
    await pc.setLocalDescription();
    assert.deepEqual(engine.transport.called("setIceRole"), [["controlling"]]);
    assert.equal(engine.transport.called("setRemoteIceParameters")[0][1], true);
  });
});
