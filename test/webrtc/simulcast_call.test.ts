import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBlockCode } from "../../src/media/analysis/block_code.js";
import { MediaEngine } from "../../src/media/engine.js";
import {
  createLocalTrack,
  type MediaStreamTrack,
  nonstandard,
  Recorder,
  RTCPeerConnection,
  type RTCRtpSender,
  whenClosed,
} from "../../src/webrtc/index.js";
import { probe } from "../support/ffmpeg.js";
import { trickle } from "../support/trickle.js";
import { negotiate } from "./fake_transport.js";

const tag = 0x51c1;
const widths = { l: 160, m: 320, h: 640 } as const;

describe("a call in layers, from one real engine to another connection of it", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  let a: RTCPeerConnection;
  let b: RTCPeerConnection;
  let sender: RTCRtpSender;
  const sinks: InstanceType<typeof nonstandard.RTCVideoSink>[] = [];

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 640, height: 360, frameRate: 30, noise: false, tag },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
      videoBitrateBps: 1_000_000,
    });
  });
  after(() => engine.stop());

  beforeEach(() => connect("always"));

  async function connect(decode: "always" | "wanted"): Promise<void> {
    const transport = { includeLoopback: true };
    a = new RTCPeerConnection({}, { transportFactory: engine, transport });
    b = new RTCPeerConnection({}, { transportFactory: engine, transport: { ...transport, decode } });
    trickle(a, b);
    sender = a.addTransceiver(createLocalTrack({ kind: "video" }), {
      direction: "sendonly",
      sendEncodings: [{ rid: "l" }, { rid: "m" }, { rid: "h" }],
    }).sender;
    await negotiate(a, b);
  }

  async function disconnect(): Promise<void> {
    for (const sink of sinks.splice(0)) sink.stop();
    a.close();
    b.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
  }
  afterEach(disconnect);

  /** Every picture of a track from now on. */
  function watch(track: MediaStreamTrack) {
    const seen: { width: number; number: number }[] = [];
    let wake = () => {};
    const sink = new nonstandard.RTCVideoSink(track);
    sinks.push(sink);
    sink.onframe = ({ frame: { width, height, data } }) => {
      const code = readBlockCode(data, width, height, width);
      if (code?.tag === tag) seen.push({ width, number: code.frameNumber });
      wake();
    };
    const until = async (isDone: () => boolean) => {
      while (!isDone())
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    };
    return { seen, until };
  }

  async function setActive(rid: string, active: boolean): Promise<void> {
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings) if (encoding.rid === rid) encoding.active = active;
    await sender.setParameters(parameters);
  }

  it("gives each layer a track of its own, and counts each on both sides", async () => {
    const layers = nonstandard.layersOf(b.getReceivers()[0]);
    assert.deepEqual([...layers.keys()], ["l", "m", "h"]);
    await Promise.all(
      Object.entries(widths).map(async ([rid, width]) => {
        const track = layers.get(rid);
        assert.ok(track);
        const { seen, until } = watch(track);
        await until(() => seen.length >= 5);
        assert.ok(!track.muted);
        assert.deepEqual([...new Set(seen.map((picture) => picture.width))], [width], rid);
      }),
    );
    const sent = [...(await a.getStats()).values()].flatMap((entry) =>
      entry.type === "outbound-rtp" ? [entry] : [],
    );
    assert.deepEqual(
      sent.map(({ rid, encodingIndex, frameWidth }) => [rid, encodingIndex, frameWidth]),
      Object.entries(widths).map(([rid, width], index) => [rid, index, width]),
    );
    const received = [...(await b.getStats()).values()].flatMap((entry) =>
      entry.type === "inbound-rtp" ? [entry] : [],
    );
    assert.deepEqual(
      received.map(({ rid, frameWidth, ssrc }) => [rid, frameWidth, ssrc]),
      sent.map(({ rid, frameWidth, ssrc }) => [rid, frameWidth, ssrc]),
    );
  });

  it("shows the largest layer that arrives, and goes from one to another without a step back", async () => {
    const { seen, until } = watch(b.getReceivers()[0].track);
    await until(() => seen.at(-1)?.width === widths.h);
    await setActive("h", false);
    await until(() => seen.at(-1)?.width === widths.m);
    await setActive("h", true);
    await until(() => seen.at(-1)?.width === widths.h);
    const numbers = seen.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      [...numbers].sort((x, y) => x - y),
    );
    const stats = [...(await b.getStats()).values()];
    const shown = stats.flatMap((entry) =>
      entry.type === "inbound-rtp" ? [[entry.rid, entry.layerFramesShown, entry.layerSwitches] as const] : [],
    );
    const [, , h] = shown;
    assert.equal(h[0], "h");
    assert.ok((h[1] ?? 0) > 0 && (h[2] ?? 0) >= 1, JSON.stringify(shown));
  });

  it("decodes the layers alone that somebody takes, where that is asked for", async () => {
    await disconnect();
    await connect("wanted");
    const low = nonstandard.layersOf(b.getReceivers()[0]).get("l");
    assert.ok(low);
    const { seen, until } = watch(low);
    const layers = async () =>
      [...(await b.getStats()).values()].flatMap((entry) => (entry.type === "inbound-rtp" ? [entry] : []));
    let all = await layers();
    while (all.length < 3 || all.some(({ framesReceived = 0 }) => framesReceived < 10)) {
      const count = seen.length;
      await until(() => seen.length > count);
      all = await layers();
    }
    const decoded = all.map(({ rid, framesDecoded = 0 }) => [rid, framesDecoded > 0]);
    assert.deepEqual(decoded, [
      ["l", true],
      ["m", false],
      ["h", false],
    ]);
    const section = watch(b.getReceivers()[0].track);
    await section.until(() => section.seen.at(-1)?.width === widths.h);
  });

  it("is recorded as it is shown: another size begins another file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-layers-"));
    const { track } = b.getReceivers()[0];
    const recorder = new Recorder(join(folder, "call.mkv"), [track]);
    try {
      const { seen, until } = watch(track);
      await until(() => seen.filter(({ width }) => width === widths.h).length > 10);
      await setActive("h", false);
      await until(() => seen.at(-1)?.width === widths.m);
      await until(() => seen.length > 0 && seen.slice(-10).every(({ width }) => width === widths.m));
      const { paths } = await recorder.stop();
      const recorded = paths.map((path) => probe(path).streams[0].width);
      assert.deepEqual(recorded.slice(-2), [widths.h, widths.m]);
    } finally {
      await recorder.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
