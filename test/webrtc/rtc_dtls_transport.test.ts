import assert from "node:assert/strict";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { RTCDtlsTransport, type RTCErrorEvent } from "../../src/webrtc/index.js";
import { call, closeAll, description, nextEvent, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

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

  it("hands out the peer's certificate in DER, as a copy, once there is one", async () => {
    const { dtls, engine } = await call();
    assert.deepEqual(dtls.getRemoteCertificates(), []);
    const remoteCertificate = Uint8Array.of(0x30, 0x01, 0x02);
    engine.transport.emit("dtlsstate", "connected", { remoteCertificate });
    await nextEvent(dtls, "statechange");
    remoteCertificate.fill(0);
    assert.deepEqual(new Uint8Array(dtls.getRemoteCertificates()[0]), Uint8Array.of(0x30, 0x01, 0x02));
  });

  it("is closed at once, without an event, by our own close", async () => {
    const { dtls, ice, pc } = await call();
    for (const transport of [dtls, ice]) transport.onstatechange = () => assert.fail("close fires nothing");
    pc.close();
    assert.deepEqual([dtls.state, ice.state], ["closed", "closed"]);
    await tasks();
  });

  it("cannot be constructed", async () => {
    await rejectsWith(() => new (RTCDtlsTransport as unknown as new () => object)(), "TypeError");
  });
});
