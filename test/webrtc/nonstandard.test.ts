import assert from "node:assert/strict";
import { BlockCodeWriter, readBlockCode } from "../../src/media/analysis/block_code.js";
import { ToneDetector } from "../../src/media/analysis/tone_detector.js";
import {
  defaultEngine,
  type MediaStreamTrack,
  nonstandard,
  RTCPeerConnection,
  type RTCTrackEvent,
  stopDefaultEngine,
  whenClosed,
} from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "./fake_transport.js";

const { RTCAudioSink, RTCAudioSource, RTCVideoSink, RTCVideoSource } = nonstandard;

/** Pushes pictures with block codes under one tag, 30 a second. */
class Camera {
  readonly source = new RTCVideoSource();
  readonly #timer: NodeJS.Timeout;
  frameNumber = 0;
  /** Degrees. */
  rotation = 0;

  constructor(
    readonly tag: number,
    readonly width = 320,
    readonly height = 180,
  ) {
    const data = new Uint8ClampedArray(width * height * 1.5).fill(128);
    const writer = new BlockCodeWriter(width, height);
    const layout = {
      strideY: width,
      strideU: width / 2,
      strideV: width / 2,
      offsetY: 0,
      offsetU: width * height,
      offsetV: width * height * 1.25,
    };
    this.#timer = setInterval(() => {
      writer.write(new Uint8Array(data.buffer), layout, this.frameNumber++, 0, tag);
      this.source.onFrame({ width, height, data, rotation: this.rotation });
    }, 33);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Pushes a tone in pieces of 10 ms, as many as time has passed. */
class Tone {
  readonly source = new RTCAudioSource();
  readonly #timer: NodeJS.Timeout;
  #pieces = 0;

