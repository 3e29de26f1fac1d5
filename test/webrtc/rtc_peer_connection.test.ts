import assert from "node:assert/strict";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import {
  createLocalTrack,
  MediaStream,
  RTCPeerConnection,
  type RTCPeerConnectionIceEvent,
  type RTCTrackEvent,
  setDefaultTransportFactory,
  whenClosed,
} from "../../src/webrtc/index.js";
import {
  call,
  closeAll,
  connection,
  description,
  FakeEngine,
  negotiate,
  nextEvent,
  tasks,
} from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

const hostCandidate = {
  candidate: "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host",
  address: "127.0.0.1",
  port: 40000,
  type: "host" as const,
};

afterEach(closeAll);

describe("RTCPeerConnection constructor (WebRTC 1.0 §4.4)", () => {
  it("starts in the initial states", () => {
    const { pc } = connection();
    assert.equal(pc.signalingState, "stable");
    assert.equal(pc.iceGatheringState, "new");
    assert.equal(pc.iceConnectionState, "new");
    assert.equal(pc.connectionState, "new");
    assert.equal(pc.canTrickleIceCandidates, null);
    for (const name of [
      "localDescription",
      "currentLocalDescription",
      "pendingLocalDescription",
      "remoteDescription",
      "currentRemoteDescription",
      "pendingRemoteDescription",
      "sctp",
      "onnegotiationneeded",
      "onicecandidate",
      "onicecandidateerror",
      "onsignalingstatechange",
      "oniceconnectionstatechange",
      "onicegatheringstatechange",
      "onconnectionstatechange",
      "ontrack",
    ] as const) {
      assert.equal(pc[name], null, name);
    }
    assert.deepEqual(pc.getTransceivers(), []);
    assert.deepEqual(pc.getSenders(), []);
    assert.deepEqual(pc.getReceivers(), []);
  });

  it("uses the engine that was set for all connections", async () => {
    const engine = new FakeEngine();
    setDefaultTransportFactory(engine);
    const withDefault = new RTCPeerConnection();
    withDefault.addTransceiver("audio");
    await withDefault.setLocalDescription();
    assert.equal(engine.transports.length, 1);
    withDefault.close();
    setDefaultTransportFactory(undefined);
  });
});

describe("createOffer and createAnswer (§4.4.2)", () => {
  it("an offer has one section for each transceiver, in order, all bundled", async () => {
    const { pc } = connection();
    pc.addTransceiver("video");
    pc.addTransceiver("audio", { direction: "recvonly" });
    const { type, sdp } = await pc.createOffer();
    assert.equal(type, "offer");
    const session = parseSdp(sdp ?? "");
    assert.deepEqual(
      session.media.map(({ kind, mid, direction }) => [kind, mid, direction]),
      [
        ["video", "0", "sendrecv"],
        ["audio", "1", "recvonly"],
      ],
    );
    assert.deepEqual(session.groups, [{ semantics: "BUNDLE", mids: ["0", "1"] }]);
    assert.equal(pc.signalingState, "stable");
    assert.equal(pc.getTransceivers()[0].mid, null, "createOffer assigns nothing");
  });

  it("the same offer comes twice when nothing changed, and keeps its mids", async () => {
    const { pc } = connection();
    pc.addTransceiver("audio");
    const first = await pc.createOffer();
    assert.deepEqual(await pc.createOffer(), first);
  });

  it("an empty connection offers an empty session", async () => {
    const { pc, engine } = connection();
    const { sdp } = await pc.createOffer();
    assert.deepEqual(parseSdp(sdp ?? "").media, []);
    await pc.setLocalDescription();
    assert.equal(engine.transports.length, 0);
  });

  it("offerToReceive adds a receiver only where there is none", async () => {
    const { pc } = connection();
    await pc.createOffer({ offerToReceiveAudio: true, offerToReceiveVideo: true });
    await pc.createOffer({ offerToReceiveAudio: true });
    assert.deepEqual(
      pc.getTransceivers().map(({ direction }) => direction),
      ["recvonly", "recvonly"],
    );
    await pc.createOffer({ offerToReceiveVideo: false });
    assert.equal(pc.getTransceivers()[1].direction, "inactive");
  });

  it("fit their states", async () => {
    const { pc } = connection();
    await rejectsWith(pc.createAnswer(), "InvalidStateError");
    const { pc: other } = connection();
    other.addTransceiver("audio");
    await other.setLocalDescription();
    await pc.setRemoteDescription(description(other));
    await rejectsWith(pc.createOffer(), "InvalidStateError");
    pc.close();
    await rejectsWith(pc.createOffer(), "InvalidStateError");
    await rejectsWith(pc.createAnswer(), "InvalidStateError");
  });
});

