import assert from "node:assert/strict";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { createLocalTrack, MediaStream, type RTCTrackEvent } from "../../src/webrtc/index.js";
import { closeAll, connection, description, negotiate, nextEvent, tasks } from "./fake_transport.js";

afterEach(closeAll);

describe("rollback and perfect negotiation (§4.4.1.5, §10.7)", () => {
  it("goes back to stable and forgets the offer's mids", async () => {
    const { pc, engine } = connection();
    const transceiver = pc.addTransceiver("audio");
    await pc.setLocalDescription();
    assert.equal(transceiver.mid, "0");
    await pc.setLocalDescription({ type: "rollback" });
    assert.equal(pc.signalingState, "stable");
    assert.equal(pc.pendingLocalDescription, null);
    assert.equal(transceiver.mid, null);
    assert.deepEqual(engine.transport.calls.at(-1), ["close"]);
  });

  it("takes away transceivers a rolled-back remote offer made, and mutes their tracks", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTrack(createLocalTrack({ kind: "audio" }), new MediaStream());
    await a.setLocalDescription();
    const heard: RTCTrackEvent[] = [];
    b.ontrack = (event) => heard.push(event);
    await b.setRemoteDescription(description(a));
    assert.equal(b.getTransceivers().length, 1);
    await b.setRemoteDescription({ type: "rollback" });
    assert.equal(b.getTransceivers().length, 0);
    assert.deepEqual(heard[0].streams[0].getTracks(), []);
    assert.equal(b.signalingState, "stable");
  });

  it("keeps a transceiver that addTrack took after the remote offer", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    b.addTrack(createLocalTrack({ kind: "audio" }));
    assert.equal(b.getTransceivers().length, 1);
    await b.setRemoteDescription({ type: "rollback" });
    assert.equal(b.getTransceivers().length, 1);
    assert.equal(b.getTransceivers()[0].mid, null);
  });

  it("resolves glare: the polite side rolls back by itself and still sends what it had", async () => {
    const { pc: polite } = connection();
    const { pc: impolite, engine } = connection();
    polite.addTrack(createLocalTrack({ kind: "audio" }));
    impolite.addTrack(createLocalTrack({ kind: "audio" }));
    await Promise.all([polite.setLocalDescription(), impolite.setLocalDescription()]);
    const states: string[] = [];
    polite.onsignalingstatechange = () => states.push(polite.signalingState);
    await polite.setRemoteDescription(description(impolite));
    assert.deepEqual(states, ["stable", "have-remote-offer"]);
    assert.equal(polite.getTransceivers().length, 1, "the waiting transceiver takes the section");
    await polite.setLocalDescription();
    await impolite.setRemoteDescription(description(polite));
    assert.equal(polite.getTransceivers()[0].currentDirection, "sendrecv");
    assert.equal(impolite.getTransceivers()[0].currentDirection, "sendrecv");
    assert.equal(engine.transport.called("addSendStream").length, 1);
  });

  it("gathers afresh after glare, as the answerer", async () => {
    const { pc: polite, engine } = connection();
    const { pc: impolite } = connection();
    polite.addTransceiver("audio");
    impolite.addTransceiver("audio");
    await Promise.all([polite.setLocalDescription(), impolite.setLocalDescription()]);
    const offered = parseSdp(description(polite).sdp).media[0].iceUfrag;
    await polite.setRemoteDescription(description(impolite));
    assert.equal(polite.iceGatheringState, "new");
    await polite.setLocalDescription();
    assert.equal(engine.transports.length, 2);
    assert.equal(engine.transports[1].options.iceRole, "controlled");
    assert.notEqual(parseSdp(description(polite).sdp).media[0].iceUfrag, offered);
    assert.equal(engine.transports[1].called("gather").length, 1);
  });

  it("offers again what a glare had rolled back", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("video");
    b.addTransceiver("audio");
    await a.setLocalDescription();
    await b.setLocalDescription();
    await b.setRemoteDescription(description(a));
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    await tasks();
    // What b had offered first is offered again.
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    assert.deepEqual(
      b.getTransceivers().map(({ mid }) => mid),
      ["1", "0"],
    );
  });

  it("an offer made before a remote one was set and rolled back can still be set, with the transceivers it had", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTrack(createLocalTrack({ kind: "video" }));
    const offer = await a.createOffer();
    b.addTransceiver("audio");
    b.addTransceiver("video");
    await a.setRemoteDescription(await b.createOffer());
    assert.deepEqual(
      a.getTransceivers().map(({ mid }) => mid),
      ["1", "0"],
    );
    await a.setRemoteDescription({ type: "rollback" });
    await a.setLocalDescription(offer);
    assert.equal(a.getTransceivers()[0].mid, "0");
  });

  it("a rolled-back offer that is set again goes over the credentials it announces", async () => {
    const { pc, engine } = connection();
    pc.addTransceiver("audio");
    const offer = await pc.createOffer();
    await pc.setLocalDescription(offer);
    await pc.setLocalDescription({ type: "rollback" });
    await pc.setLocalDescription(offer);
    const { iceUfrag, icePwd } = parseSdp(offer.sdp ?? "").media[0];
    assert.equal(engine.transports.length, 2);
    assert.deepEqual(engine.transport.options.local, { usernameFragment: iceUfrag, password: icePwd });
  });

  it("takes back the transports a local offer gave, and no others", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await negotiate(a, b);
    a.addTransceiver("video");
    a.createDataChannel("");
    await a.setLocalDescription();
    const [audio, video] = a.getTransceivers();
    assert.equal(video.sender.transport, audio.receiver.transport);
    assert.equal(a.sctp?.transport, audio.sender.transport);
    await a.setLocalDescription({ type: "rollback" });
    assert.notEqual(audio.sender.transport, null);
    assert.equal(video.sender.transport, null);
    assert.equal(video.receiver.transport, null);
    assert.equal(a.sctp, null);
  });

  it("gives a track back to the stream it had, and says so", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    const [first, second] = [new MediaStream(), new MediaStream()];
    const sender = a.addTrack(createLocalTrack({ kind: "audio" }), first);
    const heard: (string | undefined)[] = [];
    b.ontrack = ({ streams }) => heard.push(streams[0]?.id);
    await negotiate(a, b);
    sender.setStreams(second);
    await b.setRemoteDescription(await a.createOffer());
    await b.setRemoteDescription({ type: "rollback" });
    assert.deepEqual(heard, [first.id, second.id, first.id]);
  });

  it("goes back to the gathering state new in a task of its own", async () => {
    const { pc, engine } = connection();
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    engine.transport.endGathering();
    await tasks();
    assert.equal(pc.iceGatheringState, "complete");
    await pc.setLocalDescription({ type: "rollback" });
    await nextEvent(pc, "icegatheringstatechange");
    assert.equal(pc.iceGatheringState, "new");
  });
});
