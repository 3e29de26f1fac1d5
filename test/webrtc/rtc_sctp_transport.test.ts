/** The association under the data channels (WebRTC 1.0 §6.1.1), over an engine that only records. */
import assert from "node:assert/strict";
import { RTCSctpTransport } from "../../src/webrtc/index.js";
import { closeAll, connection, description, negotiate, nextEvent } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

/** Two connections whose descriptions have data channels. */
async function pair() {
  const [a, b] = [connection(), connection()];
  a.pc.createDataChannel("chat");
  await negotiate(a.pc, b.pc);
  return { a, b, transport: a.engine.transport };
}

describe("the section of data channels (RFC 8841)", () => {
  const section = (sdp: string) => sdp.slice(sdp.indexOf("m=application"));

  it("stands alone, with port and maximum, in offer and answer", async () => {
    const { a, b } = await pair();
    for (const sdp of [description(a.pc).sdp, description(b.pc).sdp]) {
      assert.match(sdp, /^m=application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
      assert.match(sdp, /^a=group:BUNDLE 0\r$/m);
      assert.match(section(sdp), /^a=sctp-port:5000\r\na=max-message-size:262144\r$/m);
      assert.doesNotMatch(section(sdp), /rtcp-mux|sendrecv/);
    }
  });

  it("joins the bundle of audio and video, and keeps its place in the next offer", async () => {
    const [a, b] = [connection().pc, connection().pc];
    a.addTransceiver("audio");
    await negotiate(a, b);
    a.createDataChannel("late");
    await negotiate(a, b);
    assert.match(description(a).sdp, /^a=group:BUNDLE 0 1\r$/m);
    b.addTransceiver("video");
    await negotiate(b, a);
    const kinds = [...description(b).sdp.matchAll(/^m=(\w+)/gm)].map(([, kind]) => kind);
    assert.deepEqual(kinds, ["audio", "application", "video"]);
  });

  it("gives both ends an RTCSctpTransport over the DTLS transport, before it is connected", async () => {
    const { a, b } = await pair();
    for (const { pc } of [a, b]) {
      assert.equal(pc.sctp?.state, "connecting");
      assert.equal(pc.sctp?.maxMessageSize, 262_144);
      assert.equal(pc.sctp?.maxChannels, null);
      assert.equal(pc.sctp?.transport.state, "new");
    }
    assert.deepEqual(a.engine.transport.called("startData"), [
      [{ localPort: 5000, remotePort: 5000, maxMessageBytes: 262_144 }],
    ]);
    const names = a.engine.transport.calls.map(([name]) => name);
    assert.ok(names.indexOf("startData") < names.indexOf("startDtls"));
  });

  it("takes another port and maximum from the peer; none means 64 KiB", async () => {
    const [a, b] = [connection(), connection()];
    a.pc.createDataChannel("");
    await a.pc.setLocalDescription();
    await b.pc.setRemoteDescription(description(a.pc));
    await b.pc.setLocalDescription();
    const { type, sdp } = description(b.pc);
    const changed = sdp.replace("sctp-port:5000", "sctp-port:6000").replace(/a=max-message-size.*\r\n/, "");
    await a.pc.setRemoteDescription({ type, sdp: changed });
    assert.equal(a.pc.sctp?.maxMessageSize, 65_536);
    const [[options]] = a.engine.transport.called("startData");
    assert.equal((options as { remotePort: number }).remotePort, 6000);
  });
});

describe("RTCSctpTransport (WebRTC 1.0 §6.1.1)", () => {
  it("is there from the offer on, on both sides, and gone when the answer refuses it", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.createDataChannel("");
    a.addTransceiver("audio");
    assert.equal(a.sctp, null);
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    for (const { sctp } of [a, b])
      assert.deepEqual([sctp?.state, sctp?.maxMessageSize], ["connecting", 65_536]);
    await b.setLocalDescription();
    const refused = description(b).sdp.replace(/m=application \d+/, "m=application 0");
    await a.setRemoteDescription({ type: "answer", sdp: refused });
    assert.equal(a.sctp, null);
    assert.equal(b.sctp?.state, "connecting");
  });

  it("tells its state, and its channels once it is up", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    a.createDataChannel("");
    await negotiate(a, b);
    const { sctp } = a;
    assert.ok(sctp);
    assert.deepEqual([sctp.state, sctp.maxChannels], ["connecting", null]);
    const connected = nextEvent(sctp, "statechange");
    engine.transport.emit("data", { type: "dataconnected", maxChannels: 1024 });
    await connected;
    assert.deepEqual([sctp.state, sctp.maxChannels], ["connected", 1024]);
    const closed = nextEvent(sctp, "statechange");
    engine.transport.emit("data", { type: "dataclosed", error: "gone" });
    await closed;
    assert.equal(sctp.state, "closed");
  });

  it("cannot be constructed", async () => {
    await rejectsWith(() => new (RTCSctpTransport as unknown as new () => object)(), "TypeError");
  });
});
