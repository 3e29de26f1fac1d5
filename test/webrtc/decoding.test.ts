import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MediaEngine } from "../../src/media/engine.js";
import {
  createLocalTrack,
  nonstandard,
  Recorder,
  RTCPeerConnection,
  whenClosed,
} from "../../src/webrtc/index.js";
import { EncodedCamera } from "../support/encoded_camera.js";
import { decodedPictures } from "../support/pictures.js";
import { showsCode } from "../support/shown_code.js";
import { trickle } from "../support/trickle.js";
import { negotiate } from "./fake_transport.js";

const { RTCAudioSink, RTPTrackSink, SampleTrackSource } = nonstandard;
const TAG = 0xdec0;

type Inbound = Readonly<
  Record<
    | "framesReceived"
    | "framesDecoded"
    | "framesDropped"
    | "keyFramesDecoded"
    | "freezeCount"
    | "packetsReceived"
    | "concealedSamples"
    | "totalSamplesReceived",
    number
  > & { readonly kind: string; readonly framesNotDecoded?: number }
>;

describe('what is received with decode: "wanted"', function () {
  this.timeout(60_000);
  let engine: MediaEngine;
  let a: RTCPeerConnection;
  let b: RTCPeerConnection;
  let camera: EncodedCamera;

  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "none" },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    });
  });
  after(() => engine.stop());

  beforeEach(async () => {
    const transport = { includeLoopback: true };
    a = new RTCPeerConnection({}, { transportFactory: engine, transport });
    b = new RTCPeerConnection(
      {},
      { transportFactory: engine, transport: { ...transport, decode: "wanted" } },
    );
    trickle(a, b);
    const source = new SampleTrackSource({ codec: { mimeType: "video/VP8" } });
    camera = new EncodedCamera(TAG, "VP8", (data) => source.writeSample({ data }));
    source.onkeyframerequest = () => {
      camera.wantsKeyframe = true;
    };
    a.addTrack(source.createTrack());
    a.addTrack(createLocalTrack({ kind: "audio" }));
    await negotiate(a, b);
  });
  afterEach(async () => {
    camera.stop();
    a.close();
    b.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
  });

  const tracks = () => b.getReceivers().map(({ track }) => track);

  async function inbound(kind: "video" | "audio"): Promise<Inbound | undefined> {
    const all = [...(await b.getStats()).values()] as unknown as (Inbound & { readonly type: string })[];
    return all.find((entry) => entry.type === "inbound-rtp" && entry.kind === kind);
  }

  /** Looks again with every packet of pictures. */
  async function until(kind: "video" | "audio", isSo: (stats: Inbound) => boolean): Promise<Inbound> {
    const sink = new RTPTrackSink(tracks()[0]);
    try {
      for (;;) {
        const stats = await inbound(kind);
        if (stats !== undefined && isSo(stats)) return stats;
        await once(sink, "packet");
      }
    } finally {
      sink.stop();
    }
  }

  it("is not decoded for packets and recordings, is for a sink from a keyframe on, and no longer after it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-decoding-"));
    const recorder = new Recorder(join(folder, "call.mkv"), [tracks()[0]]);
    try {
      const idle = await until("video", ({ framesReceived }) => framesReceived >= 20);
      assert.equal(idle.framesDecoded, 0);
      assert.equal(idle.framesDropped, 0);
      assert.ok((idle.framesNotDecoded ?? 0) >= 19, `${idle.framesNotDecoded} of ${idle.framesReceived}`);

      const { keyframes, frameNumber } = camera;
      await showsCode(tracks()[0], TAG, frameNumber);
      assert.ok(camera.keyframes > keyframes);

      const { framesNotDecoded = 0 } = await until("video", ({ framesDecoded }) => framesDecoded > 0);
      const rested = await until("video", (stats) => (stats.framesNotDecoded ?? 0) > framesNotDecoded + 2);
      const still = await until(
        "video",
        ({ framesReceived }) => framesReceived >= rested.framesReceived + 10,
      );
      assert.equal(still.framesDecoded, rested.framesDecoded);
      await showsCode(tracks()[0], TAG, camera.frameNumber);
      const last = await until("video", (stats) => stats.framesDecoded > rested.framesDecoded);
      assert.ok((last.framesNotDecoded ?? 0) >= (rested.framesNotDecoded ?? 0) + 10);
      assert.equal(last.keyFramesDecoded, 2);
      assert.equal(last.framesDropped, 0);
      assert.equal(last.freezeCount, 0);
      const { frames } = await recorder.stop();
      assert.ok(frames >= last.framesReceived - 5, `${frames} of ${last.framesReceived} pictures`);
    } finally {
      await recorder.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it("is heard when somebody listens, as if it began then", async () => {
    const idle = await until("audio", ({ packetsReceived }) => packetsReceived >= 30);
    assert.equal(idle.totalSamplesReceived, 0);
    const sink = new RTCAudioSink(tracks()[1]);
    try {
      for (let i = 0; i < 10; i++) await once(sink, "data");
      const heard = await until("audio", ({ totalSamplesReceived }) => totalSamplesReceived > 0);
      assert.ok(heard.totalSamplesReceived < 48_000 * 0.02 * heard.packetsReceived);
    } finally {
      sink.stop();
    }
  });

  it("is decoded while the engine's own listener takes everything, whoever wants one stream", async () => {
    await until("video", ({ framesReceived }) => framesReceived >= 5);
    await decodedPictures(engine, TAG, 3);
    const { framesNotDecoded = 0 } = await until("video", ({ framesDecoded }) => framesDecoded >= 3);
    const rested = await until("video", (stats) => (stats.framesNotDecoded ?? 0) > framesNotDecoded + 2);
    const still = await until("video", ({ framesReceived }) => framesReceived >= rested.framesReceived + 5);
    assert.equal(still.framesDecoded, rested.framesDecoded);
  });

  it("rests in the successor of a decoder that died", async () => {
    await until("video", ({ framesReceived }) => framesReceived >= 5);
    await engine.killWorker("decoder");
    const { framesNotDecoded = 0 } = await until("video", () => true);
    const after = await until("video", (stats) => (stats.framesNotDecoded ?? 0) > framesNotDecoded + 5);
    assert.equal(after.framesDecoded, 0);
    await showsCode(tracks()[0], TAG);
  });
});
