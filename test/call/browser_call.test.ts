/**
 * The whole way: our server, its web client in unmodified headless Chromium, and a terminal peer with the media
 * engine. Both ends prove by the block code in the decoded picture and by the tone that what arrived is what was sent.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { Peer } from "../../src/client/peer.js";
import type { PeerReport } from "../../src/client/report.js";
import { parseConfig } from "../../src/config/load.js";
import { type BlockCode, readBlockCode } from "../../src/media/analysis/block_code.js";
import { createServer, type RoomServer } from "../../src/server/room_server.js";
import { launchChromium, PATIENCE_MS } from "../support/chromium.js";
import { codeOf, giveMedia, toneOf } from "../support/page_media.js";
import { untilTone } from "../support/tones.js";

const byId = (id: string) => `[data-testid="${id}"]`;
const PASSWORD = "correct horse battery";
const PAGE = { width: 640, height: 360, tag: 0xc0de, toneHz: 700 };
const OURS = { tag: 0x0bee, toneHz: 440 };
/** Sound passes Opus, a resampler and a busy machine's concealment. */
const TONE_SLACK_HZ = 15;

describe("a call between the web client in Chromium and a terminal peer", function () {
  this.timeout(120_000);
  let folder: string;
  let server: RoomServer;
  let browser: Browser;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "roomrtc-browser-call-"));
    server = await createServer({
      host: "127.0.0.1",
      port: 0,
      httpPort: 0,
      usersFile: join(folder, "users.txt"),
      certFile: join(folder, "cert.pem"),
      keyFile: join(folder, "key.pem"),
    });
    browser = await launchChromium();
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function terminal(user: string, autoAnswer: boolean): Promise<Peer> {
    const { config } = parseConfig("", "test", [
      ["server", "client_server_addr", `127.0.0.1:${server.address().port}`],
      ["network", "bind_address", "127.0.0.1"],
      ["network", "include_loopback", "true"],
      ["media", "frame_width", "640"],
      ["media", "frame_height", "360"],
    ]);
    const peer = await Peer.start({
      config,
      user,
      password: PASSWORD,
      register: true,
      autoAnswer,
      video: "test",
      audio: `tone:${OURS.toneHz}`,
      tag: OURS.tag,
      fingerprint: server.fingerprint,
    });
    await peer.login();
    return peer;
  }

  async function web(user: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await giveMedia(page, PAGE);
    await page.goto(`http://localhost:${server.address().httpPort}/`);
    await page.click(byId("register-toggle"));
    await page.fill(byId("login-username"), user);
    await page.fill(byId("login-password"), PASSWORD);
    await page.click(byId("login-submit"));
    await page.waitForSelector(byId("lobby"));
    return page;
  }

  /** Codes of the pictures that arrive here until `count` different frame numbers were read. */
  function codesArriving(peer: Peer, count: number): Promise<BlockCode[]> {
    const codes = new Map<number, BlockCode>();
    return new Promise((done) => {
      const end = peer.engine.onPicture((bytes, { offsetY, strideY, width, height }) => {
        const code = readBlockCode(bytes, width, height, strideY, 1, offsetY);
        if (code) codes.set(code.frameNumber, code);
        if (codes.size < count) return;
        end();
        done([...codes.values()]);
      });
    });
  }

  /** Codes that the page shows until `count` different frame numbers were read. */
  async function codesShown(page: Page, count: number): Promise<BlockCode[]> {
    const codes = new Map<number, BlockCode>();
    while (codes.size < count) {
      const code = await codeOf(page, byId("remote-video"));
      if (code) codes.set(code.frameNumber, code);
      else await pass(20);
    }
    return [...codes.values()];
  }

  async function proveBothWays(page: Page, peer: Peer): Promise<void> {
    const [arrived, shown] = await Promise.all([codesArriving(peer, 10), codesShown(page, 10)]);
    assert.ok(arrived.every(({ tag }) => tag === PAGE.tag));
    assert.ok(shown.every(({ tag }) => tag === OURS.tag));
    await untilTone("Chromium hears us", OURS.toneHz, TONE_SLACK_HZ, () =>
      toneOf(page, byId("remote-video")),
    );
    await untilTone("we hear Chromium", PAGE.toneHz, TONE_SLACK_HZ, async () => {
      return (await peer.report())?.received.audio.toneHz;
    });
  }

  const ended = (peer: Peer) => new Promise<PeerReport>((done) => peer.once("ended", done));

  it("Chromium calls: picture and sound both ways are what was sent, and hanging up there ends it here", async () => {
    const peer = await terminal("kiosk", true);
    const page = await web("ana");
    try {
      await page.click(byId("call-kiosk"));
      await proveBothWays(page, peer);
      const over = ended(peer);
      await page.click(byId("hangup"));
      const report = await over;
      assert.equal(report.ok, true);
      assert.match(report.dtls, /^DTLSv1\.2 /);
      assert.ok(report.received.video.framesDecoded >= 10);
      await page.waitForSelector(byId("lobby"));
    } finally {
      await page.close();
      await peer.close();
    }
  });

  it("the peer calls: Chromium accepts, both prove it, and hanging up here ends it there", async () => {
    const peer = await terminal("caller", false);
    const page = await web("bob");
    try {
      peer.call("bob");
      await page.click(byId("accept-call"));
      await proveBothWays(page, peer);
      await peer.hangUp();
      await page.waitForSelector(byId("lobby"));
    } finally {
      await page.close();
      await peer.close();
    }
  });
});
