import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { decodeDescription, encodeDescription } from "../../src/exchange/description_text.js";
import { gatheringComplete } from "../../src/exchange/gathering.js";
import { serveOffers } from "../../src/exchange/offer_endpoint.js";
import { stopDefaultEngine } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { nextEvent } from "../webrtc/fake_transport.js";
import { run } from "../webrtc/page_script.js";
import { echo, loopbackConnection, patient } from "./loopback.js";

/** The page's half: it waits for its candidates, as `gatheringComplete` does here. */
const PAGE = `
  window.gathered = (pc) => new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
  window.talk = (channel) => new Promise((resolve) => {
    channel.onmessage = ({ data }) => resolve(data);
    if (channel.readyState === "open") channel.send("hello");
    else channel.onopen = () => channel.send("hello");
  });
`;

describe("descriptions exchanged with Chromium", function () {
  this.timeout(120_000);
  let browser: Browser;
  let page: Page;

  before(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
  });
  after(async () => {
    await browser?.close();
    await stopDefaultEngine();
  });

  it("connect over the HTTP endpoint, from a page that the same server serves", async () => {
    const server = await serveOffers({
      connect: () => echo(loopbackConnection()),
      gathering: patient,
      otherwise: (_, response) =>
        void response.setHeader("Content-Type", "text/html").end("<title>page</title>"),
    });
    await page.goto(`${server.origin}/`);
    await run(page, PAGE);
    const reply = await run<string>(
      page,
      `const pc = new RTCPeerConnection();
      const channel = pc.createDataChannel("talk");
      await pc.setLocalDescription();
      await gathered(pc);
      const headers = { "Content-Type": "application/json" };
      const response = await fetch("/offer", { method: "POST", headers, body: JSON.stringify(pc.localDescription) });
      await pc.setRemoteDescription(await response.json());
      return talk(channel);`,
    );
    assert.equal(reply, "echo of hello");
    await server.close();
  });

  it("connect when copied by hand, ours compressed: the page inflates it with its own DecompressionStream", async () => {
    const pc = echo(loopbackConnection());
    const channel = pc.createDataChannel("talk");
    await pc.setLocalDescription();
    await gatheringComplete(pc, patient);
    const offer = encodeDescription(pc.localDescription ?? { type: "offer" }, { compress: true });
    await page.goto("about:blank");
    await run(page, PAGE);
    const answer = await run<string>(
      page,
      `const bytes = Uint8Array.from(atob(${JSON.stringify(offer)}), (character) => character.charCodeAt(0));
      const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      window.pc = new RTCPeerConnection();
      pc.ondatachannel = ({ channel }) => { channel.onmessage = ({ data }) => channel.send("page heard " + data); };
      await pc.setRemoteDescription(await new Response(inflated).json());
      await pc.setLocalDescription();
      await gathered(pc);
      return btoa(JSON.stringify(pc.localDescription));`,
    );
    const opened = nextEvent(channel, "open");
    await pc.setRemoteDescription(decodeDescription(answer));
    await opened;
    const heard = nextEvent<MessageEvent>(channel, "message");
    channel.send("hello");
    assert.equal((await heard).data, "page heard hello");
    pc.close();
  });
});
