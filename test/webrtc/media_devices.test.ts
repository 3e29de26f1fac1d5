import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listCameras } from "../../src/webrtc/devices/device_list.js";
import {
  getUserMedia,
  MediaDevices,
  type MediaStreamConstraints,
  type MediaStreamTrack,
  mediaDevices,
  nonstandard,
  OverconstrainedError,
  RTCPeerConnection,
  stopDefaultEngine,
  whenClosed,
} from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

const hasCamera = listCameras().length > 0;

describe("mediaDevices", function () {
  this.timeout(120_000);
  const tracks: MediaStreamTrack[] = [];

  async function open(constraints: MediaStreamConstraints): Promise<MediaStreamTrack[]> {
    const opened = (await mediaDevices.getUserMedia(constraints)).getTracks();
    tracks.push(...opened);
    return opened;
  }

  before(() => {
    mediaDevices.testDevices = true;
  });
  afterEach(() => {
    for (const track of tracks.splice(0)) track.stop();
  });
  after(async () => {
    mediaDevices.testDevices = false;
    await stopDefaultEngine();
  });

  it("has no test devices unless asked", async function () {
    if (hasCamera) this.skip();
    const plain = new MediaDevices();
    assert.equal(plain.testDevices, process.env.ROOMRTC_TEST_DEVICES === "1");
    plain.testDevices = false;
    assert.deepEqual(await plain.enumerateDevices(), []);
    await rejectsWith(plain.getUserMedia({ video: true }), "NotFoundError");
    await rejectsWith(plain.getUserMedia({ audio: true }), "NotFoundError");
  });

  it("enumerates devices with ids that stay", async () => {
    const devices = await mediaDevices.enumerateDevices();
    assert.ok(devices.some(({ kind }) => kind === "videoinput"));
    assert.ok(devices.some(({ kind }) => kind === "audioinput"));
    assert.equal(new Set(devices.map(({ deviceId }) => deviceId)).size, devices.length);
    assert.deepEqual(await mediaDevices.enumerateDevices(), devices);
  });

  it("lists the cameras of the kernel, but not their metadata nodes", () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-cameras-"));
    for (const [name, index, label] of [
      ["video10", "0", "Second"],
      ["video2", "0", "First"],
      ["video3", "1", "First"],
      ["v4l-subdev0", "0", "None"],
    ]) {
      mkdirSync(join(folder, "class", name), { recursive: true });
      writeFileSync(join(folder, "class", name, "index"), `${index}\n`);
      writeFileSync(join(folder, "class", name, "name"), `${label}\n`);
      writeFileSync(join(folder, name), "");
    }
    const found = listCameras(join(folder, "class"), folder);
    assert.deepEqual(
      found.map(({ info, path }) => [info.kind, info.label, path]),
      [
        ["videoinput", "First", join(folder, "video2")],
        ["videoinput", "Second", join(folder, "video10")],
      ],
    );
    rmSync(folder, { recursive: true });
  });

  it("rejects a request for nothing", async () => {
    await rejectsWith(getUserMedia({}), "TypeError");
    await rejectsWith(getUserMedia({ audio: false, video: false }), "TypeError");
  });

  const fit: [MediaStreamConstraints["video"], object][] = [
    [true, { width: 640, height: 480, frameRate: 30 }],
    [
      { width: 320, height: { ideal: 240 } },
      { width: 320, height: 240 },
    ],
    [
      { width: { exact: 800 }, height: { exact: 600 }, frameRate: { exact: 15 } },
      { width: 800, height: 600, frameRate: 15 },
    ],
    [{ width: { min: 1000 } }, { width: 1000, height: 480 }],
    [
      { width: { max: 400 }, frameRate: { max: 10 } },
      { width: 400, frameRate: 10 },
    ],
    [
      { width: { ideal: 9000 }, height: { ideal: 1 } },
      { width: 1920, height: 90 },
    ],
    [{ width: { min: 321, max: 322 } }, { width: 322 }],
  ];
  for (const [video, expected] of fit) {
    it(`fits ${JSON.stringify(video)}`, async function () {
      if (hasCamera) this.skip();
      const [track] = await open({ video: video as object });
      const settings = track.getSettings() as Record<string, unknown>;
      for (const [name, value] of Object.entries(expected)) assert.equal(settings[name], value, name);
    });
  }

  const unfit: [string, object][] = [
    ["width", { width: { exact: 5000 } }],
    ["width", { width: { exact: 641 } }],
    ["height", { height: { min: 2000 } }],
    ["frameRate", { frameRate: { min: 30, max: 20 } }],
    ["deviceId", { deviceId: { exact: "none such" } }],
  ];
  for (const [constraint, video] of unfit) {
    it(`cannot fit ${JSON.stringify(video)}`, async function () {
      if (hasCamera) this.skip();
      await assert.rejects(mediaDevices.getUserMedia({ video }), (error) => {
        assert.ok(error instanceof OverconstrainedError && error instanceof DOMException);
        assert.deepEqual([error.name, error.constraint], ["OverconstrainedError", constraint]);
        return true;
      });
    });
  }

  it("applyConstraints makes the source another, or leaves it as it is", async function () {
    if (hasCamera) this.skip();
    const [track] = await open({ video: { width: 320 } });
    assert.deepEqual(track.getConstraints(), { width: 320 });
    assert.deepEqual(track.getCapabilities().width, { min: 160, max: 1920 });
    await track.applyConstraints({ width: 640, frameRate: { max: 15 } });
    const { width, frameRate } = track.getSettings();
    assert.deepEqual({ width, frameRate }, { width: 640, frameRate: 15 });
    await assert.rejects(track.applyConstraints({ width: { min: 4000 } }), { constraint: "width" });
    await assert.rejects(track.applyConstraints({ deviceId: { exact: "other" } }), {
      constraint: "deviceId",
    });
    assert.deepEqual(track.getConstraints(), { width: 640, frameRate: { max: 15 } });
    assert.equal(track.getSettings().width, 640);
  });

  it("opens nothing when one of two cannot be opened", async () => {
    const audio = { sampleRate: { exact: 8000 } };
    await assert.rejects(mediaDevices.getUserMedia({ audio, video: true }), { constraint: "sampleRate" });
  });

  it("its tracks are sent and shown by the peer", async function () {
    if (hasCamera) this.skip();
    const [audio, video] = await open({ audio: true, video: { width: 320, height: 180 } });
    assert.deepEqual(
      [audio.kind, audio.label, video.kind, video.label],
      ["audio", "Test tone", "video", "Test picture"],
    );
    const a = new RTCPeerConnection();
    const b = new RTCPeerConnection();
    trickle(a, b);
    a.addTrack(audio);
    a.addTrack(video);
    await negotiate(a, b);
    const [heard, shown] = b.getReceivers().map(({ track }) => track);
    const sinks = [new nonstandard.RTCAudioSink(heard), new nonstandard.RTCVideoSink(shown)];
    const [, event] = await Promise.all([
      nextEvent(sinks[0], "data"),
      nextEvent<InstanceType<typeof nonstandard.RTCVideoFrameEvent>>(sinks[1], "frame"),
    ]);
    assert.deepEqual([event.frame.width, event.frame.height], [320, 180]);
    for (const sink of sinks) sink.stop();
    a.close();
    b.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
  });

  it("a stopped engine ends the tracks and their clones, with the event", async () => {
    const [track] = await open({ audio: true });
    const clone = track.clone();
    const ended = Promise.all([nextEvent(track, "ended"), nextEvent(clone, "ended")]);
    await stopDefaultEngine();
    await ended;
    assert.deepEqual([track.readyState, clone.readyState], ["ended", "ended"]);
  });
});
