import assert from "node:assert/strict";
import type { ReceiveStreamOptions } from "../../src/media/transport_api.js";
import { defaultOpusParameters } from "../../src/protocol/sdp/opus_fmtp.js";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import {
  createLocalTrack,
  MediaStream,
  RTCRtpReceiver,
  RTCRtpSender,
  RTCRtpTransceiver,
} from "../../src/webrtc/index.js";
import { closeAll, connection, description, negotiate, nextEvent, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

describe("RTCRtpTransceiver (WebRTC 1.0 §5.4)", () => {
  it("is made by addTransceiver with its defaults", () => {
    const { pc } = connection();
    const transceiver = pc.addTransceiver("video");
    assert.equal(transceiver.mid, null);
    assert.equal(transceiver.direction, "sendrecv");
    assert.equal(transceiver.currentDirection, null);
    assert.equal(transceiver.sender.track, null);
    assert.equal(transceiver.receiver.track.kind, "video");
    assert.equal(transceiver.receiver.track.readyState, "live");
    assert.equal(transceiver.receiver.track.muted, true);
    assert.deepEqual(pc.getSenders(), [transceiver.sender]);
    assert.deepEqual(pc.getReceivers(), [transceiver.receiver]);
  });

  it("is made from a track and an init", async () => {
    const { pc } = connection();
    const track = createLocalTrack({ kind: "audio" });
    const stream = new MediaStream();
    const transceiver = pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    assert.equal(transceiver.sender.track, track);
    const media = parseSdp((await pc.createOffer()).sdp ?? "").media[0];
    assert.equal(media.direction, "sendonly");
    assert.deepEqual(media.msids, [{ stream: stream.id, track: track.id }]);
    assert.equal(media.sources[0].attributes[0].name, "cname");
  });

  it("cannot be constructed, nor can its parts", async () => {
    for (const type of [RTCRtpTransceiver, RTCRtpSender, RTCRtpReceiver]) {
      await rejectsWith(() => new (type as unknown as new () => object)(), "TypeError");
    }
  });

  it("checks kind, direction and encodings", async () => {
    const { pc } = connection();
    await rejectsWith(() => pc.addTransceiver("data"), "TypeError");
    await rejectsWith(() => pc.addTransceiver("audio", { direction: "stopped" }), "TypeError");
    await rejectsWith(() => pc.addTransceiver("audio", { direction: "both" as never }), "TypeError");
    const encodings: [object[], string][] = [
      [[{ scaleResolutionDownBy: 0.5 }], "RangeError"],
      [[{ maxFramerate: -1 }], "RangeError"],
      [[{ maxBitrate: -1 }], "TypeError"],
      [[{ maxBitrate: 0 }], "RangeError"],
      [[{ rid: "a-b" }], "TypeError"],
      [[{ rid: "a" }, { rid: "a" }], "TypeError"],
      [[{ rid: "a" }, {}], "TypeError"],
      [[{}, {}], "TypeError"],
    ];
    for (const [sendEncodings, name] of encodings) {
      await rejectsWith(() => pc.addTransceiver("video", { sendEncodings }), name);
    }
    assert.equal(pc.getTransceivers().length, 0);
  });

  it("sends sound in one encoding: of several asked for the first is kept, without its rid", () => {
    const { pc } = connection();
    const ofPictures = { scaleResolutionDownBy: -1, maxFramerate: -1 };
    const sendEncodings = [{ rid: "h", maxBitrate: 1_000_000, ...ofPictures }, { rid: "l" }];
    const { sender } = pc.addTransceiver("audio", { sendEncodings });
    assert.deepEqual(sender.getParameters().encodings, [
      { maxBitrate: 1_000_000, active: true, priority: "low" },
    ]);
  });

  it("a changed direction asks for negotiation and takes effect with it", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    const transceiver = a.addTransceiver(createLocalTrack({ kind: "audio" }));
    await negotiate(a, b);
    assert.equal(transceiver.currentDirection, "sendonly", "b receives only");
    assert.equal(b.getTransceivers()[0].currentDirection, "recvonly");
    await tasks();
    let needed = 0;
    a.onnegotiationneeded = () => needed++;
    transceiver.direction = "inactive";
    transceiver.direction = "inactive";
    await tasks();
    assert.equal(needed, 1);
    assert.equal(transceiver.currentDirection, "sendonly");
    await negotiate(a, b);
    assert.equal(transceiver.currentDirection, "inactive");
    assert.deepEqual(engine.transport.called("removeSendStream"), [["0"]]);
  });

  it("ignores what is no direction, and refuses stopped", async () => {
    const { pc } = connection();
    const transceiver = pc.addTransceiver("audio");
    transceiver.direction = "nowhere" as never;
    assert.equal(transceiver.direction, "sendrecv");
    await rejectsWith(() => {
      transceiver.direction = "stopped";
    }, "TypeError");
  });

  it("stop ends the track at once and the section with the negotiation", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    a.addTrack(createLocalTrack({ kind: "audio" }));
    a.addTransceiver("video");
    await negotiate(a, b);
    const [transceiver] = a.getTransceivers();
    const [theirs] = b.getTransceivers();
    await tasks();
    const needed = nextEvent(a, "negotiationneeded");
    transceiver.stop();
    transceiver.stop();
    await needed;
    assert.equal(transceiver.direction, "stopped");
    assert.equal(transceiver.currentDirection, "sendonly");
    assert.equal(transceiver.receiver.track.readyState, "ended");
    assert.deepEqual(engine.transport.called("removeSendStream"), [["0"]]);
    await rejectsWith(() => {
      transceiver.direction = "inactive";
    }, "InvalidStateError");
    await negotiate(a, b);
    assert.equal(transceiver.currentDirection, "stopped");
    assert.equal(theirs.currentDirection, "stopped");
    assert.equal(theirs.receiver.track.readyState, "ended");
    assert.equal(a.getTransceivers().length, 1);
    assert.equal(parseSdp(description(a).sdp).media[0].port, 0);
    // The bundle's tag is gone; the other section carries the transport on.
    assert.deepEqual(parseSdp(description(a).sdp).groups, [{ semantics: "BUNDLE", mids: ["1"] }]);
    assert.equal(engine.transports.length, 1);
  });

  it("a stop that the answerer has not offered yet makes the section inactive, not rejected", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    b.addTrack(createLocalTrack({ kind: "audio" }));
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    const [stopping] = b.getTransceivers();
    stopping.stop();
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    assert.equal(stopping.direction, "stopped");
    assert.equal(stopping.currentDirection, "inactive");
    assert.equal(a.getTransceivers()[0].currentDirection, "inactive");
    await negotiate(b, a);
    assert.deepEqual([...a.getTransceivers(), ...b.getTransceivers()], []);
  });

  it("a transceiver the peer stopped stays until the answer, its sender and receiver do not", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await negotiate(a, b);
    a.getTransceivers()[0].stop();
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    assert.equal(b.getTransceivers().length, 1);
    assert.equal(b.getTransceivers()[0].currentDirection, "stopped");
    assert.deepEqual([b.getSenders().length, b.getReceivers().length], [0, 0]);
    await b.setLocalDescription();
    assert.equal(b.getTransceivers().length, 0);
  });

  it("one that was stopped before any section was its own leaves with the next answer", async () => {
    const { pc: a } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    a.addTransceiver("video").stop();
    await negotiate(a, b);
    assert.equal(a.getTransceivers().length, 1);
    let fired = 0;
    a.onnegotiationneeded = () => fired++;
    await tasks();
    assert.equal(fired, 0);
  });

  it("with the last section the transport goes, and the next one starts from nothing", async () => {
    const { pc: a, engine } = connection();
    const { pc: b } = connection();
    a.addTransceiver("audio");
    await negotiate(a, b);
    await tasks();
    assert.equal(a.iceGatheringState, "gathering");
    const former = a.getTransceivers()[0].sender.transport;
    a.getTransceivers()[0].stop();
    await negotiate(a, b);
    assert.deepEqual(engine.transport.calls.at(-1), ["close"]);
    assert.equal(a.iceGatheringState, "new");
    assert.equal(b.iceGatheringState, "new");
    assert.equal(former?.state, "closed");
    a.addTransceiver("video");
    await negotiate(a, b);
    assert.equal(engine.transports.length, 2);
    assert.equal(engine.transport.called("gather").length, 1);
    assert.equal(a.getTransceivers()[0].currentDirection, "sendonly");
  });

  it("setCodecPreferences chooses and orders, in offers and answers", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
    const modeZero = codecs.filter(({ sdpFmtpLine }) => sdpFmtpLine?.includes("packetization-mode=0"));
    const transceiver = a.addTransceiver("video");
    transceiver.setCodecPreferences(modeZero);
    const offered = parseSdp((await a.createOffer()).sdp ?? "").media[0].codecs;
    assert.deepEqual(
      offered.map(({ fmtp }) => fmtp),
      modeZero.map(({ sdpFmtpLine }) => sdpFmtpLine),
    );
    transceiver.setCodecPreferences([]);
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    b.getTransceivers()[0].setCodecPreferences([...codecs].reverse());
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    assert.deepEqual(
      parseSdp(description(b).sdp)
        .media[0].codecs.filter(({ name }) => name !== "rtx")
        .map(({ fmtp }) => fmtp),
      [...codecs]
        .reverse()
        .filter(({ mimeType }) => mimeType !== "video/rtx")
        .map(({ sdpFmtpLine }) => sdpFmtpLine),
    );
    assert.equal(engine.transports.length, 1);
  });

  it("setCodecPreferences refuses strangers", async () => {
    const { pc } = connection();
    const transceiver = pc.addTransceiver("video");
    const strangers = [
      { mimeType: "video/VP9", clockRate: 90000 },
      { mimeType: "audio/opus", clockRate: 48000, channels: 2 },
      { mimeType: "video/H264", clockRate: 90000, sdpFmtpLine: "profile-level-id=640032" },
    ];
    for (const codec of strangers) {
      await rejectsWith(() => transceiver.setCodecPreferences([codec]), "InvalidModificationError");
    }
  });

  it("setCodecPreferences takes a codec with the parameters that it was told with, or without, no others", async () => {
    const { pc } = connection({}, { audio: { parameters: { ...defaultOpusParameters, stereo: true } } });
    const transceiver = pc.addTransceiver("audio");
    const opus = { mimeType: "audio/opus", clockRate: 48000, channels: 2 };
    const [told] = RTCRtpSender.getCapabilities("audio")?.codecs ?? [];
    assert.equal(told.mimeType, opus.mimeType);
    transceiver.setCodecPreferences([opus]);
    transceiver.setCodecPreferences([told]);
    const changed = { ...told, sdpFmtpLine: "usedtx=1" };
    await rejectsWith(() => transceiver.setCodecPreferences([changed]), "InvalidModificationError");
  });

  it("receives on the payload types it offered", async () => {
    const { pc: a, engine } = connection({}, { video: { payloadType: 120 }, audio: { payloadType: 100 } });
    const { pc: b } = connection();
    a.addTransceiver("audio", { direction: "recvonly" });
    a.addTransceiver("video", { direction: "recvonly" });
    await a.setLocalDescription();
    await b.setRemoteDescription(description(a));
    for (const transceiver of b.getTransceivers()) transceiver.direction = "sendonly";
    await b.setLocalDescription();
    await a.setRemoteDescription(description(b));
    const receive = engine.transport
      .called("addReceiveStream")
      .map(([options]) => options as ReceiveStreamOptions);
    assert.deepEqual(
      receive.map(({ payloadTypes }) => payloadTypes.map(({ payloadType }) => payloadType)),
      [
        [100, 0, 8, 13, 110, 126],
        [120, 121, 122, 123, 124],
      ],
    );
  });
});
