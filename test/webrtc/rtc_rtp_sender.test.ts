import assert from "node:assert/strict";
import type { SendStreamOptions } from "../../src/media/transport_api.js";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import {
  createLocalTrack,
  MediaStream,
  RTCRtpSender,
  type RTCRtpSendParameters,
} from "../../src/webrtc/index.js";
import { closeAll, connection, description, negotiate, nextEvent, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

async function sending(kind: "audio" | "video" = "video") {
  const { pc, engine } = connection();
  const { pc: peer } = connection();
  const track = createLocalTrack({ kind });
  const sender = pc.addTrack(track);
  await negotiate(pc, peer);
  return { pc, engine, peer, track, sender };
}

describe("RTCRtpSender (WebRTC 1.0 §5.2)", () => {
  it("says what it can send", () => {
    const video = RTCRtpSender.getCapabilities("video");
    assert.ok(video?.codecs.some(({ sdpFmtpLine }) => sdpFmtpLine?.includes("packetization-mode=0")));
    assert.ok(video?.codecs.some(({ sdpFmtpLine }) => sdpFmtpLine?.includes("packetization-mode=1")));
    assert.equal(RTCRtpSender.getCapabilities("audio")?.codecs[0].mimeType, "audio/opus");
    assert.equal(RTCRtpSender.getCapabilities("text"), null);
  });

  it("knows its transport once negotiated, and has no telephone events", async () => {
    const { sender, pc } = await sending();
    assert.equal(sender.dtmf, null);
    assert.ok(sender.transport);
    assert.equal(sender.transport, pc.getReceivers()[0].transport);
  });

  it("hands the engine what the peer wants", async () => {
    const { engine, sender, peer } = await sending();
    const [options] = engine.transport.called("addSendStream").map(([given]) => given as SendStreamOptions);
    const [ssrc] = parseSdp(peer.remoteDescription?.sdp ?? "").media[0].sources.map((source) => source.ssrc);
    assert.equal(options.ssrc, ssrc);
    assert.equal(options.cname, sender.getParameters().rtcp.cname);
    assert.equal(options.packetizationMode, 1);
    assert.equal(options.clockRate, 90_000);
    assert.equal(options.mid, "0");
    assert.ok(options.nack && options.reducedSizeRtcp);
  });

  it("asks for the settings' playout delay, for pictures alone", async () => {
    const { pc, engine } = connection({}, { playoutDelay: { min: 0, max: 200 } });
    const { pc: peer } = connection();
    for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }));
    await negotiate(pc, peer);
    const asked = engine.transport
      .called("addSendStream")
      .map(([given]) => (given as SendStreamOptions).playoutDelay);
    assert.deepEqual(asked, [undefined, { minUs: 0, maxUs: 200_000 }]);
    for (const playoutDelay of [{ min: 20, max: 10 }, { min: 0 }, { min: 0, max: 50_000 }, 10]) {
      await rejectsWith(() => connection({}, { playoutDelay: playoutDelay as never }), "SettingsError");
    }
  });

  it("gives way where the peer has taken its SSRC, and not for ever (RFC 3550 §8.2)", async () => {
    const { pc, engine } = await sending();
    const streams = () =>
      engine.transport.called("addSendStream").map(([given]) => given as SendStreamOptions);
    const [{ ssrc, rtx }] = streams();
    engine.transport.emit("ssrccollision", { ssrc });
    engine.transport.emit("ssrccollision", { ssrc });
    await tasks();
    assert.deepEqual(engine.transport.called("removeSendStream"), [["0"]], "which says BYE");
    assert.equal(streams().length, 2);
    const other = streams()[1];
    assert.notEqual(other.ssrc, ssrc);
    assert.notEqual(other.rtx?.ssrc, rtx?.ssrc);
    const { sdp } = await pc.createOffer();
    assert.ok(sdp?.includes(`a=ssrc:${other.ssrc} `));
    for (let i = 0; i < 20; i++) {
      engine.transport.emit("ssrccollision", { ssrc: streams().at(-1)?.ssrc ?? 0 });
      await tasks();
    }
    assert.equal(streams().length, 9, "whoever follows is ignored");
  });

  it("shows the negotiated parameters, the same ones until the event loop comes round", async () => {
    const { sender } = await sending();
    const first = sender.getParameters();
    assert.equal(sender.getParameters().transactionId, first.transactionId);
    assert.deepEqual(first.encodings, [{ active: true, priority: "low", scaleResolutionDownBy: 1 }]);
    assert.equal(first.codecs[0].mimeType, "video/H264");
    assert.ok(first.headerExtensions.some(({ uri }) => uri.endsWith("sdes:mid")));
    assert.equal(first.rtcp.reducedSize, true);
    await tasks();
    assert.notEqual(sender.getParameters().transactionId, first.transactionId);
  });

  it("setParameters limits, stops and resumes the stream", async () => {
    const { sender, engine } = await sending();
    const change = async (edit: (parameters: RTCRtpSendParameters) => void) => {
      const parameters = sender.getParameters();
      edit(parameters);
      await sender.setParameters(parameters);
    };
    await change(({ encodings }) => Object.assign(encodings[0], { maxBitrate: 500_000, maxFramerate: 15 }));
    assert.deepEqual(engine.transport.called("limitSendStream"), [
      ["0", { maxBitrateBps: 500_000, maxFrameRate: 15 }],
    ]);
    await change(({ encodings }) => Object.assign(encodings[0], { active: false }));
    assert.equal(engine.transport.called("removeSendStream").length, 1);
    await change(({ encodings }) => Object.assign(encodings[0], { active: true, scaleResolutionDownBy: 2 }));
    assert.equal(engine.transport.called("addSendStream").length, 2);
    const again = engine.transport.called("addSendStream")[1][0] as SendStreamOptions;
    assert.deepEqual(again.limits, { maxBitrateBps: 500_000, maxFrameRate: 15, scaleResolutionDownBy: 2 });
    assert.equal(engine.transport.called("limitSendStream").length, 1);
  });

  it("has other parameters when an offer or an answer was made: that takes a task", async () => {
    const { sender, pc } = await sending();
    const parameters = sender.getParameters();
    await pc.createOffer();
    await rejectsWith(sender.setParameters(parameters), "InvalidStateError");
    assert.notEqual(sender.getParameters().transactionId, parameters.transactionId);
  });

  it("setParameters takes effect in a task; until then the parameters stay valid", async () => {
    const { sender } = await sending();
    const parameters = sender.getParameters();
    parameters.encodings[0].maxBitrate = 100_000;
    const first = sender.setParameters(parameters);
    assert.equal(sender.getParameters().transactionId, parameters.transactionId);
    assert.equal(sender.getParameters().encodings[0].maxBitrate, undefined);
    parameters.encodings[0].maxBitrate = 200_000;
    await Promise.all([first, sender.setParameters(parameters)]);
    await rejectsWith(sender.setParameters(parameters), "InvalidStateError");
    assert.equal(sender.getParameters().encodings[0].maxBitrate, 200_000);
  });

  it("a description makes former parameters invalid", async () => {
    const { sender, pc, peer } = await sending();
    await peer.setLocalDescription();
    const given = pc.setRemoteDescription(description(peer));
    const parameters = sender.getParameters();
    await given;
    await rejectsWith(sender.setParameters(parameters), "InvalidStateError");
  });

  it("keeps priorities and what to give up first, and knows their values", async () => {
    const { sender } = await sending();
    const parameters = sender.getParameters();
    assert.equal(parameters.degradationPreference, undefined);
    parameters.degradationPreference = "maintain-resolution";
    Object.assign(parameters.encodings[0], { priority: "high", networkPriority: "medium" });
    await sender.setParameters(parameters);
    const kept = sender.getParameters();
    assert.equal(kept.degradationPreference, "maintain-resolution");
    assert.deepEqual([kept.encodings[0].priority, kept.encodings[0].networkPriority], ["high", "medium"]);
    await rejectsWith(
      sender.setParameters({ ...kept, degradationPreference: "sharp" } as never),
      "TypeError",
    );
    const [encoding] = kept.encodings;
    await rejectsWith(
      sender.setParameters({ ...kept, encodings: [{ ...encoding, priority: "top" }] } as never),
      "TypeError",
    );
  });

  it("setParameters takes only what getParameters gave", async () => {
    const { sender, pc } = await sending();
    const stale = sender.getParameters();
    await tasks();
    await rejectsWith(sender.setParameters(stale), "InvalidStateError");
    const cases: [(p: RTCRtpSendParameters) => unknown, string][] = [
      [(p) => ({ ...p, transactionId: "x" }), "InvalidModificationError"],
      [(p) => ({ ...p, encodings: [] }), "InvalidModificationError"],
      [(p) => ({ ...p, codecs: [] }), "InvalidModificationError"],
      [(p) => ({ ...p, headerExtensions: [] }), "InvalidModificationError"],
      [(p) => ({ ...p, rtcp: { cname: "x" } }), "InvalidModificationError"],
      [(p) => ({ ...p, encodings: [{ ...p.encodings[0], rid: "x" }] }), "InvalidModificationError"],
      [(p) => ({ ...p, encodings: [{ scaleResolutionDownBy: 0 }] }), "RangeError"],
      [(p) => ({ ...p, encodings: [{ maxBitrate: 0 }] }), "RangeError"],
      [(p) => ({ ...p, encodings: undefined }), "TypeError"],
    ];
    for (const [edit, name] of cases) {
      await rejectsWith(sender.setParameters(edit(sender.getParameters()) as RTCRtpSendParameters), name);
    }
    const parameters = sender.getParameters();
    pc.getTransceivers()[0].stop();
    await rejectsWith(sender.setParameters(parameters), "InvalidStateError");
  });

  it("replaceTrack changes the track without negotiation", async () => {
    const { sender, engine, pc } = await sending();
    await tasks();
    let needed = 0;
    pc.onnegotiationneeded = () => needed++;
    const { ssrc } = engine.transport.called("addSendStream")[0][0] as SendStreamOptions;
    const other = createLocalTrack({ kind: "video" });
    await sender.replaceTrack(other);
    assert.equal(sender.track, other);
    assert.equal(engine.transport.called("addSendStream").length, 1, "the stream goes on");
    await sender.replaceTrack(null);
    assert.equal(engine.transport.called("removeSendStream").length, 1);
    await sender.replaceTrack(other);
    assert.equal((engine.transport.called("addSendStream")[1][0] as SendStreamOptions).ssrc, ssrc);
    await tasks();
    assert.equal(needed, 0);
  });

  it("replaceTrack refuses the wrong kind, a stopped transceiver and a closed connection", async () => {
    const { sender, pc } = await sending();
    await rejectsWith(sender.replaceTrack(createLocalTrack({ kind: "audio" })), "TypeError");
    await rejectsWith(sender.replaceTrack({} as never), "TypeError");
    pc.getTransceivers()[0].stop();
    await rejectsWith(sender.replaceTrack(null), "InvalidStateError");
    pc.close();
    await rejectsWith(sender.replaceTrack(null), "InvalidStateError");
  });

  it("sends nothing in place of what a disabled track would show, and nothing at all of an ended one", async () => {
    const { engine, track } = await sending();
    track.enabled = false;
    track.enabled = true;
    assert.deepEqual(engine.transport.called("blankSendStream"), [
      ["0", true],
      ["0", false],
    ]);
    assert.equal(engine.transport.called("addSendStream").length, 1, "one stream all along");
    track.stop();
    assert.equal(engine.transport.called("removeSendStream").length, 1);
  });

  it("a track that is disabled from the start is never shown", async () => {
    const { pc, engine } = connection();
    const { pc: peer } = connection();
    const track = createLocalTrack({ kind: "video" });
    track.enabled = false;
    pc.addTrack(track);
    await negotiate(pc, peer);
    const [options] = engine.transport.called("addSendStream").map(([given]) => given as SendStreamOptions);
    assert.equal(options.blank, true);
  });

  it("setStreams is heard of by the peer", async () => {
    const { sender, pc, peer } = await sending();
    const stream = new MediaStream();
    await tasks();
    const needed = nextEvent(pc, "negotiationneeded");
    sender.setStreams(stream, stream);
    await needed;
    let heard: string[] = [];
    peer.ontrack = ({ streams }) => {
      heard = streams.map(({ id }) => id);
    };
    await negotiate(pc, peer);
    assert.deepEqual(heard, [stream.id]);
    assert.equal(description(pc).sdp.match(/a=msid:/g)?.length, 1);
    pc.close();
    await rejectsWith(() => sender.setStreams(), "InvalidStateError");
  });
});