describe("setLocalDescription and setRemoteDescription (§4.4.1.5)", () => {
  it("walk through the signaling states", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    const states: string[] = [];
    a.onsignalingstatechange = () => states.push(`a ${a.signalingState}`);
    b.onsignalingstatechange = () => states.push(`b ${b.signalingState}`);
    a.addTransceiver("audio");
    await negotiate(a, b);
    assert.deepEqual(states, ["a have-local-offer", "b have-remote-offer", "b stable", "a stable"]);
    assert.equal(a.pendingLocalDescription, null);
    assert.equal(a.currentLocalDescription?.type, "offer");
    assert.equal(a.currentRemoteDescription?.type, "answer");
    assert.equal(b.currentLocalDescription?.type, "answer");
    assert.equal(b.currentRemoteDescription?.type, "offer");
  });

  it("pending descriptions become current with the answer", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    assert.equal(a.pendingLocalDescription, a.localDescription);
    assert.equal(a.currentLocalDescription, null);
    await b.setRemoteDescription(description(a));
    assert.equal(b.pendingRemoteDescription?.type, "offer");
    assert.equal(b.currentRemoteDescription, null);
  });

  it("pranswer comes before the answer on either side", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    const { sdp } = await b.createAnswer();
    await b.setLocalDescription({ type: "pranswer", ...(sdp !== undefined && { sdp }) });
    assert.equal(b.signalingState, "have-local-pranswer");
    assert.equal(b.pendingLocalDescription?.type, "pranswer");
    await a.setRemoteDescription({ type: "pranswer", sdp: description(b).sdp });
    assert.equal(a.signalingState, "have-remote-pranswer");
    assert.equal(engine.transport.called("startDtls").length, 1);
    await b.setLocalDescription();
    assert.equal(b.signalingState, "stable");
    await a.setRemoteDescription({ type: "answer", sdp: description(b).sdp });
    assert.equal(a.signalingState, "stable");
    assert.equal(engine.transport.called("startDtls").length, 1);
  });

  it("refuse what does not fit the state", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await rejectsWith(a.setLocalDescription({ type: "answer" }), "InvalidStateError");
    await rejectsWith(a.setLocalDescription({ type: "rollback" }), "InvalidStateError");
    await rejectsWith(a.setRemoteDescription({ type: "answer", sdp: "" }), "InvalidStateError");
    await negotiate(a, b);
    await rejectsWith(a.setRemoteDescription(description(b)), "InvalidStateError");
    assert.equal(a.signalingState, "stable");
  });

  it("refuse a local description that was changed", async () => {
    const { pc } = connection();
    pc.addTransceiver("audio");
    const { sdp } = await pc.createOffer();
    const munged = (sdp ?? "").replace("opus", "0pus");
    await rejectsWith(pc.setLocalDescription({ type: "offer", sdp: munged }), "InvalidModificationError");
    assert.equal(pc.signalingState, "stable");
  });

  it("refuse bad remote descriptions without changing anything", async () => {
    const { pc, engine } = connection();
    const { pc: other } = connection();
    other.addTransceiver("audio");
    await other.setLocalDescription();
    const { sdp } = description(other);
    const syntax = ["nonsense", sdp.replace("a=mid:0", "a=crypto:1 x inline:y"), `${sdp}a=x:\0\r\n`];
    for (const bad of syntax)
      await rejectsWith(pc.setRemoteDescription({ type: "offer", sdp: bad }), "OperationError");
    const content = [
      sdp.replace(/a=fingerprint.*\r\n/, ""),
      sdp.replace(/a=ice-pwd.*\r\n/, ""),
      sdp.replace("a=rtcp-mux\r\n", ""),
    ];
    for (const bad of content) {
      await rejectsWith(pc.setRemoteDescription({ type: "offer", sdp: bad }), "InvalidAccessError");
    }
    assert.equal(pc.signalingState, "stable");
    assert.equal(pc.getTransceivers().length, 0);
    assert.equal(engine.transports.length, 0);
  });

  it("name the line of a syntax error", async () => {
    const { pc } = connection();
    const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nbad\r\n";
    await assert.rejects(pc.setRemoteDescription({ type: "offer", sdp }), {
      errorDetail: "sdp-syntax-error",
      sdpLineNumber: 4,
    });
  });

  it("run one after the other, in the order of the calls", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    const done: string[] = [];
    await a.setLocalDescription();
    const calls = [
      b.setRemoteDescription(description(a)).then(() => done.push("remote")),
      b.createAnswer().then(() => done.push("create")),
      b.setLocalDescription().then(() => done.push("local")),
    ];
    await Promise.all(calls);
    assert.deepEqual(done, ["remote", "create", "local"]);
    assert.equal(b.signalingState, "stable");
  });
});

