import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createLocalTrack, Recorder } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { lastTime, probe } from "../support/ffmpeg.js";
import { run } from "./page_script.js";

/** A call in a process of its own, recorded as it runs. */
describe("Recorder", function () {
  this.timeout(120_000);
  let folder: string;
  let child: ChildProcess | undefined;
  const at = (name: string) => join(folder, name);
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-recorder-"));
  });
  afterEach(() => child?.kill("SIGKILL"));
  after(() => rmSync(folder, { recursive: true }));

  /** What the program has said so far, and what it says next. */
  function start(paths: readonly string[]) {
    const program = fileURLToPath(new URL("./recorder_program.js", import.meta.url));
    const started = spawn(process.execPath, [program, ...paths], { stdio: ["pipe", "pipe", "inherit"] });
    child = started;
    const said = { pictures: 0, stopped: "" };
    const lines = createInterface({ input: started.stdout });
    lines.on("line", (line) => {
      if (line.startsWith("picture ")) said.pictures = Number(line.slice("picture ".length));
      else if (line.startsWith("stopped ")) said.stopped = line.slice("stopped ".length);
      else assert.fail(line);
    });
    const until = async (isSo: () => boolean) => {
      while (!isSo()) await once(lines, "line");
    };
    return { said, until, tell: (word: string) => started.stdin.write(`${word}\n`) };
  }

  it("stops with whole files in step, goes on after a thread died, and leaves files that play when its process is killed", async () => {
    const stopped = [at("stopped.mp4"), at("stopped.mkv")];
    const killed = [at("killed.mp4"), at("killed.mkv")];
    const { said, until, tell } = start([...stopped, ...killed]);
    await until(() => said.pictures >= 25);
    tell("stop");
    await until(() => said.stopped !== "");
    tell("kill");
    const pictures = said.pictures + 15;
    await until(
      () => said.pictures >= pictures && killed.every((path) => recorded(path).pictures >= pictures),
    );
    child?.kill("SIGKILL");
    const [last] = checkStopped(stopped, JSON.parse(said.stopped));
    for (const path of killed) checkKilled(path, pictures);
    await playsInChromium(last);
  });

  function checkStopped(paths: readonly string[], summaries: readonly { paths: string[] }[]): string[] {
    assert.deepEqual(
      summaries.map((summary) => summary.paths[0]),
      paths,
    );
    // On a machine that is busy the picture may come seconds after the sound, in a part of its own.
    const lastParts = summaries.map((summary) => summary.paths[summary.paths.length - 1]);
    for (const path of lastParts) {
      const [video, audio] = probe(path).streams;
      assert.deepEqual([video.codec_name, video.width, audio.codec_name], ["h264", 320, "opus"]);
      assert.ok(Number(video.nb_read_frames) > 20, `${video.nb_read_frames} pictures`);
      assert.ok(Number(audio.nb_read_frames) > 40, `${audio.nb_read_frames} pieces of sound`);
      // By their times: a busy machine makes fewer pictures, and one thread's last may wait while another's is written.
      const [videoSeconds, audioSeconds] = [lastTime(path, "v"), lastTime(path, "a")];
      const apart = Math.abs(videoSeconds - audioSeconds);
      assert.ok(apart < Math.max(0.5, 0.2 * videoSeconds), `${videoSeconds} ${audioSeconds}`);
    }
    return lastParts;
  }

  /** All parts together: a thread that takes long to start again ends its file. */
  function recorded(path: string): { pictures: number; sounds: number } {
    const stem = path.replace(/\.\w+$/, "");
    const parts = readdirSync(folder).filter(
      (name) => at(name).startsWith(stem) && name.endsWith(extname(path)),
    );
    const frames = parts.flatMap((name) => probe(at(name), { cut: true }).streams);
    const sum = (codec: string) =>
      frames.reduce(
        (all, { codec_name, nb_read_frames = 0 }) =>
          all + (codec_name === codec ? Number(nb_read_frames) : 0),
        0,
      );
    return { pictures: sum("h264"), sounds: sum("opus") };
  }

  function checkKilled(path: string, least: number): void {
    const { pictures, sounds } = recorded(path);
    assert.ok(pictures >= least, `${path}: ${pictures} pictures`);
    assert.ok(sounds >= 2 * least, `${path}: ${sounds} packets`);
  }

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