  constructor(frequencyHz: number, sampleRate: number, channelCount: 1 | 2) {
    const startMs = performance.now();
    const frames = sampleRate / 100;
    this.#timer = setInterval(() => {
      for (; this.#pieces < (performance.now() - startMs) / 10; this.#pieces++) {
        const samples = new Int16Array(frames * channelCount);
        for (let i = 0; i < samples.length; i++) {
          const time = (this.#pieces * frames + Math.floor(i / channelCount)) / sampleRate;
          samples[i] = 10_000 * Math.sin(2 * Math.PI * frequencyHz * time);
        }
        const data = { samples, sampleRate, bitsPerSample: 16, channelCount, numberOfFrames: frames };
        this.source.onData(data);
      }
    }, 10);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Resolves with `count` block codes that a track shows. */
async function codesOf(track: MediaStreamTrack, count: number, tag?: number) {
  const sink = new RTCVideoSink(track);
  const codes: { tag: number; frameNumber: number; width: number; height: number }[] = [];
  while (codes.length < count) {
    const { frame } = await nextEvent<InstanceType<typeof nonstandard.RTCVideoFrameEvent>>(sink, "frame");
    const { width, height, data, rotation } = frame;
    assert.equal(rotation, 0);
    assert.ok(data instanceof Uint8Array);
    assert.equal(data.byteLength, width * height * 1.5);
    const code = readBlockCode(data, width, height, width);
    if (code === null || code === undefined || (tag !== undefined && code.tag !== tag)) continue;
    codes.push({ tag: code.tag, frameNumber: code.frameNumber, width, height });
  }
  sink.stop();
  return codes;
}

/** Resolves when the track sounds with a tone near `frequencyHz`. */
function hear(track: MediaStreamTrack, frequencyHz: number, channels?: 1 | 2): Promise<void> {
  const sink = new RTCAudioSink(track);
  const detector = new ToneDetector();
  return new Promise((resolve) => {
    sink.ondata = (data) => {
      assert.deepEqual([data.sampleRate, data.bitsPerSample, data.numberOfFrames], [48_000, 16, 480]);
      assert.equal(data.samples.length, 480 * data.channelCount);
      detector.add(data.samples, data.channelCount, data.numberOfFrames);
      if (Math.abs(detector.frequencyHz() - frequencyHz) > 2) return;
      if (channels !== undefined && data.channelCount !== channels) return;
      sink.stop();
      resolve();
    };
  });
}

const open: { close(): void }[] = [];
const sources: { stop(): void }[] = [];

function pair(): [RTCPeerConnection, RTCPeerConnection] {
  const a = new RTCPeerConnection();
  const b = new RTCPeerConnection();
  trickle(a, b);
  open.push(a, b);
  return [a, b];
}

function camera(tag: number, width?: number, height?: number): Camera {
  const made = new Camera(tag, width, height);
  sources.push(made);
  return made;
}

function tone(frequencyHz: number, sampleRate: number, channels: 1 | 2 = 1): Tone {
  const made = new Tone(frequencyHz, sampleRate, channels);
  sources.push(made);
  return made;
}

describe("nonstandard: calls of pushed frames over the default engine", function () {
  this.timeout(120_000);

  afterEach(async () => {
    for (const source of sources.splice(0)) source.stop();
    const closing = open.splice(0) as RTCPeerConnection[];
    for (const pc of closing) pc.close();
    await Promise.all(closing.map(whenClosed));
  });
  after(stopDefaultEngine);

  it("pushed pictures and a pushed tone arrive at the other end's sinks", async () => {
    const [a, b] = pair();
    const tracks: MediaStreamTrack[] = [];
    b.ontrack = ({ track }: RTCTrackEvent) => tracks.push(track);
    a.addTrack(camera(0x1111).source.createTrack());
    a.addTrack(tone(523, 48_000).source.createTrack());
    await negotiate(a, b);
    const [video, audio] = tracks;
    const [codes] = await Promise.all([codesOf(video, 20), hear(audio, 523)]);
    for (const [i, code] of codes.entries()) {
      assert.deepEqual([code.tag, code.width, code.height], [0x1111, 320, 180]);
      if (i > 0) assert.ok(code.frameNumber > codes[i - 1].frameNumber);
    }
    assert.ok(defaultEngine().stats().encoder.frames >= 20);
  });

  it("a turned picture is shown turned, through a second connection too, and upright again", async () => {
    const [a, b] = pair();
    const [c, d] = pair();
    const lens = camera(0x7012);
    lens.rotation = 90;
    a.addTrack(lens.source.createTrack());
    await negotiate(a, b);
    const received = b.getReceivers()[0].track;
    c.addTransceiver(received, { direction: "sendonly", sendEncodings: [{ scaleResolutionDownBy: 2 }] });
    await negotiate(c, d);
    const sinks = [received, d.getReceivers()[0].track].map((track) => new RTCVideoSink(track));
    const shown = (sink: InstanceType<typeof RTCVideoSink>, rotation: number) =>
      new Promise<void>((resolve) => {
        sink.onframe = ({ frame }) => {
          if (frame.rotation === rotation) resolve();
        };
      });
    await Promise.all(sinks.map((sink) => shown(sink, 90)));
    lens.rotation = 0;
    await Promise.all(sinks.map((sink) => shown(sink, 0)));
    for (const sink of sinks) sink.stop();
  });

  it("two sources of one process are two pictures and two tones, each at its own peer", async () => {
    const [a, b] = pair();
    const [c, d] = pair();
    // A sink may be there before anything is negotiated.
    for (const pc of [a, c]) {
      pc.addTransceiver("video");
      pc.addTransceiver("audio");
    }
    await a.getSenders()[0].replaceTrack(camera(0xaaaa).source.createTrack());
    await c.getSenders()[0].replaceTrack(camera(0xcccc, 480, 270).source.createTrack());
    await a.getSenders()[1].replaceTrack(tone(333, 16_000).source.createTrack());
    await c.getSenders()[1].replaceTrack(tone(717, 44_100, 2).source.createTrack());
    await Promise.all([negotiate(a, b), negotiate(c, d)]);
    const [fromA, fromC] = await Promise.all([
      codesOf(b.getReceivers()[0].track, 10),
      codesOf(d.getReceivers()[0].track, 10),
      hear(b.getReceivers()[1].track, 333),
      hear(d.getReceivers()[1].track, 717),
    ]);
    assert.ok(fromA.every(({ tag, width }) => tag === 0xaaaa && width === 320));
    assert.ok(fromC.every(({ tag, width }) => tag === 0xcccc && width === 480));
  });

  it("sound of one channel is heard as one, of two different ones as two", async () => {
    const [a, b] = pair();
    const source = new RTCAudioSource();
    a.addTrack(source.createTrack());
    // RFC 7587 §6.1: two channels are for those who ask for them.
    await negotiate(a, b, (sdp) => sdp.replace("useinbandfec=1", "useinbandfec=1;stereo=1"));
    let silentRight = false;
    let pieces = 0;
    const startMs = performance.now();
    const timer = setInterval(() => {
      for (; pieces < (performance.now() - startMs) / 10; pieces++) {
        const sample = (i: number) => 9000 * Math.sin((2 * Math.PI * 505 * (pieces * 480 + i)) / 48_000);
        const channelCount = silentRight ? 2 : 1;
        const samples = new Int16Array(480 * channelCount);
        for (let i = 0; i < 480; i++) samples[i * channelCount] = sample(i);
        source.onData({ samples, sampleRate: 48_000, channelCount });
      }
    }, 10);
    sources.push({ stop: () => clearInterval(timer) });
    const [{ track }] = b.getReceivers();
    await hear(track, 505, 1);
    silentRight = true;
    await hear(track, 505, 2);
  });

  it("replaceTrack changes picture and tone without a new negotiation, and back", async () => {
    const [a, b] = pair();
    const first = camera(1).source.createTrack();
    const second = camera(2, 640, 360).source.createTrack();
    const [low, high] = [tone(400, 48_000), tone(919, 24_000)].map(({ source }) => source.createTrack());
    const [video, audio] = [a.addTrack(first), a.addTrack(low)];
    await negotiate(a, b);
    const [shown, heard] = b.getReceivers().map(({ track }) => track);
    await Promise.all([codesOf(shown, 5, 1), hear(heard, 400)]);
    await Promise.all([video.replaceTrack(second), audio.replaceTrack(high)]);
    const [code] = await codesOf(shown, 5, 2);
    assert.equal(code.width, 640);
    await hear(heard, 919);
    await Promise.all([video.replaceTrack(first), audio.replaceTrack(low)]);
    await Promise.all([codesOf(shown, 5, 1), hear(heard, 400)]);
  });

  it("a peer's track can be sent on to a third", async () => {
    const [a, b] = pair();
    const [c, d] = pair();
    a.addTrack(camera(0x7777).source.createTrack());
    a.addTrack(tone(610, 48_000).source.createTrack());
    await negotiate(a, b);
    for (const { track } of b.getReceivers()) c.addTrack(track);
    await negotiate(c, d);
    const [video, audio] = d.getReceivers().map(({ track }) => track);
    const [codes] = await Promise.all([codesOf(video, 5), hear(audio, 610)]);
    assert.ok(codes.every(({ tag }) => tag === 0x7777));
  });

  it("pictures and sound go on when the threads that encode them die", async () => {
    const [a, b] = pair();
    const pushed = camera(9);
    a.addTrack(pushed.source.createTrack());
    a.addTrack(tone(777, 48_000).source.createTrack());
    await negotiate(a, b);
    const [video, audio] = b.getReceivers().map(({ track }) => track);
    await Promise.all([codesOf(video, 3), hear(audio, 777)]);
    await Promise.all([defaultEngine().killWorker("encoder"), defaultEngine().killWorker("microphone")]);
    const before = pushed.frameNumber;
    for (let frameNumber = 0; frameNumber <= before; ) [{ frameNumber }] = await codesOf(video, 1);
    await hear(audio, 777);
  });

  it("changes the picture's size in the middle of a call, odd sizes too", async () => {
    const [a, b] = pair();
    const source = new RTCVideoSource();
    a.addTrack(source.createTrack());
    await negotiate(a, b);
    const [{ track }] = b.getReceivers();
    for (const [width, height] of [
      [161, 121],
      [640, 360],
      [64, 64],
    ]) {
      const data = new Uint8Array(width * height + 2 * ((width + 1) >> 1) * ((height + 1) >> 1)).fill(90);
      const timer = setInterval(() => source.onFrame({ width, height, data }), 20);
      sources.push({ stop: () => clearInterval(timer) });
      const sink = new RTCVideoSink(track);
      const sized = new Promise<void>((resolve) => {
        sink.onframe = ({ frame }) =>
          void (frame.width === (width & ~1) && frame.height === (height & ~1) && resolve());
      });
      await sized;
      sink.stop();
      clearInterval(timer);
    }
  });

  it("a stopped sink fires no more", async () => {
    const [a, b] = pair();
    a.addTrack(camera(5).source.createTrack());
    await negotiate(a, b);
    const [{ track }] = b.getReceivers();
    const sink = new RTCVideoSink(track);
    await nextEvent(sink, "frame");
    assert.equal(sink.stopped, false);
    sink.stop();
    assert.equal(sink.stopped, true);
    sink.onframe = () => assert.fail("a frame after stop()");
    await codesOf(track, 5);
  });
});