describe("negotiationneeded (§4.7.3)", () => {
  it("fires once for several changes and not again before the negotiation", async () => {
    const { pc } = connection();
    let fired = 0;
    pc.onnegotiationneeded = () => fired++;
    pc.addTransceiver("audio");
    pc.addTransceiver("video");
    await tasks();
    pc.addTransceiver("video");
    await tasks();
    assert.equal(fired, 1);
  });

  it("fires again when something is left over, and not when all is settled", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    let fired = 0;
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await tasks();
    a.onnegotiationneeded = () => fired++;
    a.addTransceiver("video");
    await b.setRemoteDescription(description(a));
    await b.setLocalDescription();
    await tasks();
    assert.equal(fired, 0, "not outside the stable state");
    await a.setRemoteDescription(description(b));
    await tasks();
    assert.equal(fired, 1);
    await negotiate(a, b);
    await tasks();
    assert.equal(fired, 1);
  });

  it("does not fire for the answerer whose wishes the offer limits", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio", { direction: "sendonly" });
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    b.addTrack(createLocalTrack({ kind: "audio" }), new MediaStream());
    await b.setLocalDescription();
    let fired = 0;
    b.onnegotiationneeded = () => fired++;
    await a.setRemoteDescription(description(b));
    await tasks();
    assert.equal(fired, 0);
    assert.equal(b.getTransceivers()[0].currentDirection, "recvonly");
  });

  it("waits for the operations chain to empty", async () => {
    const { pc } = connection();
    const order: string[] = [];
    pc.onnegotiationneeded = () => order.push("needed");
    const offer = pc.createOffer().then(() => order.push("offer"));
    pc.addTransceiver("audio");
    await offer;
    await tasks();
    assert.deepEqual(order, ["offer", "needed"]);
  });
});

