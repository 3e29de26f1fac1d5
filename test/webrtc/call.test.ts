import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { MediaEngine } from "../../src/media/engine.js";
import {
  createLocalTrack,
  MediaStream,
  mediaTransportOf,
  type RTCDTMFToneChangeEvent,
  RTCPeerConnection,
  type RTCPeerConnectionIceEvent,
  type RTCRtpSynchronizationSource,
  whenClosed,
} from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { freePort } from "../support/ports.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "./fake_transport.js";
import { run } from "./page_script.js";

const tag = 0x5d50;
/** The beginning of NTP's time, 1900, before that of Unix. */
const NTP_EPOCH_MS = -2_208_988_800_000;

/** Whole calls through the API: the real engine on both ends, or Chromium on one. */
describe("a call through RTCPeerConnection", function () {
  this.timeout(120_000);
  let engine: MediaEngine;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 640, height: 360, frameRate: 30, noise: false, tag },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    });
  });
  after(() => engine.stop());

  function connection(): RTCPeerConnection {
    return new RTCPeerConnection({}, { transportFactory: engine, transport: { includeLoopback: true } });
  }

  function addTracks(pc: RTCPeerConnection): void {
    const stream = new MediaStream();
    for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }), stream);
  }

  async function until(pc: RTCPeerConnection, state: string): Promise<void> {
    while (pc.connectionState !== state) {
      assert.notEqual(pc.connectionState, "failed");
      await nextEvent(pc, "connectionstatechange");
    }
  }

  /** Resolves with the block codes of the first `count` pictures that carry ours. */
  function pictures(count: number): Promise<number[]> {
    return new Promise((resolve) => {
      const numbers: number[] = [];
      const stop = engine.onPicture((bytes, picture) => {
        const code = readBlockCode(
          bytes.subarray(picture.offsetY),
          picture.width,
          picture.height,
          picture.strideY,
        );
        if (code?.tag === tag) numbers.push(code.frameNumber);
        if (numbers.length < count) return;
        stop();
        resolve(numbers);
      });
    });
  }

  /** Resolves when the connection's sound is a tone of that pitch. */
  async function heard(pc: RTCPeerConnection, hz: number): Promise<void> {
    for (;;) {
      const stats = await mediaTransportOf(pc)?.getStats();
      if (stats?.receive.some(({ toneHz }) => Math.abs(toneHz - hz) < 5)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const sourcesOf = (pc: RTCPeerConnection) =>
    pc.getReceivers().map((receiver) => receiver.getSynchronizationSources()[0]);

  /** One machine, one clock: what was captured has come a little later. */
  function capturedBeforeReceived({ timestamp, captureTimestamp = 0 }: RTCRtpSynchronizationSource): void {
    const capturedMs = captureTimestamp + NTP_EPOCH_MS;
    assert.ok(capturedMs < timestamp && capturedMs > timestamp - 10_000, `${capturedMs} and ${timestamp}`);
  }

  it("connects two of ours, with picture and sound both ways, and ends without a trace", async () => {
    const a = connection();
    const b = connection();
    trickle(a, b);
    addTracks(a);
    addTracks(b);
    const seen = pictures(20);
    const unmuted = Promise.all(
      [a, b].flatMap((pc) => pc.getReceivers().map(({ track }) => nextEvent(track, "unmute"))),
    );
    await negotiate(a, b);
    await Promise.all([until(a, "connected"), until(b, "connected"), unmuted]);
    const numbers = await seen;
    assert.equal(numbers.length, 20);
    for (const pc of [a, b]) {
      const stats = [...(await pc.getStats()).values()];
      const video = stats.find((entry) => entry.type === "inbound-rtp" && entry.kind === "video");
      assert.ok(video?.type === "inbound-rtp" && (video.framesDecoded ?? 0) > 0);
      const audio = stats.find((entry) => entry.type === "inbound-rtp" && entry.kind === "audio");
      assert.ok(audio?.type === "inbound-rtp" && audio.packetsReceived > 0);
      assert.ok(stats.some((entry) => entry.type === "candidate-pair"));
      const [sound, picture] = sourcesOf(pc);
      for (const source of [sound, picture]) capturedBeforeReceived(source);
      assert.ok((sound.audioLevel ?? 0) > 0);
      assert.equal(picture.audioLevel, undefined);
    }
    a.close();
    b.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
  });

  it("adds a track to a running call and takes it away again", async () => {
    const a = connection();
    const b = connection();
    trickle(a, b);
    a.addTrack(createLocalTrack({ kind: "audio" }));
    await negotiate(a, b);
    await until(a, "connected");
    const seen = pictures(5);
    const sender = a.addTrack(createLocalTrack({ kind: "video" }));
    await negotiate(a, b);
    await seen;
    const [, receiver] = b.getReceivers();
    assert.equal(receiver.track.muted, false);
    a.removeTrack(sender);
    await negotiate(a, b);
    assert.equal(receiver.track.muted, true);
    assert.equal(a.connectionState, "connected");
    a.close();
    b.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
  });

  it("shows each peer the size its sender was told, of one camera, and black for a disabled track", async () => {
    const [a, b, c, d] = [connection(), connection(), connection(), connection()];
    const pairs = [
      [a, b],
      [c, d],
    ] as const;
    for (const [from, to] of pairs) {
      trickle(from, to);
    }
    a.addTrack(createLocalTrack({ kind: "video" }));
    const track = createLocalTrack({ kind: "video" });
    const { sender } = c.addTransceiver(track, {
      direction: "sendonly",
      sendEncodings: [{ scaleResolutionDownBy: 2 }],
    });
    await Promise.all(pairs.map(([from, to]) => negotiate(from, to)));
    const widthAt = async (pc: RTCPeerConnection, width: number) => {
      for (;;) {
        const entries = [...(await pc.getStats()).values()];
        const video = entries.find((entry) => entry.type === "inbound-rtp");
        if (video?.type === "inbound-rtp" && video.frameWidth === width) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await Promise.all([widthAt(b, 640), widthAt(d, 320)]);
    const parameters = sender.getParameters();
    assert.equal(parameters.encodings[0].scaleResolutionDownBy, 2);
    parameters.encodings[0].scaleResolutionDownBy = 4;
    await sender.setParameters(parameters);
    await widthAt(d, 160);
    const black = new Promise<void>((resolve) => {
      const stop = engine.onPicture((bytes, { width, height, offsetY, strideY }) => {
        const luma = bytes.subarray(offsetY, offsetY + height * strideY);
        if (width !== 160 || luma.some((value, i) => i % strideY < width && value > 32)) return;
        stop();
        resolve();
      });
    });
    track.enabled = false;
    await black;
    await widthAt(b, 640);
    for (const pc of [a, b, c, d]) pc.close();
    await Promise.all([a, b, c, d].map(whenClosed));
  });

  it("holds sound and picture as long as the receiver asks for", async () => {
    const a = connection();
    const b = connection();
    trickle(a, b);
    addTracks(a);
    await negotiate(a, b);
    for (const receiver of b.getReceivers()) receiver.jitterBufferTarget = 800;
    const delays = async () =>
      [...(await b.getStats()).values()].flatMap((entry) =>
        entry.type === "inbound-rtp" ? [[entry.jitterBufferDelay, entry.jitterBufferEmittedCount]] : [],
      );
    for (;;) {
      const before = await delays();
      await pictures(3);
      const after = await delays();
      const means = after.map(([delay, count], i) => (delay - before[i]?.[0]) / (count - before[i]?.[1]));
      if (means.length === 2 && means.every((mean) => mean > 0.75 && mean < 1.1)) break;
    }
    for (const pc of [a, b]) pc.close();
    await Promise.all([a, b].map(whenClosed));
  });

  it("speaks G.711 where that is asked for, and the tone is heard", async () => {
    for (const codec of ["PCMU", "PCMA"] as const) {
      const settings = {
        transportFactory: engine,
        transport: { includeLoopback: true },
        audio: { codecs: [codec] },
      };
      const [a, b] = [0, 1].map(() => new RTCPeerConnection({}, settings));
      trickle(a, b);
      a.addTrack(createLocalTrack({ kind: "audio" }));
      await negotiate(a, b);
      await heard(b, 440);
      const entry = [...(await b.getStats()).values()].find(({ type }) => type === "codec");
      assert.equal(entry?.type === "codec" && entry.mimeType, `audio/${codec}`);
      for (const pc of [a, b]) pc.close();
      await Promise.all([a, b].map(whenClosed));
    }
  });

  it("presses the keys of a telephone: each is told of when it is played, and by the peer", async () => {
    const a = connection();
    const b = connection();
    trickle(a, b);
    const { dtmf } = a.addTrack(createLocalTrack({ kind: "audio" }));
    assert.ok(dtmf);
    assert.equal(dtmf.canInsertDTMF, false);
    assert.throws(() => dtmf.insertDTMF("1"), { name: "InvalidStateError" });
    await negotiate(a, b);
    await until(a, "connected");
    await heard(b, 440);
    assert.equal(dtmf.canInsertDTMF, true);
    assert.throws(() => dtmf.insertDTMF("1x"), { name: "InvalidCharacterError" });
    const received: string[] = [];
    b.getReceivers()[0].track.addEventListener("tone" as never, ({ tone }: RTCDTMFToneChangeEvent) => {
      received.push(tone);
    });
    const played: string[] = [];
    const done = new Promise<void>((resolve) => {
      dtmf.ontonechange = ({ tone }) => {
        played.push(tone);
        if (tone === "") resolve();
      };
    });
    dtmf.insertDTMF("12#a", 60, 40);
    assert.equal(dtmf.toneBuffer, "12#A");
    await done;
    assert.deepEqual(played, ["1", "2", "#", "A", ""]);
    while (received.length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(received, ["1", "2", "#", "A"]);
    await heard(b, 440);
    for (const pc of [a, b]) pc.close();
    await Promise.all([a, b].map(whenClosed));
  });

  it("restarts ICE: new credentials, new checks, and the media goes on", async () => {
    const a = connection();
    const b = connection();
    trickle(a, b);
    addTracks(a);
    await negotiate(a, b);
    await Promise.all([until(a, "connected"), until(b, "connected")]);
    const ice = a.getSenders()[0].transport?.iceTransport;
    const before = ice?.getLocalParameters()?.usernameFragment;
    a.restartIce();
    const reselected = nextEvent(ice as EventTarget, "selectedcandidatepairchange");
    await negotiate(a, b);
    await reselected;
    assert.notEqual(ice?.getLocalParameters()?.usernameFragment, before);
    await pictures(10);
    assert.equal(a.connectionState, "connected");
    assert.equal(b.connectionState, "connected");
    a.close();
    b.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
  });

  describe("with Chromium", () => {
    let browser: Browser;
    let page: Page;

    before(async () => {
      browser = await launchChromium();
      page = await browser.newPage();
      await page.exposeFunction("sendCandidate", (candidate: object) => toUs(candidate));
    });
    after(() => browser.close());

    let toUs: (candidate: object) => void = () => {};

    /** Chromium's half: a moving canvas and a tone; its candidates come through `sendCandidate`. */
    const prepare = `
      const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
      const drawing = canvas.getContext("2d");
      let n = 0;
      window.timer = setInterval(() => {
        drawing.fillStyle = n++ % 2 ? "#c04020" : "#b84020";
        drawing.fillRect(0, 0, 320, 240);
      }, 33);
      const context = new AudioContext();
      const oscillator = context.createOscillator();
      const destination = context.createMediaStreamDestination();
      oscillator.connect(destination);
      oscillator.start();
      const media = new MediaStream([destination.stream.getAudioTracks()[0], canvas.captureStream(30).getVideoTracks()[0]]);
      window.pc = new RTCPeerConnection();
      pc.onicecandidate = ({ candidate }) => candidate && sendCandidate(candidate.toJSON());
      const video = document.createElement("video");
      video.muted = true;
      pc.ontrack = ({ track, streams }) => {
        if (track.kind !== "video") return;
        video.srcObject = streams[0];
        video.play();
      };
      for (const track of media.getTracks()) pc.addTrack(track, media);
    `;

    /** What Chromium has decoded; asked until it has. */
    async function chromiumDecoded(): Promise<{ frames: number; width: number; samples: number }> {
      for (;;) {
        const result = await run<{ frames: number; width: number; samples: number }>(
          page,
          `const stats = [...(await pc.getStats()).values()].filter(({ type }) => type === "inbound-rtp");
          const video = stats.find(({ kind }) => kind === "video");
          const audio = stats.find(({ kind }) => kind === "audio");
          return {
            frames: video?.framesDecoded ?? 0,
            width: video?.frameWidth ?? 0,
            samples: audio?.totalSamplesReceived ?? 0,
          };`,
        );
        if (result.frames > 5 && result.samples > 0) return result;
        await page.waitForTimeout(50);
      }
    }

    /** The first picture as tall as Chromium's canvas. */
    function chromiumPicture(): Promise<number> {
      return new Promise((resolve) => {
        const stop = engine.onPicture((bytes, picture) => {
          if (picture.height !== 240) return;
          stop();
          resolve(bytes[picture.offsetY + 120 * picture.strideY + 160]);
        });
      });
    }

    async function proveMedia(pc: RTCPeerConnection, luma: Promise<number>): Promise<void> {
      await until(pc, "connected");
      const decoded = await chromiumDecoded();
      assert.equal(decoded.width, 640);
      // #c04020 is luma 98 in BT.601 video range.
      assert.ok(Math.abs((await luma) - 98) < 12, `luma ${await luma}`);
      const stats = [...(await pc.getStats()).values()];
      assert.ok(stats.some((s) => s.type === "inbound-rtp" && s.kind === "audio" && s.packetsReceived > 0));
    }

    /** Chromium restarts ICE: another pair is selected and the pictures go on. */
    async function restart(pc: RTCPeerConnection): Promise<void> {
      const ice = pc.getReceivers()[0].transport?.iceTransport;
      assert.ok(ice);
      const before = ice.getRemoteParameters()?.usernameFragment;
      const reselected = nextEvent(ice, "selectedcandidatepairchange");
      const offer = await run<string>(
        page,
        "pc.restartIce(); await pc.setLocalDescription(); return pc.localDescription.sdp;",
      );
      await pc.setRemoteDescription({ type: "offer", sdp: offer });
      await pc.setLocalDescription();
      await run(page, `await pc.setRemoteDescription(${JSON.stringify(pc.localDescription)});`);
      await reselected;
      assert.notEqual(ice.getRemoteParameters()?.usernameFragment, before);
      const { frames } = await chromiumDecoded();
      while ((await chromiumDecoded()).frames <= frames + 5) await page.waitForTimeout(50);
      await chromiumPicture();
      assert.equal(pc.connectionState, "connected");
    }

    async function end(pc: RTCPeerConnection): Promise<void> {
      await run(page, "pc.close(); clearInterval(timer);");
      pc.close();
      await whenClosed(pc);
    }

    it("meets a lite agent of ours on a shared port: it controls, though we offer", async () => {
      const udpMux = { port: await freePort() };
      const transport = { includeLoopback: true, iceLite: true, udpMux };
      const pc = new RTCPeerConnection({}, { transportFactory: engine, transport });
      const channel = pc.createDataChannel("x");
      await pc.setLocalDescription();
      assert.match(pc.localDescription?.sdp ?? "", /^a=ice-lite\r$/m);
      toUs = () => {};
      const gathered = new Promise<void>((resolve) => {
        pc.onicecandidate = ({ candidate }) => candidate === null && resolve();
        if (pc.iceGatheringState === "complete") resolve();
      });
      await gathered;
      const answer = await run<string>(
        page,
        `window.pc = new RTCPeerConnection();
        pc.onicecandidate = ({ candidate }) => candidate && sendCandidate(candidate.toJSON());
        pc.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => channel.send("echo " + data); };
        await pc.setRemoteDescription(${JSON.stringify(pc.localDescription)});
        await pc.setLocalDescription();
        return pc.localDescription.sdp;`,
      );
      const opened = nextEvent(channel, "open");
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      await opened;
      assert.equal(pc.sctp?.transport.iceTransport.role, "controlled");
      const echoed = nextEvent(channel, "message");
      channel.send("hello");
      assert.equal(((await echoed) as MessageEvent).data, "echo hello");
      const pair = pc.sctp?.transport.iceTransport.getSelectedCandidatePair();
      assert.equal(pair?.local?.port, udpMux.port);
      await run(page, "pc.close();");
      pc.close();
      await whenClosed(pc);
    });

    it("we offer, it answers", async () => {
      const pc = connection();
      const early: object[] = [];
      toUs = (candidate) => early.push(candidate);
      addTracks(pc);
      const luma = chromiumPicture();
      const candidates: RTCPeerConnectionIceEvent["candidate"][] = [];
      pc.onicecandidate = ({ candidate }) => candidates.push(candidate);
      await pc.setLocalDescription();
      const answer = await run<string>(
        page,
        `${prepare}
        await pc.setRemoteDescription(${JSON.stringify(pc.localDescription)});
        await pc.setLocalDescription();
        return pc.localDescription.sdp;`,
      );
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      toUs = (candidate) => void pc.addIceCandidate(candidate);
      for (const candidate of early) toUs(candidate);
      const toChromium = (candidate: RTCPeerConnectionIceEvent["candidate"]) =>
        run(page, `await pc.addIceCandidate(${JSON.stringify(candidate)});`);
      pc.onicecandidate = ({ candidate }) => void toChromium(candidate);
      for (const candidate of candidates) await toChromium(candidate);
      await proveMedia(pc, luma);
      const theirs = await run<RTCRtpSynchronizationSource[]>(
        page,
        "return pc.getReceivers().map((receiver) => receiver.getSynchronizationSources()[0]);",
      );
      for (const source of [...sourcesOf(pc), ...theirs]) capturedBeforeReceived(source);
      assert.deepEqual(
        sourcesOf(pc).map(({ senderCaptureTimeOffset }) => senderCaptureTimeOffset),
        [0, 0],
      );
      await end(pc);
    });

    it("it hears the keys we press, and we hear its", async () => {
      const pc = connection();
      const early: object[] = [];
      toUs = (candidate) => early.push(candidate);
      const { sender, receiver } = pc.addTransceiver(createLocalTrack({ kind: "audio" }));
      await pc.setLocalDescription();
      const gathered = new Promise<void>((resolve) => {
        pc.onicecandidate = ({ candidate }) => candidate === null && resolve();
        if (pc.iceGatheringState === "complete") resolve();
      });
      await gathered;
      // Chromium plays a tone of two pitches for a key: 5 is 770 and 1336 Hz (ITU-T Q.23).
      const answer = await run<string>(
        page,
        `window.pc = new RTCPeerConnection();
        pc.onicecandidate = ({ candidate }) => candidate && sendCandidate(candidate.toJSON());
        const context = new AudioContext({ sampleRate: 48000 });
        pc.ontrack = ({ track }) => {
          const stream = new MediaStream([track]);
          Object.assign(new Audio(), { srcObject: stream, muted: true }).play();
          window.analyser = Object.assign(context.createAnalyser(), { fftSize: 4096, smoothingTimeConstant: 0 });
          context.createMediaStreamSource(stream).connect(analyser);
        };
        const oscillator = context.createOscillator();
        const destination = context.createMediaStreamDestination();
        oscillator.connect(destination);
        oscillator.start();
        const [track] = destination.stream.getAudioTracks();
        window.sender = pc.addTrack(track, destination.stream);
        await pc.setRemoteDescription(${JSON.stringify(pc.localDescription)});
        await pc.setLocalDescription();
        return pc.localDescription.sdp;`,
      );
      await pc.setRemoteDescription({ type: "answer", sdp: answer });
      toUs = (candidate) => void pc.addIceCandidate(candidate);
      for (const candidate of early) toUs(candidate);
      await until(pc, "connected");
      await heard(pc, 440);
      const tones: string[] = [];
      const all = new Promise<void>((resolve) => {
        receiver.track.addEventListener("tone" as never, ({ tone }: RTCDTMFToneChangeEvent) => {
          if (tones.push(tone) === 3) resolve();
        });
      });
      await run(
        page,
        `while (!sender.dtmf.canInsertDTMF) await new Promise((r) => setTimeout(r, 20)); sender.dtmf.insertDTMF("7*D", 80, 50);`,
      );
      await all;
      assert.deepEqual(tones, ["7", "*", "D"]);
      // As long as it takes: several, in case the page is late.
      sender.dtmf?.insertDTMF("55555555", 1000, 50);
      await run(
        page,
        `const bins = new Float32Array(analyser.frequencyBinCount);
        const level = (hz) => bins[Math.round(hz / 48000 * 4096)];
        for (;;) {
          analyser.getFloatFrequencyData(bins);
          const [low, high] = [level(770), level(1336)];
          const between = Math.max(level(1000), level(440));
          if (Math.min(low, high) > -50 && Math.min(low, high) > between + 15) break;
          await new Promise((r) => setTimeout(r, 30));
        }
        pc.close();`,
      );
      pc.close();
      await whenClosed(pc);
    });

    it("it offers, we answer", async () => {
      const pc = connection();
      const early: object[] = [];
      toUs = (candidate) => early.push(candidate);
      const luma = chromiumPicture();
      const offer = await run<string>(
        page,
        `${prepare} await pc.setLocalDescription(); return pc.localDescription.sdp;`,
      );
      await pc.setRemoteDescription({ type: "offer", sdp: offer });
      toUs = (candidate) => void pc.addIceCandidate(candidate);
      for (const candidate of early) toUs(candidate);
      addTracks(pc);
      const candidates: RTCPeerConnectionIceEvent["candidate"][] = [];
      const toChromium = (candidate: RTCPeerConnectionIceEvent["candidate"]) =>
        run(page, `await pc.addIceCandidate(${JSON.stringify(candidate)});`);
      pc.onicecandidate = ({ candidate }) => candidates.push(candidate);
      await pc.setLocalDescription();
      await run(page, `await pc.setRemoteDescription(${JSON.stringify(pc.localDescription)});`);
      pc.onicecandidate = ({ candidate }) => void toChromium(candidate);
      for (const candidate of candidates) await toChromium(candidate);
      await proveMedia(pc, luma);
      await restart(pc);
      const sender = pc.getSenders().find(({ track }) => track?.kind === "video");
      const parameters = sender?.getParameters();
      assert.ok(sender && parameters);
      parameters.encodings[0].scaleResolutionDownBy = 2;
      await sender.setParameters(parameters);
      while ((await chromiumDecoded()).width !== 320) await page.waitForTimeout(50);
      await end(pc);
    });
  });
});
