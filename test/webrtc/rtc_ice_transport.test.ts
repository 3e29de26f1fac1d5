import assert from "node:assert/strict";
import { RTCIceTransport } from "../../src/webrtc/index.js";
import { call, closeAll, connection, description, nextEvent, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

describe("RTCIceTransport (WebRTC 1.0 §5.6)", () => {
  it("knows role, parameters and candidates of both sides", async () => {
    const { ice, engine, peer, peerEngine } = await call();
    assert.equal(ice.component, "rtp");
    assert.equal(ice.role, "controlling");
    assert.equal(peerEngine.transport.options.iceRole, "controlled");
    assert.deepEqual(ice.getLocalParameters(), engine.transport.options.local);
    assert.deepEqual(ice.getRemoteParameters(), peerEngine.transport.options.local);
    const candidate = "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host";
    engine.transport.find({ candidate, address: "127.0.0.1", port: 40000, type: "host" });
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

  it("its selected pair is made of the candidates that were signaled", async () => {
    const { ice, engine, peer, peerEngine } = await call();
    const ours = "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host";
    engine.transport.find({ candidate: ours, address: "127.0.0.1", port: 40000, type: "host" });
    await tasks();
    const theirs = peer.getReceivers()[0].transport?.iceTransport;
    await peer.addIceCandidate({
      candidate: `${ours} ufrag ${ice.getLocalParameters()?.usernameFragment}`,
      sdpMid: "0",
    });
    const selected = { local: ours, remote: ours, rttUs: 100 };
    engine.transport.emit("selectedpair", selected);
    peerEngine.transport.emit("selectedpair", { ...selected, local: ours.replace("40000", "40001") });
    await tasks();
    assert.equal(ice.getSelectedCandidatePair()?.local, ice.getLocalCandidates()[0]);
    assert.equal(theirs?.getSelectedCandidatePair()?.remote, theirs?.getRemoteCandidates()[0]);
  });

  it("cannot be constructed", async () => {
    await rejectsWith(() => new (RTCIceTransport as unknown as new () => object)(), "TypeError");
  });
});