describe("ICE through the API (§4.4.1.3, §4.8)", () => {
  it("gathers once the local description is set, tells candidates, then the end", async () => {
    const { pc, engine } = connection();
    const told: (string | null)[] = [];
    const states: string[] = [];
    pc.onicecandidate = ({ candidate }) =>
      told.push(candidate && `${candidate.sdpMid} ${candidate.candidate}`);
    pc.onicegatheringstatechange = () => states.push(pc.iceGatheringState);
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    assert.equal(pc.iceGatheringState, "new", "the state changes in a task of its own");
    engine.transport.find(hostCandidate);
    engine.transport.endGathering();
    await tasks();
    assert.deepEqual(told, [`0 ${hostCandidate.candidate}`, "0 ", null]);
    assert.deepEqual(states, ["gathering", "complete"]);
    const media = parseSdp(description(pc).sdp).media[0];
    assert.deepEqual(media.candidates, [hostCandidate.candidate]);
    assert.ok(media.endOfCandidates);
    assert.equal(media.port, 40000);
    assert.equal(media.connection?.address, "127.0.0.1");
  });

  it("tells nothing that was found for the credentials before a restart as found for the new ones", async () => {
    const { pc: a, engine, peer: b } = await call();
    const former = engine.transport.options.local.usernameFragment;
    const told: (string | null)[] = [];
    a.onicecandidate = ({ candidate }) => told.push(candidate && `${candidate.usernameFragment}`);
    a.restartIce();
    await negotiate(a, b);
    const fresh = parseSdp(description(a).sdp).media[0].iceUfrag ?? "";
    engine.transport.find(hostCandidate, former);
    engine.transport.endGathering(former);
    await tasks();
    assert.deepEqual(told, []);
    engine.transport.find(hostCandidate);
    engine.transport.endGathering();
    await tasks();
    assert.deepEqual(told, [fresh, fresh, null]);
  });

  it("an event's candidate knows its parts and its username fragment", async () => {
    const { pc, engine } = connection();
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    const event = nextEvent<RTCPeerConnectionIceEvent>(pc, "icecandidate");
    engine.transport.find(hostCandidate);
    const { candidate } = await event;
    assert.equal(candidate?.type, "host");
    assert.equal(candidate?.port, 40000);
    assert.equal(candidate?.usernameFragment, engine.transport.options.local.usernameFragment);
  });

  it("holds the peer's candidates until both descriptions are there", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await b.addIceCandidate({ candidate: hostCandidate.candidate, sdpMid: "0" });
    await b.addIceCandidate({ candidate: "", sdpMid: "0" });
    assert.equal(engine.transports.length, 0);
    assert.ok(b.remoteDescription?.sdp.includes("40000 typ host"));
    await b.setLocalDescription();
    assert.deepEqual(engine.transport.called("addRemoteCandidate"), [[hostCandidate.candidate]]);
    assert.equal(engine.transport.called("endOfRemoteCandidates").length, 1);
    const other = hostCandidate.candidate.replace("40000", "40001");
    await b.addIceCandidate({ candidate: `a=${other}`, sdpMid: "", sdpMLineIndex: 0 });
    await b.addIceCandidate({ candidate: other, sdpMLineIndex: 0 });
    assert.deepEqual(engine.transport.called("addRemoteCandidate").at(-1), [other]);
    assert.equal(engine.transport.called("addRemoteCandidate").length, 2);
  });

  it("takes a candidate of RTCP's own component and leaves it unused, as Firefox's offers bring them", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await b.setLocalDescription();
    const forRtcp = hostCandidate.candidate.replace(/^(candidate:\S+) 1 /, "$1 2 ");
    assert.notEqual(forRtcp, hostCandidate.candidate);
    await b.addIceCandidate({ candidate: forRtcp, sdpMid: "0" });
    assert.equal(engine.transport.called("addRemoteCandidate").length, 0);
    await rejectsWith(
      b.addIceCandidate({ candidate: forRtcp.replace(" typ host", ""), sdpMid: "0" }),
      "OperationError",
    );
  });

  it("addIceCandidate refuses what it can't place", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    const candidate = hostCandidate.candidate;
    await rejectsWith(b.addIceCandidate({ candidate, sdpMid: "0" }), "InvalidStateError");
    await rejectsWith(b.addIceCandidate({ candidate }), "TypeError");
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await rejectsWith(b.addIceCandidate({ candidate, sdpMid: "x" }), "OperationError");
    await rejectsWith(b.addIceCandidate({ candidate, sdpMLineIndex: 1 }), "OperationError");
    await rejectsWith(b.addIceCandidate({ candidate: "candidate:nonsense", sdpMid: "0" }), "OperationError");
    await rejectsWith(
      b.addIceCandidate({ candidate, sdpMid: "0", usernameFragment: "zzzz" }),
      "OperationError",
    );
    await b.addIceCandidate(null);
    await b.addIceCandidate();
  });

  it("stops a peer that trickles 10 000 candidates where one that describes them is stopped, and negotiates on", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    const lineOf = (i: number) => `candidate:1 1 udp 1 127.0.${i >> 8}.${i & 255} 5000 typ host`;
    const added = await Promise.allSettled(
      Array.from({ length: 10_000 }, (_, i) => b.addIceCandidate({ candidate: lineOf(i), sdpMid: "0" })),
    );
    const refused = added.filter((each) => each.status === "rejected");
    assert.equal(refused.length, 10_000 - 1024);
    assert.ok(refused.every(({ reason }) => reason.name === "OperationError"));
    assert.equal(b.remoteDescription?.sdp.match(/a=candidate:/g)?.length, 1024);
    await b.addIceCandidate();
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
  });

  it("gives the transport only candidates of the bundle's section", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    a.addTransceiver("audio");
    a.addTransceiver("video");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await b.setLocalDescription();
    await b.addIceCandidate({ candidate: hostCandidate.candidate, sdpMid: "1" });
    assert.equal(engine.transport.called("addRemoteCandidate").length, 0);
    await b.addIceCandidate({ candidate: hostCandidate.candidate, sdpMid: "0" });
    assert.equal(engine.transport.called("addRemoteCandidate").length, 1);
  });

  it("follows the transport's states and names the connection's", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    const log: string[] = [];
    a.oniceconnectionstatechange = () => log.push(`ice ${a.iceConnectionState}`);
    a.onconnectionstatechange = () => log.push(`connection ${a.connectionState}`);
    a.addTransceiver("audio");
    await negotiate(a, b);
    const transport = a.getSenders()[0].transport;
    assert.ok(transport);
    transport.onstatechange = () => log.push(`dtls ${transport.state}`);
    transport.iceTransport.onstatechange = () => log.push(`transport ${transport.iceTransport.state}`);
    engine.transport.emit("icestate", "checking");
    engine.transport.emit("icestate", "connected");
    engine.transport.emit("dtlsstate", "connecting", {});
    engine.transport.emit("dtlsstate", "connected", {});
    await tasks();
    engine.transport.emit("icestate", "disconnected");
    engine.transport.emit("icestate", "connected");
    engine.transport.emit("icestate", "failed");
    await tasks();
    assert.deepEqual(log, [
      "transport checking",
      "ice checking",
      "connection connecting",
      "transport connected",
      "ice connected",
      "dtls connecting",
      "dtls connected",
      "connection connected",
      "transport disconnected",
      "ice disconnected",
      "connection disconnected",
      "transport connected",
      "ice connected",
      "connection connected",
      "transport failed",
      "ice failed",
      "connection failed",
    ]);
  });

  it("restartIce asks for an offer with new credentials and the answer takes part", async () => {
    const { pc: a, engine } = connection();
    const { pc: b, engine: engineB } = connection();
    a.restartIce();
    a.addTransceiver("audio");
    await negotiate(a, b);
    await tasks();
    const before = parseSdp(description(a).sdp).media[0].iceUfrag;
    const needed = nextEvent(a, "negotiationneeded");
    a.restartIce();
    await needed;
    await negotiate(a, b);
    const after = parseSdp(description(a).sdp).media[0].iceUfrag;
    assert.notEqual(after, before);
    assert.equal(engine.transport.called("restartIce").length, 1);
    assert.equal(engine.transport.called("gather").length, 1, "the engine gathers anew by itself");
    assert.equal(engineB.transport.called("restartIce").length, 1);
    const [parameters] = engineB.transport.called("setRemoteIceParameters").at(-1) ?? [];
    assert.equal((parameters as { usernameFragment: string }).usernameFragment, after);
    assert.equal(engine.transports.length, 1);
    let again = 0;
    a.onnegotiationneeded = () => again++;
    await tasks();
    assert.equal(again, 0);
  });

  it("restartIce is still to come when the peer's own offer was answered first (WebRTC 1.0 §4.4.1.5)", async () => {
    const { pc: a, peer: b } = await call();
    const ufrag = () => parseSdp(description(a).sdp).media[0].iceUfrag;
    const former = ufrag();
    await tasks();
    a.restartIce();
    await nextEvent(a, "negotiationneeded");
    const needed = nextEvent(a, "negotiationneeded");
    await negotiate(b, a);
    assert.equal(ufrag(), former);
    await needed;
    await negotiate(a, b);
    assert.notEqual(ufrag(), former);
  });

  it("createOffer with iceRestart does the same", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await negotiate(a, b);
    const before = parseSdp(description(a).sdp).media[0].iceUfrag;
    const { sdp } = await a.createOffer({ iceRestart: true });
    assert.notEqual(parseSdp(sdp ?? "").media[0].iceUfrag, before);
    assert.equal(parseSdp((await a.createOffer()).sdp ?? "").media[0].setup, "actpass");
  });
});

