import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { launchChromium, PATIENCE_MS } from "../support/chromium.js";
import { probe } from "../support/ffmpeg.js";
import { freePort } from "../support/ports.js";
import { ExampleProcess } from "./example_process.js";

/** Every example with a page runs in a process of its own and is used in Chromium as a reader would use it. */
describe("the examples' pages", function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;
  const running: ExampleProcess[] = [];
  const errors: string[] = [];

  before(async () => {
    browser = await launchChromium();
  });
  after(() => browser?.close());
  afterEach(async () => {
    await page?.close();
    for (const example of running.splice(0)) await example.kill();
    assert.deepEqual(errors.splice(0), []);
  });

  async function newPage(url: string): Promise<Page> {
    const opened = await browser.newPage();
    opened.setDefaultTimeout(PATIENCE_MS);
    opened.on("pageerror", (error) => errors.push(error.message));
    await opened.goto(url);
    return opened;
  }

  async function open(name: string, ...args: readonly string[]): Promise<ExampleProcess> {
    const { example, url } = await ExampleProcess.serving(name, ...args);
    running.push(example);
    page = await newPage(url);
    return example;
  }

  const logged = (text: string, on = page) =>
    on.locator("#log li").filter({ hasText: text }).first().waitFor();
  const press = (name: string, on = page) => on.getByRole("button", { name, exact: true }).click();

  /** Waits until the page's video has shown `count` more pictures. */
  async function pictures(count = 5, on = page): Promise<void> {
    await on.locator("video").first().waitFor();
    await on.evaluate(`(async () => {
      const video = document.querySelector("video");
      for (let i = 0; i < ${count}; i++) await new Promise((next) => video.requestVideoFrameCallback(next));
    })()`);
  }

  it("offer-answer: the page says hello and is answered, and so is a second process", async () => {
    const example = await open("offer-answer");
    await logged('You said "hello from the page".');
    await page.locator("#state[data-state=connected]").waitFor();
    const caller = new ExampleProcess("offer-answer", `${page.url()}offer`);
    running.push(caller);
    await caller.line(/heard: You said "hello from process \d+"/);
    assert.equal(await caller.exit(), 0);
    assert.equal(await example.stop(), 0);
  });

  it("data-channels: open, close from both sides, a file under flow control", async () => {
    const example = await open("data-channels");
    await logged("talk is open");
    await press("Say something");
    await logged("I heard: It is");
    await press("Fetch 8 MB");
    await logged("8388608 of 8388608 bytes");
    const [, waits, most] = await example.line(/waited (\d+) times; never more than (\d+) bytes/);
    assert.ok(Number(waits) > 5, `it waited ${waits} times`);
    assert.ok(Number(most) <= 1024 * 1024 + 64 * 1024, `${most} bytes waited`);
    await press("Let the program close it");
    await logged("talk is closed");
    await press("Open another");
    await page.locator("#log li").filter({ hasText: "talk is open" }).nth(1).waitFor();
    await press("Close the channel");
    await example.line(/channel \d+ is closed/);
    assert.equal(await example.stop(), 0);
  });

  it("ice-restart: both ends get new names, and the picture goes on", async () => {
    const example = await open("ice-restart");
    await pictures();
    await page.locator("#state[data-state=connected]").waitFor();
    const names = () => example.lines.filter((line) => line.startsWith("our name"));
    await press("Restart ICE");
    await page.locator("#log li").filter({ hasText: "the page's name" }).nth(1).waitFor();
    await pictures();
    assert.equal(new Set(names()).size, 2, names().join("\n"));
    assert.equal(await example.stop(), 0);
  });

  it("stats-plot: the page draws curves of what the program measured", async () => {
    const example = await open("stats-plot");
    await page.waitForFunction(
      `document.querySelectorAll("polyline").length === 3 &&
        [...document.querySelectorAll("polyline")].every((line) => line.points.numberOfItems >= 2)`,
    );
    await page
      .locator("figure output")
      .first()
      .filter({ hasText: /^[1-9]\d*\.\d kbit\/s$/ })
      .waitFor();
    assert.equal(await example.stop(), 0);
  });

  it("swap-tracks: the picture changes its colour without a negotiation", async () => {
    const example = await open("swap-tracks");
    await pictures();
    const colour = () =>
      page.evaluate<string>(`(() => {
        const canvas = new OffscreenCanvas(1, 1);
        const context = canvas.getContext("2d");
        context.drawImage(document.querySelector("video"), 0, 0, 1, 1);
        const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
        return red > green && red > blue ? "red" : green > blue ? "green" : "blue";
      })()`);
    for (const [before, after] of [
      ["blue", "red"],
      ["red", "green"],
    ]) {
      assert.equal(await colour(), before);
      await press("Swap");
      await logged(`now: ${after}`);
      while ((await colour()) === before) await pictures(1);
    }
    assert.equal(await example.stop(), 0);
  });

  it("broadcast: what one page sends, two others see", async () => {
    const example = await open("broadcast");
    await press("Send my camera");
    await logged("Sending");
    const others = await Promise.all([newPage(page.url()), newPage(page.url())]);
    try {
      for (const other of others) await press("Watch", other);
      await example.line(/2 watching/);
      for (const other of others) {
        await pictures(5, other);
        assert.equal(await other.evaluate("document.querySelector('video').videoWidth"), 640);
      }
    } finally {
      for (const other of others) await other.close();
    }
    assert.equal(await example.stop(), 0);
  });

  it("simulcast: what the page sends in three sizes comes back as three pictures", async () => {
    const example = await open("simulcast");
    await example.line(/the page sends high, middle, low/);
    for (const text of ["high: 960x540", "middle: 480x270", "low: 240x134"]) await logged(text);
    await pictures();
    assert.equal(await example.stop(), 0);
  });

  it("play-from-disk: a Y4M file as H.264, then as VP8", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-example-"));
    try {
      const file = join(folder, "film.y4m");
      const frame = (luma: number) =>
        Buffer.concat([Buffer.from("FRAME\n"), Buffer.alloc(320 * 180 * 1.5, luma)]);
      const frames = Array.from({ length: 30 }, (_, i) => frame(100 + 5 * i));
      writeFileSync(file, Buffer.concat([Buffer.from("YUV4MPEG2 W320 H180 F30:1 C420\n"), ...frames]));
      const example = await open("play-from-disk", file);
      for (const [name, codec] of [
        ["Play as H.264", "video/H264"],
        ["Play as VP8", "video/VP8"],
      ]) {
        await press(name);
        await logged(`Playing as ${codec}`);
        await pictures();
        const size = "(({ videoWidth, videoHeight }) => [videoWidth, videoHeight])";
        assert.deepEqual(await page.evaluate(`${size}(document.querySelector("video"))`), [320, 180]);
      }
      assert.equal(await example.stop(), 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("save-to-disk: what the page sent stands in the files", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-example-"));
    try {
      const example = await open("save-to-disk", folder);
      await press("Record");
      await logged("Recording.");
      await example.line(/receiving/);
      await press("Stop");
      await example.line(/recorded/);
      assert.equal(await example.stop(), 0);
      const file = readFileSync(join(folder, "recording.h264"));
      assert.equal(file.readUInt32BE(0), 1);
      assert.ok(file.length > 1000, `${file.length} bytes`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("insertable-streams: the picture comes back where both ends have the secret, and never elsewhere", async () => {
    const example = await open("insertable-streams");
    await press("Call with another secret");
    await logged("Calling with another secret.");
    await page.evaluate(`(async () => {
      const video = document.querySelector("video");
      globalThis.wrongly = false;
      video.requestVideoFrameCallback(() => { wrongly = true; });
    })()`);
    await page.locator("#state[data-state=connected]").waitFor();
    await page.evaluate(
      "(async () => { for (let i = 0; i < 60; i++) await new Promise(requestAnimationFrame); })()",
    );
    assert.equal(await page.evaluate("wrongly"), false);
    await press("Call");
    await logged("Calling with the secret.");
    await pictures();
    assert.equal(await example.stop(), 0);
  });

  it("rtp-forwarder: FFmpeg reads the page's picture by the SDP file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-example-"));
    try {
      const sdp = join(folder, "call.sdp");
      const film = join(folder, "call.webm");
      const example = await open("rtp-forwarder", `${await freePort(4)}`, sdp);
      await press("Send");
      await example.line(/forwarding video/);
      const input = ["-protocol_whitelist", "file,udp,rtp", "-analyzeduration", "2000000", "-i", sdp];
      await promisify(execFile)("ffmpeg", [
        "-loglevel",
        "fatal",
        "-nostdin",
        ...input,
        "-c",
        "copy",
        "-frames:v",
        "10",
        film,
      ]);
      const { streams } = probe(film, { cut: true });
      assert.deepEqual(
        streams.map(({ codec_name }) => codec_name),
        ["vp8"],
      );
      assert.ok(Number(streams[0].nb_read_frames) >= 5, `${streams[0].nb_read_frames} pictures`);
      assert.equal(await example.stop(), 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("rtp-to-webrtc: the page shows what FFmpeg sends", async () => {
    const port = await freePort(4);
    await open("rtp-to-webrtc", `${port}`);
    const picture = [
      "-re",
      "-f",
      "lavfi",
      "-i",
      "testsrc2=size=240x136:rate=30",
      "-c:v",
      "libvpx",
      "-g",
      "30",
    ];
    const to = ["-deadline", "realtime", "-f", "rtp", `rtp://127.0.0.1:${port}?pkt_size=1200`];
    const sender = spawn("ffmpeg", ["-loglevel", "fatal", "-nostdin", ...picture, ...to], {
      stdio: "ignore",
    });
    try {
      await pictures();
      const size = "(({ videoWidth, videoHeight }) => [videoWidth, videoHeight])";
      assert.deepEqual(await page.evaluate(`${size}(document.querySelector("video"))`), [240, 136]);
    } finally {
      sender.kill("SIGKILL");
    }
  });
});

describe("the example offer-answer without a page", function () {
  this.timeout(120_000);
  const running: ExampleProcess[] = [];
  const start = (...args: string[]) => {
    const example = new ExampleProcess("offer-answer", ...args);
    running.push(example);
    return example;
  };
  afterEach(async () => {
    for (const example of running.splice(0)) await example.kill();
  });

  it("connects two processes by two lines that are copied from one to the other", async () => {
    const [caller, answerer] = [start("offer"), start("answer")];
    const [offer] = await caller.line(/^eJ\S+$/);
    answerer.write(offer);
    const [answer] = await answerer.line(/^eJ\S+$/);
    caller.write(answer);
    await caller.line(/heard: You said/);
    assert.deepEqual(await Promise.all([caller.exit(), answerer.exit()]), [0, 0]);
  });
});
