import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createLocalTrack, Recorder } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { lastTime, probe } from "../support/ffmpeg.js";
import { run } from "./page_script.js";

/** A call in a process of its own, recorded as it runs. */
describe("Recorder", function () {
  this.timeout(60_000);
  let folder: string;
  let child: ChildProcess | undefined;
  const at = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-recorder-"));
  });
  afterEach(() => child?.kill("SIGKILL"));
  after(() => rmSync(folder, { recursive: true }));

  /** Resolves with the first line that fits. */
  function start(paths: readonly string[]): (pattern: RegExp) => Promise<string> {
    const program = fileURLToPath(new URL("./recorder_program.js", import.meta.url));
    const process_ = spawn(process.execPath, [program, ...paths], { stdio: ["pipe", "pipe", "inherit"] });
    child = process_;
    const lines = createInterface({ input: process_.stdout });
    return (pattern) =>
      new Promise((resolve, reject) => {
        const look = (line: string) => {
          if (line.startsWith("failed")) reject(new Error(line));
          if (!pattern.test(line)) return;
          lines.off("line", look);
          resolve(line);
        };
        lines.on("line", look);
        process_.once("exit", (code, signal) => reject(new Error(`the program ended: ${code ?? signal}`)));
      });
  }

  it("leaves files that play up to the last second when its process is killed", async () => {
    const paths = [at("killed.mp4"), at("killed.mkv")];
    const line = start(paths);
    await line(/^picture 45$/);
    child?.kill("SIGKILL");
    for (const path of paths) {
      const [video, audio] = probe(path, { cut: true }).streams;
      assert.deepEqual([video.codec_name, video.width, audio.codec_name], ["h264", 320, "opus"]);
      // 45 pictures are three seconds; at most one and what is in flight may be missing.
      assert.ok(Number(video.nb_read_frames) >= 25, `${path}: ${video.nb_read_frames} pictures`);
      assert.ok(Number(audio.nb_read_frames) >= 80, `${path}: ${audio.nb_read_frames} packets`);
    }
  });

  it("stops with whole files in step, which Chromium plays", async () => {
    const paths = [at("stopped.mp4"), at("stopped.mkv")];
    const line = start(paths);
    await line(/^picture 30$/);
    const stopped = line(/^stopped/);
    child?.stdin?.write("stop\n");
    const summaries = JSON.parse((await stopped).slice("stopped ".length));
    assert.deepEqual(
      summaries.map((summary: { paths: string[] }) => summary.paths),
      paths.map((path) => [path]),
    );
    for (const path of paths) {
      const [video, audio] = probe(path).streams;
      const videoSeconds = Number(video.nb_read_frames) / 15;
      const audioSeconds = Number(audio.nb_read_frames) / 50;
      assert.ok(
        videoSeconds > 1.5 && Math.abs(videoSeconds - audioSeconds) < 0.4,
        `${videoSeconds} ${audioSeconds}`,
      );
      assert.ok(lastTime(path) < videoSeconds + 1);
    }
    await playsInChromium(paths[0]);
  });

  async function playsInChromium(path: string): Promise<void> {
    const server: Server = createServer((request, response) => {
      const page = request.url === "/";
      response.writeHead(200, { "content-type": page ? "text/html" : "video/mp4" });
      response.end(page ? "<title>play</title>" : readFileSync(path));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const played = await run<{ width: number; seconds: number; sound: number }>(
        page,
        `const video = document.createElement("video");
        video.src = "/film.mp4";
        video.muted = true;
        document.body.append(video);
        video.playbackRate = 4;
        await video.play();
        await new Promise((resolve, reject) => { video.onended = resolve; video.onerror = () => reject(video.error); });
        return { width: video.videoWidth, seconds: video.currentTime, sound: video.webkitAudioDecodedByteCount };`,
      );
      assert.equal(played.width, 320);
      assert.ok(played.seconds > 1 && played.sound > 0, JSON.stringify(played));
    } finally {
      await browser.close();
      server.close();
    }
  }

  it("refuses other endings, other tracks, and paths that cannot be written", () => {
    const track = createLocalTrack({ kind: "video" });
    assert.throws(() => new Recorder(at("film.avi"), [track]), { code: "BAD_SINK" });
    assert.throws(() => new Recorder(at("no/film.mp4"), [track]), { code: "SINK_FAILED" });
    assert.throws(() => new Recorder(at("film.mp4"), []), TypeError);
    assert.throws(() => new Recorder(at("film.mp4"), [track, track]), TypeError);
  });
});