describe("addTrack, removeTrack and renegotiation (§5.1)", () => {
  it("a track is announced with its streams and unmutes with its packets", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    const stream = new MediaStream();
    a.addTrack(createLocalTrack({ kind: "video" }), stream);
    const event = nextEvent<RTCTrackEvent>(b, "track");
    await negotiate(a, b);
    const { track, streams, transceiver, receiver } = await event;
    assert.deepEqual(
      streams.map(({ id }) => id),
      [stream.id],
    );
    assert.deepEqual(streams[0].getTracks(), [track]);
    assert.equal(transceiver.receiver, receiver);
    assert.equal(receiver.track, track);
    assert.equal(track.muted, true);
    engine.transport.emit("streamstarted", { mid: "0", ssrc: 1 });
    await nextEvent(track, "unmute");
    assert.equal(track.muted, false);
    engine.transport.emit("bye", { mid: "0", ssrc: 1 });
    await nextEvent(track, "mute");
  });

  it("a peer that names no stream gets one from us, the same one with the next offer", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTrack(createLocalTrack({ kind: "audio" }), new MediaStream());
    const nameless = async () => {
      await a.setLocalDescription();
      const sdp = description(a).sdp.replace(/a=msid:.*\r\n/g, "");
      await b.setRemoteDescription({ type: "offer", sdp });
      await b.setLocalDescription();
      await a.setRemoteDescription(description(b));
    };
    const heard: string[] = [];
    b.ontrack = ({ streams }) => heard.push(...streams.map(({ id }) => id));
    await nameless();
    await nameless();
    assert.equal(heard.length, 1);
    assert.notEqual(heard[0], "");
  });

  it("the same track twice, foreign senders and closed connections are refused", async () => {
    const { pc } = connection();
    const { pc: other } = connection();
    const track = createLocalTrack({ kind: "audio" });
    const sender = pc.addTrack(track);
    await rejectsWith(() => pc.addTrack(track), "InvalidAccessError");
    await rejectsWith(() => other.removeTrack(sender), "InvalidAccessError");
    await rejectsWith(() => pc.addTrack({} as never), "TypeError");
    pc.close();
    await rejectsWith(() => pc.addTrack(createLocalTrack({ kind: "audio" })), "InvalidStateError");
    await rejectsWith(() => pc.removeTrack(sender), "InvalidStateError");
  });

  it("removeTrack turns the direction, mutes the peer's track and frees the engine's stream", async () => {
    const { pc: a, engine } = connection();
    const { pc: b, engine: engineB } = connection();
    const sender = a.addTrack(createLocalTrack({ kind: "audio" }), new MediaStream());
    let streams: readonly MediaStream[] = [];
    b.ontrack = (event) => {
      streams = event.streams;
    };
    await negotiate(a, b);
    assert.equal(engine.transport.called("addSendStream").length, 1);
    const removed = nextEvent(streams[0], "removetrack");
    const [track] = streams[0].getTracks();
    engineB.transport.emit("streamstarted", { mid: "0", ssrc: 1 });
    await nextEvent(track, "unmute");
    a.removeTrack(sender);
    assert.equal(sender.track, null);
    assert.equal(a.getTransceivers()[0].direction, "recvonly");
    assert.deepEqual(engine.transport.called("removeSendStream"), [["0"]]);
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await removed;
    assert.equal(track.muted, true, "with the offer, before any answer");
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    assert.deepEqual(streams[0].getTracks(), []);
    assert.deepEqual(engineB.transport.called("removeReceiveStream"), [["0"]]);
    assert.equal(a.getTransceivers()[0].currentDirection, "inactive");
  });

  it("addTrack takes a sender that never sent, and makes a new one when it has", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio", { direction: "recvonly" });
    const first = a.addTrack(createLocalTrack({ kind: "audio" }));
    assert.equal(a.getTransceivers().length, 1);
    assert.equal(a.getTransceivers()[0].direction, "sendrecv");
    await negotiate(a, b);
    a.removeTrack(first);
    const second = a.addTrack(createLocalTrack({ kind: "audio" }));
    assert.notEqual(second, first);
    assert.equal(a.getTransceivers().length, 2);
  });

  it("a section stopped by both is used again by the next transceiver", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    a.addTransceiver("video");
    await negotiate(a, b);
    a.getTransceivers()[1].stop();
    await negotiate(a, b);
    assert.equal(a.getTransceivers().length, 1);
    assert.equal(b.getTransceivers().length, 1);
    a.addTransceiver("audio");
    await negotiate(a, b);
    const session = parseSdp(description(a).sdp);
    assert.equal(session.media.length, 2);
    assert.deepEqual(
      session.media.map(({ kind }) => kind),
      ["audio", "audio"],
    );
    assert.notEqual(session.media[1].mid, "1");
    assert.equal(b.getTransceivers().length, 2);
    assert.equal(b.getTransceivers()[1].mid, a.getTransceivers()[1].mid);
  });

  it("negotiates sections in their order through ten rounds of either side", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    for (let round = 0; round < 10; round++) {
      const [from, to] = round % 2 === 0 ? [a, b] : [b, a];
      from.addTrack(createLocalTrack({ kind: round % 3 === 0 ? "video" : "audio" }));
      await negotiate(from, to);
      const mids = (pc: RTCPeerConnection) => parseSdp(description(pc).sdp).media.map(({ mid }) => mid);
      assert.deepEqual(mids(a), mids(b));
    }
  });
});

