/** The web client in headless Chromium, against our server: two people and what they see of each other. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { RoomServer } from "../../src/server/room_server.js";
import { cleanUp, lineClient, onCleanUp, PASSWORD, SDP, startServer } from "../server/harness.js";
import { launchChromium, PATIENCE_MS } from "../support/chromium.js";

/** dist/test/web → dist/web */
const WEB_ROOT = fileURLToPath(new URL("../../web", import.meta.url));
/** An expression as a function of the page: its content security policy rightly forbids to evaluate strings there. */
const inPage = (expression: string): (() => unknown) => new Function(`return ${expression}`) as () => unknown;
const byId = (id: string): string => `[data-testid="${id}"]`;

describe("web client", function () {
  this.timeout(120_000);
  let browser: Browser;
  let noDevices: Browser;

  before(async () => {
    assert.ok(existsSync(`${WEB_ROOT}/index.html`), "the web client is not built");
    browser = await launchChromium(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
    noDevices = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await noDevices?.close();
  });
  afterEach(cleanUp);

  interface Person {
    readonly page: Page;
    readonly context: BrowserContext;
    /** What the page complained about. */
    readonly complaints: string[];
  }

  async function open(server: RoomServer, secure = false, from = browser): Promise<Person> {
    const context = await from.newContext({ ignoreHTTPSErrors: secure });
    context.setDefaultTimeout(PATIENCE_MS);
    onCleanUp(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    const { port, httpPort } = server.address();
    await page.goto(secure ? `https://localhost:${port}/` : `http://localhost:${httpPort}/`);
    return { page, context, complaints };
  }

  async function enter(person: Person, name: string, register = false): Promise<Page> {
    const { page } = person;
    if (register) await page.click(byId("register-toggle"));
    await page.fill(byId("login-username"), name);
    await page.fill(byId("login-password"), PASSWORD);
    await page.click(byId("login-submit"));
    await page.waitForSelector(byId("lobby"));
    return page;
  }

  const web = (users: string[] = []): Promise<RoomServer> => startServer(users, { webRoot: WEB_ROOT });

  /** Waits until the other's picture is there and moves on. */
  async function sees(page: Page): Promise<void> {
    const video = `document.querySelector('${byId("remote-video")}')`;
    await page.waitForFunction(inPage(`${video}?.videoWidth > 0`));
    const frames = `${video}.getVideoPlaybackQuality().totalVideoFrames`;
    const before = Number(await page.evaluate(inPage(frames)));
    await page.waitForFunction(inPage(`${frames} > ${before + 5}`));
  }

  async function callBetween(ana: Page, bob: Page): Promise<void> {
    await ana.click(byId("call-bob"));
    await bob.click(byId("accept-call"));
    await Promise.all([sees(ana), sees(bob)]);
  }

  it("two people register, call, see and hear each other, and hang up: one over http, one over https", async () => {
    const server = await web();
    const people = [await open(server), await open(server, true)];
    const [first, second] = people as [Person, Person];
    const ana = await enter(first, "ana", true);
    const bob = await enter(second, "bob", true);
    await callBetween(ana, bob);
    await ana.waitForSelector(byId("call-clock"));
    const heard = `document.querySelector('${byId("remote-video")}').srcObject.getAudioTracks()
      .some((track) => track.readyState === "live" && !track.muted)`;
    await ana.waitForFunction(inPage(heard));
    await bob.waitForFunction(inPage(heard));
    assert.equal(server.counts().calls, 1);
    await ana.click(byId("hangup"));
    await bob.waitForSelector(byId("lobby"));
    assert.match((await bob.textContent(byId("notice"))) ?? "", /ana hung up/);
    await ana.waitForSelector(`${byId("user-bob")}[data-status="AVAILABLE"]`);
    assert.equal(server.counts().calls, 0);
    await bob.click(byId("call-ana"));
    await ana.click(byId("accept-call"));
    await sees(ana);
    assert.deepEqual([first.complaints, second.complaints], [[], []]);
  });

  it("negotiates H.264 and shows the call's numbers", async () => {
    const server = await web(["ana", "bob"]);
    const ana = await enter(await open(server), "ana");
    const bob = await enter(await open(server), "bob");
    await callBetween(ana, bob);
    await bob.click(byId("statistics-toggle"));
    await bob.waitForFunction(
      inPage(
        `/Video codec\\s*H264\\s*H264/.test(document.querySelector('${byId("statistics")}')?.innerText ?? "")`,
      ),
    );
    const table = `document.querySelector('${byId("statistics")}').innerText`;
    await bob.waitForFunction(inPage(`/Video\\s+[\\d.]+ [kM]bit\\/s\\s+[\\d.]+ [kM]bit/.test(${table})`));
    await bob.waitForFunction(inPage(`/Frame rate\\s+\\d+ fps\\s+\\d+ fps/.test(${table})`));
    await bob.waitForFunction(inPage(`/Picture\\s+\\d+ × \\d+\\s+\\d+ × \\d+/.test(${table})`));
    await bob.waitForFunction(inPage(`/Round trip\\s+[\\d.]+ ms/.test(${table})`));
  });

  it("mutes, and stops sending a moving picture with the camera off", async () => {
    const server = await web(["ana", "bob"]);
    const ana = await enter(await open(server), "ana");
    const bob = await enter(await open(server), "bob");
    await callBetween(ana, bob);
    const brightness = `(() => {
      const video = document.querySelector('${byId("remote-video")}');
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 8;
      const context = canvas.getContext("2d");
      context.drawImage(video, 0, 0, 8, 8);
      return context.getImageData(0, 0, 8, 8).data.reduce((sum, value, at) => sum + (at % 4 < 3 ? value : 0), 0);
    })()`;
    await bob.waitForFunction(inPage(`${brightness} > 8 * 8 * 3 * 40`));
    await ana.click(byId("camera"));
    await bob.waitForFunction(inPage(`${brightness} < 8 * 8 * 3 * 25`));
    await ana.click(byId("camera"));
    await bob.waitForFunction(inPage(`${brightness} > 8 * 8 * 3 * 40`));
    await ana.click(byId("mute"));
    assert.equal(await ana.getAttribute(byId("mute"), "aria-pressed"), "true");
  });

  it("says why a login is refused, and what the other did with a call", async () => {
    const server = await web(["ana", "bob"]);
    const { page } = await open(server);
    await page.fill(byId("login-username"), "ana");
    await page.fill(byId("login-password"), "wrong");
    await page.click(byId("login-submit"));
    await page.waitForFunction(
      inPage(`/wrong name or password/i.test(document.querySelector('${byId("login-error")}').innerText)`),
    );
    await page.fill(byId("login-password"), PASSWORD);
    await page.click(byId("login-submit"));
    await page.waitForSelector(byId("lobby"));
    const bob = await enter(await open(server), "bob");
    await page.click(byId("call-bob"));
    await bob.click(byId("reject-call"));
    await page.waitForFunction(
      inPage(`/bob rejected the call/.test(document.querySelector('${byId("notice")}')?.innerText ?? "")`),
    );
  });

  it("without devices: says so, still receives, and sends a test picture when asked to", async () => {
    const server = await web(["ana", "bob"]);
    const bare = await open(server, false, noDevices);
    const ana = await enter(bare, "ana");
    const bob = await enter(await open(server), "bob");
    await ana.click(byId("call-bob"));
    await bob.click(byId("accept-call"));
    await sees(ana);
    const problems = (await ana.textContent(byId("device-problems"))) ?? "";
    assert.match(problems, /camera/);
    assert.match(problems, /microphone/);
    await ana.click(byId("use-test-picture"));
    await sees(bob);
  });

  it("sees others come, go and become busy", async () => {
    const server = await web(["ana", "bob", "eve"]);
    const ana = await enter(await open(server), "ana");
    const status = (name: string, value: string) =>
      ana.waitForSelector(`${byId(`user-${name}`)}[data-status="${value}"]`);
    await status("bob", "DISCONNECTED");
    const bob = await (await lineClient(server)).login("bob");
    await status("bob", "AVAILABLE");
    const eve = await (await lineClient(server)).login("eve");
    eve.send({ type: "CALL_OFFER", to: "bob", sdp: SDP });
    await status("bob", "BUSY");
    assert.equal(await ana.isDisabled(byId("call-bob")), true);
    bob.destroy();
    await status("bob", "DISCONNECTED");
    await status("eve", "AVAILABLE");
  });

  it("connects again by itself when the server comes back", async () => {
    const first = await web(["ana", "bob"]);
    const { port, httpPort } = first.address();
    const ana = await enter(await open(first), "ana");
    await first.close();
    await ana.waitForSelector(byId("offline"));
    await startServer(["ana", "bob"], { webRoot: WEB_ROOT, port, httpPort: httpPort ?? 0 });
    await ana.waitForSelector(byId("offline"), { state: "detached" });
    await ana.waitForSelector(`${byId("user-bob")}[data-status="DISCONNECTED"]`);
  });
});
