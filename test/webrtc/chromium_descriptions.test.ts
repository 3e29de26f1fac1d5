import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import type { ReceiveStreamOptions, SendStreamOptions } from "../../src/media/transport_api.js";
import { extensionUris } from "../../src/protocol/sdp/codec_capabilities.js";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { createLocalTrack, MediaStream } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { closeAll, connection, description } from "./fake_transport.js";
import { run } from "./page_script.js";

/** Descriptions against the real thing: what we say Chromium must take, what it says we must take. */
describe("descriptions exchanged with Chromium", function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;

  before(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
  });
  after(() => browser.close());
  afterEach(closeAll);

  const chromiumTracks = `
    const canvas = document.createElement("canvas");
    const audio = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
    const media = new MediaStream([audio, canvas.captureStream(5).getVideoTracks()[0]]);
  `;

  function ourTracks() {
    const stream = new MediaStream();
    for (const kind of ["audio", "video"] as const) stream.addTrack(createLocalTrack({ kind }));
    return stream;
  }

  it("our offer is answered, and its answer completes ours", async () => {
    const { pc, engine } = connection();
    const stream = ourTracks();
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    await pc.setLocalDescription();
    const answer = await run<string>(
      page,
      `${chromiumTracks}
      window.pc = new RTCPeerConnection();
      await pc.setRemoteDescription({ type: "offer", sdp: ${JSON.stringify(description(pc).sdp)} });
      for (const track of media.getTracks()) pc.addTrack(track, media);
      await pc.setLocalDescription();
      return pc.localDescription.sdp;`,
    );
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    assert.equal(pc.signalingState, "stable");
    assert.deepEqual(
      pc.getTransceivers().map(({ currentDirection }) => currentDirection),
      ["sendrecv", "sendrecv"],
    );
    const send = engine.transport.called("addSendStream").map(([options]) => options as SendStreamOptions);
    const receive = engine.transport
      .called("addReceiveStream")
      .map(([options]) => options as ReceiveStreamOptions);
    assert.deepEqual(
      send.map(({ kind, payloadType }) => [kind, payloadType]),
      [
        ["audio", 111],
        ["video", 96],
      ],
    );
    assert.equal(send[1].packetizationMode, 1);
    assert.equal(send[1].nack, true);
    // Chromium knows both of our extensions.
    const session = parseSdp(answer);
    for (const { extensions } of [...send, ...receive]) {
      assert.ok(extensions.mid && extensions.absCaptureTime);
    }
    const midId = session.media[0].extensions.find(({ uri }) => uri === extensionUris.mid)?.id;
    assert.equal(send[0].extensions.mid, midId);
    assert.deepEqual(receive[0].payloadTypes, [
      { payloadType: 111, codec: "opus", clockRate: 48000, channels: 2 },
      { payloadType: 0, codec: "PCMU", clockRate: 8000 },
      { payloadType: 8, codec: "PCMA", clockRate: 8000 },
      { payloadType: 13, codec: "CN", clockRate: 8000 },
      { payloadType: 110, codec: "telephone-event", clockRate: 48000 },
      { payloadType: 126, codec: "telephone-event", clockRate: 8000 },
    ]);
    const codecs = receive[1].payloadTypes.map(({ codec }) => codec);
    assert.ok(codecs.lastIndexOf("H264") >= 1 && codecs.at(-1) === "VP8");
    assert.equal(receive[1].ssrcs.length > 0, true);
    const [role, fingerprints] = engine.transport.called("startDtls")[0];
    assert.equal(role, "server");
    assert.deepEqual(fingerprints, session.media[0].fingerprints);
  });

  it("its offer is answered, and our answer completes its", async () => {
    const { pc, engine } = connection();
    const offer = await run<string>(
      page,
      `${chromiumTracks}
      window.pc = new RTCPeerConnection();
      for (const track of media.getTracks()) pc.addTrack(track, media);
      await pc.setLocalDescription();
      return pc.localDescription.sdp;`,
    );
    const tracks: string[] = [];
    pc.ontrack = ({ track, streams }) => tracks.push(`${track.kind} in ${streams.length}`);
    await pc.setRemoteDescription({ type: "offer", sdp: offer });
    assert.deepEqual(tracks, ["audio in 1", "video in 1"]);
    const stream = ourTracks();
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    assert.equal(pc.getTransceivers().length, 2);
    await pc.setLocalDescription();
    const state = await run<{ state: string; directions: string[]; codecs: string[]; streams: string[] }>(
      page,
      `const streams = [];
      pc.ontrack = (event) => streams.push(event.streams[0].id);
      await pc.setRemoteDescription({ type: "answer", sdp: ${JSON.stringify(description(pc).sdp)} });
      return {
        state: pc.signalingState,
        directions: pc.getTransceivers().map((t) => t.currentDirection),
        codecs: pc.getSenders().map((s) => s.getParameters().codecs[0]).map((c) => c.mimeType + " " + c.payloadType),
        streams,
      };`,
    );
    assert.equal(state.state, "stable");
    assert.deepEqual(state.directions, ["sendrecv", "sendrecv"]);
    assert.deepEqual(state.streams, [stream.id, stream.id]);
    const send = engine.transport.called("addSendStream").map(([options]) => options as SendStreamOptions);
    const firstH264 = parseSdp(offer).media[1].codecs.find(({ name }) => name === "H264")?.payloadType;
    assert.deepEqual(
      send.map(({ payloadType }) => payloadType),
      [111, firstH264],
    );
    assert.deepEqual(state.codecs, ["audio/opus 111", `video/H264 ${firstH264}`]);
    assert.equal(engine.transport.called("startDtls")[0][0], "client");
    assert.equal(engine.transport.options.iceRole, "controlled");
  });

  it("renegotiates either way: a track is added by us, another by it", async () => {
    const { pc } = connection();
    pc.addTrack(createLocalTrack({ kind: "audio" }));
    await pc.setLocalDescription();
    const first = await run<string>(
      page,
      `window.pc = new RTCPeerConnection();
      await pc.setRemoteDescription({ type: "offer", sdp: ${JSON.stringify(description(pc).sdp)} });
      await pc.setLocalDescription();
      return pc.localDescription.sdp;`,
    );
    await pc.setRemoteDescription({ type: "answer", sdp: first });
    const video = pc.addTrack(createLocalTrack({ kind: "video" }));
    await pc.setLocalDescription();
    const second = await run<string>(
      page,
      `await pc.setRemoteDescription({ type: "offer", sdp: ${JSON.stringify(description(pc).sdp)} });
      await pc.setLocalDescription();
      return pc.localDescription.sdp;`,
    );
    await pc.setRemoteDescription({ type: "answer", sdp: second });
    assert.deepEqual(
      pc.getTransceivers().map(({ currentDirection }) => currentDirection),
      ["sendonly", "sendonly"],
    );
    pc.removeTrack(video);
    const offer = await run<string>(
      page,
      `${chromiumTracks}
      pc.addTrack(media.getVideoTracks()[0]);
      await pc.setLocalDescription();
      return pc.localDescription.sdp;`,
    );
    await pc.setRemoteDescription({ type: "offer", sdp: offer });
    await pc.setLocalDescription();
    const directions = await run<string[]>(
      page,
      `await pc.setRemoteDescription({ type: "answer", sdp: ${JSON.stringify(description(pc).sdp)} });
      return pc.getTransceivers().map((t) => t.currentDirection);`,
    );
    assert.deepEqual(directions, ["recvonly", "sendonly"]);
  });

  it("an offer with a data channel is answered without it", async () => {
    const { pc } = connection();
    const offer = await run<string>(
      page,
      `window.pc = new RTCPeerConnection();
      pc.addTransceiver("audio");
      pc.createDataChannel("x");
      await pc.setLocalDescription();
      return pc.localDescription.sdp;`,
    );
    await pc.setRemoteDescription({ type: "offer", sdp: offer });
    await pc.setLocalDescription();
    const state = await run<string>(
      page,
      `await pc.setRemoteDescription({ type: "answer", sdp: ${JSON.stringify(description(pc).sdp)} });
      return pc.signalingState;`,
    );
    assert.equal(state, "stable");
  });

  it("takes an offer with bundle-only sections and all bundle policies of ours", async () => {
    for (const bundlePolicy of ["balanced", "max-compat", "max-bundle"] as const) {
      const { pc } = connection({ bundlePolicy });
      pc.addTransceiver("audio");
      pc.addTransceiver("video", { direction: "recvonly" });
      pc.addTransceiver("video", { direction: "inactive" });
      await pc.setLocalDescription();
      const answer = await run<string>(
        page,
        `const pc = new RTCPeerConnection({ bundlePolicy: ${JSON.stringify(bundlePolicy)} });
        await pc.setRemoteDescription({ type: "offer", sdp: ${JSON.stringify(description(pc).sdp)} });
        await pc.setLocalDescription();
        const sdp = pc.localDescription.sdp;
        pc.close();
        return sdp;`,
      );
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      assert.equal(pc.getTransceivers()[2].currentDirection, "inactive");
    }
  });
});