describe("close (§4.4.1.8)", () => {
  it("ends everything at once and fires nothing more", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    a.addTrack(createLocalTrack({ kind: "audio" }));
    await negotiate(a, b);
    const transceiver = a.getTransceivers()[0];
    const events: string[] = [];
    for (const name of [
      "signalingstatechange",
      "iceconnectionstatechange",
      "connectionstatechange",
      "icecandidate",
    ]) {
      a.addEventListener(name, () => events.push(name));
    }
    engine.transport.emit("icestate", "checking");
    a.close();
    engine.transport.find(hostCandidate);
    engine.transport.emit("icestate", "failed");
    await whenClosed(a);
    await tasks();
    assert.deepEqual(events, []);
    assert.equal(a.signalingState, "closed");
    assert.equal(a.iceConnectionState, "closed");
    assert.equal(a.connectionState, "closed");
    assert.equal(transceiver.currentDirection, "stopped");
    assert.equal(transceiver.receiver.track.readyState, "ended");
    assert.deepEqual(a.getTransceivers(), []);
    assert.equal(engine.transport.called("close").length, 1);
    a.close();
    assert.equal(engine.transport.called("close").length, 1);
  });

  it("refuses what would change the session, and leaves running operations pending", async () => {
    const { pc } = connection();
    let settled = false;
    void pc.createOffer().then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    pc.close();
    await tasks();
    assert.equal(settled, false);
    await rejectsWith(pc.setLocalDescription(), "InvalidStateError");
    await rejectsWith(pc.setRemoteDescription({ type: "offer", sdp: "" }), "InvalidStateError");
    await rejectsWith(pc.addIceCandidate(), "InvalidStateError");
    await rejectsWith(() => pc.addTransceiver("audio"), "InvalidStateError");
  });
});
