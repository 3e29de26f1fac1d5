/** What a configuration asks for (WebRTC 1.0 §4.2.1), over an engine that only records. */
import assert from "node:assert/strict";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { RTCPeerConnection, type RTCPeerConnectionIceErrorEvent } from "../../src/webrtc/index.js";
import type { RTCConfiguration } from "../../src/webrtc/rtc_configuration.js";
import { closeAll, connection, description, nextEvent, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

const candidate = {
  candidate: "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host",
  address: "127.0.0.1",
  port: 40000,
  type: "host" as const,
};

describe("RTCConfiguration (WebRTC 1.0 §4.2.1)", () => {
  it("has the defaults of the configuration", () => {
    const { pc } = connection();
    assert.deepEqual(pc.getConfiguration(), {
      iceServers: [],
      iceTransportPolicy: "all",
      bundlePolicy: "balanced",
      rtcpMuxPolicy: "require",
      certificates: [],
      iceCandidatePoolSize: 0,
    });
  });

  it("checks the configuration", async () => {
    const bad: [object, string][] = [
      [{ iceTransportPolicy: "none" }, "TypeError"],
      [{ bundlePolicy: "all" }, "TypeError"],
      [{ rtcpMuxPolicy: "negotiate" }, "TypeError"],
      [{ iceCandidatePoolSize: 256 }, "TypeError"],
      [{ iceCandidatePoolSize: -1 }, "TypeError"],
      [{ iceServers: [{}] }, "TypeError"],
      [{ iceServers: [{ urls: [] }] }, "SyntaxError"],
      [{ iceServers: [{ urls: "http://example.org" }] }, "SyntaxError"],
      [{ iceServers: [{ urls: "stun:" }] }, "SyntaxError"],
      [{ iceServers: [{ urls: "stun:example.org:70000" }] }, "SyntaxError"],
      [{ iceServers: [{ urls: "stun:example.org?transport=udp" }] }, "SyntaxError"],
      [{ iceServers: [{ urls: "stun:user@example.org" }] }, "SyntaxError"],
      [{ iceServers: [{ urls: "turn:example.org" }] }, "InvalidAccessError"],
      [{ iceServers: [{ urls: "turn:example.org", username: "u" }] }, "InvalidAccessError"],
      [{ certificates: [{}] }, "TypeError"],
    ];
    for (const [configuration, name] of bad) {
      await rejectsWith(() => connection(configuration as RTCConfiguration), name);
    }
  });

  it("takes every form of STUN and TURN URL", () => {
    for (const urls of [
      "stun:example.org",
      "STUN:192.0.2.1:3478",
      "stun:[2001:db8::1]:5000",
      "stuns:example.org",
    ]) {
      connection({ iceServers: [{ urls }] });
    }
    connection({
      iceServers: [{ urls: ["turn:a.b?transport=tcp", "turns:a.b:443"], username: "u", credential: "c" }],
    });
  });

  it("resolves STUN servers and tells of those that fail", async () => {
    const urls = ["stun:192.0.2.7:3479", "stun:[2001:db8::1]", "stun:no-such-name.invalid"];
    const { pc, engine } = connection({ iceServers: [{ urls }] }, { resolveTimeoutMs: 5000 });
    const failed = nextEvent<RTCPeerConnectionIceErrorEvent>(pc, "icecandidateerror");
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    assert.deepEqual(engine.transport.options.stunServers, [
      { address: "192.0.2.7", port: 3479 },
      { address: "2001:db8::1", port: 3478 },
    ]);
    const event = await failed;
    assert.equal(event.errorCode, 701);
    assert.equal(event.url, "stun:no-such-name.invalid");
  });

  it("tells from where which server was asked, and what it said, as far as candidates tell that address", async () => {
    const { pc, engine } = connection({ iceServers: [{ urls: "stun:192.0.2.7:3479" }] });
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    const told: unknown[] = [];
    pc.onicecandidateerror = ({ address, port, url, errorCode, errorText }) =>
      told.push([address, port, url, errorCode, errorText]);
    const server = { address: "192.0.2.7", port: 3479 };
    const asker = { address: "127.0.0.1", port: 40000 };
    engine.transport.emit("candidateerror", { server, asker, code: 701, reason: "no answer" });
    const url = "turn:relay.example?transport=udp";
    engine.transport.emit("candidateerror", { server, asker: null, code: 401, reason: "who?", url });
    await tasks();
    assert.deepEqual(told, [
      ["127.0.0.1", 40000, "stun:192.0.2.7:3479", 701, "no answer"],
      [null, null, url, 401, "who?"],
    ]);
  });
});

describe("iceCandidatePoolSize (RFC 8829 §3.5.4)", () => {
  it("gathers before there is a description, and tells nothing of it until then", async () => {
    const { pc, engine } = connection({ iceCandidatePoolSize: 1 });
    const told: (string | undefined)[] = [];
    pc.onicecandidate = (event) => told.push(event.candidate?.candidate);
    pc.addTransceiver("audio");
    while (engine.transports.length === 0) await tasks(1);
    assert.equal(engine.transport.called("gather").length, 1);
    engine.transport.find(candidate);
    engine.transport.endGathering();
    await tasks();
    assert.deepEqual([told, pc.iceGatheringState], [[], "new"]);
    await pc.setLocalDescription();
    await tasks();
    assert.deepEqual([told, pc.iceGatheringState], [[candidate.candidate, "", undefined], "complete"]);
    assert.equal(engine.transports.length, 1);
    assert.equal(engine.transport.called("gather").length, 1);
    const [media] = parseSdp(description(pc).sdp).media;
    assert.equal(media.iceUfrag, engine.transport.options.local.usernameFragment);
    assert.deepEqual(media.candidates, [candidate.candidate]);
  });

  it("gives what it has to the answerer too, in the answerer's role", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection({ iceCandidatePoolSize: 3 });
    while (engine.transports.length === 0) await tasks(1);
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await b.setLocalDescription();
    assert.deepEqual(engine.transport.called("setIceRole"), [["controlled"]]);
    assert.equal(engine.transports.length, 1);
    assert.equal(b.getTransceivers()[0].sender.transport?.iceTransport.role, "controlled");
  });

  it("begins anew with other servers; an offer made before keeps the credentials it announces", async () => {
    const { pc, engine } = connection({ iceCandidatePoolSize: 1 });
    pc.addTransceiver("audio");
    const offer = await pc.createOffer();
    while (engine.transports.length === 0) await tasks(1);
    pc.setConfiguration({ iceCandidatePoolSize: 1, iceServers: [{ urls: "stun:192.0.2.7" }] });
    assert.deepEqual(engine.transport.calls.at(-1), ["close"]);
    while (engine.transports.length === 1) await tasks(1);
    assert.deepEqual(engine.transport.options.stunServers, [{ address: "192.0.2.7", port: 3478 }]);
    await pc.setLocalDescription(offer);
    const { iceUfrag } = parseSdp(offer.sdp ?? "").media[0];
    assert.equal(engine.transports.length, 3);
    assert.equal(engine.transport.options.local.usernameFragment, iceUfrag);
  });

  it("leaves nothing behind when the connection is closed before it was used", async () => {
    const { pc, engine } = connection({ iceCandidatePoolSize: 1 });
    while (engine.transports.length === 0) await tasks(1);
    pc.close();
    assert.deepEqual(engine.transport.calls.at(-1), ["close"]);
  });
});

describe("setConfiguration (§4.4.2)", () => {
  it("changes servers and keeps certificates and policies", async () => {
    const certificate = await RTCPeerConnection.generateCertificate("ECDSA");
    const { pc } = connection({ certificates: [certificate], bundlePolicy: "max-bundle" });
    await rejectsWith(() => pc.setConfiguration({ bundlePolicy: "balanced" }), "InvalidModificationError");
    const other = await RTCPeerConnection.generateCertificate("ECDSA");
    const certificates = [other];
    await rejectsWith(
      () => pc.setConfiguration({ bundlePolicy: "max-bundle", certificates }),
      "InvalidModificationError",
    );
    pc.setConfiguration({ bundlePolicy: "max-bundle", iceServers: [{ urls: "stun:192.0.2.1" }] });
    assert.equal(pc.getConfiguration().iceServers?.length, 1);
    assert.deepEqual(pc.getConfiguration().certificates, [certificate]);
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    await rejectsWith(
      () => pc.setConfiguration({ bundlePolicy: "max-bundle", iceCandidatePoolSize: 1 }),
      "InvalidModificationError",
    );
    pc.close();
    await rejectsWith(() => pc.setConfiguration({}), "InvalidStateError");
  });
});
