import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { gatheringComplete } from "../../src/exchange/index.js";
import { IvfReader } from "../../src/protocol/files/ivf.js";
import { nonstandard, RTCPeerConnection, stopDefaultEngine, whenClosed } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { ffmpeg } from "../support/ffmpeg.js";

const FRAMES = 15;
const FRAME_US = 1e6 / 30;
/** What a pipe might give; packets are made of it. */
const PORTION_US = 200_000;
const PORTION_BYTES = 1600;

interface Watched {
  readonly mimeType: string;
  readonly framesDecoded?: number;
  readonly frameWidth?: number;
  readonly totalAudioEnergy?: number;
  readonly packetsLost: number;
}

/** Formats that we have no codec of: FFmpeg encodes, we packetize and negotiate, Chromium decodes. */
describe("tracks of samples in VP9, AV1 and G.722, to Chromium", function () {
  this.timeout(120_000);
  const scratch = mkdtempSync(join(tmpdir(), "roomrtc-encoded-"));
  let browser: Browser;
  before(async () => {
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await stopDefaultEngine();
    rmSync(scratch, { recursive: true });
  });

  function pictures(name: string, encoder: readonly string[], size: string): Uint8Array[] {
    const path = join(scratch, `${name}.ivf`);
    ffmpeg("-f", "lavfi", "-i", `testsrc2=size=${size}:rate=30`, "-frames:v", `${FRAMES}`, ...encoder, path);
    const reader = new IvfReader();
    reader.push(readFileSync(path));
    reader.end();
    const frames: Uint8Array[] = [];
    for (let frame = reader.next(); frame !== undefined; frame = reader.next())
      frames.push(frame.data.slice());
    return frames;
  }

  function sound(): Uint8Array[] {
    const path = join(scratch, "tone.g722");
    ffmpeg(
      "-f",
      "lavfi",
      "-i",
      "sine=frequency=700:sample_rate=16000:duration=1",
      "-c:a",
      "g722",
      "-f",
      "g722",
      path,
    );
    const bytes = readFileSync(path);
    return Array.from({ length: Math.floor(bytes.length / PORTION_BYTES) }, (_, i) =>
      bytes.subarray(i * PORTION_BYTES, (i + 1) * PORTION_BYTES),
    );
  }

  it("are decoded there: the sizes and the codecs are those that were sent", async () => {
    const given = [
      {
        mimeType: "video/VP9",
        data: pictures("vp9", ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"], "320x180"),
      },
      {
        mimeType: "video/AV1",
        data: pictures("av1", ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8"], "256x144"),
      },
      { mimeType: "audio/G722", data: sound() },
    ];
    const pc = new RTCPeerConnection();
    const timers: NodeJS.Timeout[] = [];
    const page = await browser.newPage();
    try {
      for (const { mimeType, data } of given) {
        const source = new nonstandard.SampleTrackSource({ codec: { mimeType } });
        pc.addTransceiver(source.createTrack(), { direction: "sendonly" });
        let next = 0;
        const durationUs = source.kind === "video" ? FRAME_US : PORTION_US;
        timers.push(
          setInterval(
            () => source.writeSample({ data: data[next++ % data.length], durationUs }),
            durationUs / 1000,
          ),
        );
      }
      await pc.setLocalDescription();
      await gatheringComplete(pc);
      await page.goto("about:blank");
      const answer = await page.evaluate(`(async () => {
        globalThis.pc = new RTCPeerConnection();
        // Sound that nobody plays is not decoded.
        pc.ontrack = ({ track }) => {
          if (track.kind !== "audio") return;
          globalThis.player = new Audio();
          player.srcObject = new MediaStream([track]);
          void player.play();
        };
        await pc.setRemoteDescription(${JSON.stringify(pc.localDescription)});
        await pc.setLocalDescription();
        await new Promise((done) => {
          const look = () => pc.iceGatheringState === "complete" && done();
          pc.onicegatheringstatechange = look;
          look();
        });
        return { type: "answer", sdp: pc.localDescription.sdp };
      })()`);
      await pc.setRemoteDescription(answer as { type: "answer"; sdp: string });
      const watched = (await page.evaluate(`(async () => {
        for (;;) {
          const all = [...(await pc.getStats()).values()];
          const streams = all.filter(({ type, packetsReceived }) => type === "inbound-rtp" && packetsReceived > 0)
            .map((stream) => ({ ...stream, mimeType: all.find(({ id }) => id === stream.codecId)?.mimeType }));
          const done = ({ framesDecoded, totalAudioEnergy }) => framesDecoded >= 10 || totalAudioEnergy > 0.002;
          if (streams.length === 3 && streams.every(done)) return streams;
          await new Promise((next) => setTimeout(next, 50));
        }
      })()`)) as Watched[];
      const sizes = new Map(watched.map(({ mimeType, frameWidth }) => [mimeType, frameWidth]));
      assert.deepEqual([...sizes.keys()].sort(), ["audio/G722", "video/AV1", "video/VP9"]);
      assert.equal(sizes.get("video/VP9"), 320);
      assert.equal(sizes.get("video/AV1"), 256);
    } finally {
      for (const timer of timers) clearInterval(timer);
      pc.close();
      await whenClosed(pc);
      await page.close();
    }
  });
});
