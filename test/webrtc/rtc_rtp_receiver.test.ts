import assert from "node:assert/strict";
import { native } from "../../native/addon.js";
import type { ReceiveStreamOptions } from "../../src/media/transport_api.js";
import { createLocalTrack, RTCRtpReceiver, remoteTrackSource } from "../../src/webrtc/index.js";
import { closeAll, connection, negotiate } from "./fake_transport.js";

afterEach(closeAll);

describe("RTCRtpReceiver (WebRTC 1.0 §5.3)", () => {
  it("says what it can receive", () => {
    assert.deepEqual(RTCRtpReceiver.getCapabilities("audio")?.codecs[0], {
      mimeType: "audio/opus",
      clockRate: 48000,
      channels: 2,
      sdpFmtpLine: "minptime=10;useinbandfec=1",
    });
    assert.equal(RTCRtpReceiver.getCapabilities("nonsense"), null);
  });

  it("shows the negotiated parameters and where its frames come from", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    a.addTrack(createLocalTrack({ kind: "video" }));
    await negotiate(a, b);
    const [receiver] = b.getReceivers();
    const { codecs, rtcp, headerExtensions } = receiver.getParameters();
    assert.equal(codecs[0].payloadType, 96);
    assert.equal(rtcp.cname, a.getSenders()[0].getParameters().rtcp.cname);
    assert.ok(headerExtensions.some(({ uri }) => uri.endsWith("sdes:mid")));
    assert.deepEqual(remoteTrackSource(receiver.track), { transport: engine.transport, mid: "0" });
    const [options] = engine.transport.called("addReceiveStream")[0] as [ReceiveStreamOptions];
    assert.equal(options.ssrcs.length, 1);
    assert.equal(options.nack, true);
    assert.ok(options.localSsrc > 0);
  });

  it("tells who was mixed into what came within ten seconds", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    a.addTrack(createLocalTrack({ kind: "audio" }));
    await negotiate(a, b);
    const [receiver] = b.getReceivers();
    assert.deepEqual(receiver.getContributingSources(), []);
    const nowUs = native.monotonicUs();
    engine.transport.contributors = () => [
      { ssrc: 5, rtpTimestamp: 960, receivedUs: nowUs },
      { ssrc: 6, rtpTimestamp: 480, receivedUs: nowUs - 11e6 },
    ];
    const [first, ...others] = receiver.getContributingSources();
    assert.deepEqual([first.source, first.rtpTimestamp, others.length], [5, 960, 0]);
    assert.ok(Math.abs(first.timestamp - Date.now()) < 5000);
  });

  it("jitterBufferTarget reaches the engine, also when it was set before there was a stream", async () => {
    const { pc: a } = connection();
    const { pc: b, engine } = connection();
    const { receiver } = b.addTransceiver("video");
    receiver.jitterBufferTarget = 250;
    a.addTrack(createLocalTrack({ kind: "video" }));
    await negotiate(b, a);
    receiver.jitterBufferTarget = 500;
    receiver.jitterBufferTarget = null;
    assert.deepEqual(engine.transport.called("setPlayoutTarget"), [
      ["0", 250_000],
      ["0", 500_000],
      ["0", 0],
    ]);
    assert.throws(() => {
      receiver.jitterBufferTarget = 4001;
    }, RangeError);
    assert.equal(receiver.jitterBufferTarget, null);
  });

  it("a local track has no remote source", () => {
    assert.equal(remoteTrackSource(createLocalTrack({ kind: "audio" })), null);
  });
});
