import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CallReport } from "../../src/client/report.js";

const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function roomrtc(...words: string[]): Promise<Run> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.once("close", (status) => done({ status, stdout, stderr }));
  });
}

const last = (text: string): CallReport => JSON.parse(text.trim().split("\n").at(-1) ?? "");

describe("a call between two processes (roomrtc demo --json)", () => {
  it("carries decoded picture and sound both ways and says so in its last line", async () => {
    const { status, stdout, stderr } = await roomrtc(
      "demo",
      "--seconds",
      "3",
      "--json",
      "--set",
      "media.frame_width=640",
      "--set",
      "media.frame_height=360",
    );
    assert.equal(status, 0, stderr);
    const report = last(stdout);
    assert.equal(report.ok, true);
    assert.match(report.dtls, /^DTLSv1\.2 ECDHE-ECDSA-/);
    assert.equal(report.srtpProfile, "AEAD_AES_128_GCM");
    assert.ok(report.pair?.local.includes("127.0.0.1"));
    assert.ok(report.setupMs > 0);
    assert.deepEqual(
      report.directions.map(({ from, to }) => [from, to]),
      [
        ["caller", "callee"],
        ["callee", "caller"],
      ],
    );
    // Each end hears the other's tone, not its own.
    for (const [index, tone] of [440, 660].entries()) {
      const { video, audio } = report.directions[index];
      assert.deepEqual([video.width, video.height], [640, 360]);
      // As many as a busy machine manages.
      const { framesCaptured, framesEncoded, framesDecoded } = video;
      assert.ok(framesDecoded >= 5, `${framesDecoded} frames decoded`);
      assert.ok(framesCaptured >= framesEncoded, `${framesEncoded} of ${framesCaptured} frames encoded`);
      // The ends tell their figures one after the other while the call goes on, the caller first; what a thread has in
      // hand is not counted yet.
      const meanwhile = index === 0 ? 45 : 2;
      assert.ok(framesDecoded <= framesEncoded + meanwhile, `${framesDecoded} of ${framesEncoded} decoded`);
      assert.ok(video.latencyUs.p50 > 0 && video.latencyUs.p50 <= video.latencyUs.max);
      assert.ok(audio.packetsReceived > 10, `${audio.packetsReceived} packets`);
      assert.ok(
        audio.packetsSent + 2 * meanwhile >= audio.packetsReceived,
        `${audio.packetsReceived} of ${audio.packetsSent} packets came`,
      );
      assert.ok(Math.abs(audio.toneHz - tone) < 15, `heard ${audio.toneHz} Hz, sent ${tone}`);
    }
    assert.ok(report.cpuSeconds > 0 && report.rssBytes > 0);
  });

  it("fails with status 1 and ok false when a direction carries no picture", async () => {
    const { status, stdout, stderr } = await roomrtc("demo", "--seconds", "2", "--json", "--video", "none");
    assert.equal(status, 1, stderr);
    assert.equal(last(stdout).ok, false);
    assert.equal(last(stdout).directions[0].video.framesDecoded, 0);
    assert.ok(last(stdout).directions[0].audio.packetsReceived > 0);
  });

  it("stops at a source that is not there, naming it", async () => {
    const { status, stderr } = await roomrtc(
      "demo",
      "--seconds",
      "1",
      "--json",
      "--video",
      "file:/nowhere.y4m",
    );
    assert.equal(status, 1);
    assert.match(stderr, /\/nowhere\.y4m/);
  });

  it("stops at a bad key on the command line with key, found and allowed", async () => {
    const { status, stderr } = await roomrtc("demo", "--json", "--set", "media.frame_rate=0");
    assert.equal(status, 1);
    assert.match(stderr, /frame_rate: found '0'; allowed: an integer from 1 to 120/);
  });
});
