/** How the browsers are started: Chromium by the project's own Playwright, Firefox by the Puppeteer of this folder. */
import { createRequire } from "node:module";
import { launchChromium } from "../test/support/chromium.js";
import { type BrowserPage, PagePeer } from "./page_peer.js";

export async function launchChromiumPeer(): Promise<PagePeer> {
  // Plain host addresses: who is behind a relay cannot learn them from checks that arrive.
  const browser = await launchChromium(["--disable-features=WebRtcHideLocalIpsWithMdns"]);
  const page = await browser.newPage();
  return new PagePeer(page, () => browser.close(), {
    version: browser.version(),
    unsupported: {},
    countsRepairs: true,
  });
}

/** The part of Puppeteer that is used; the package itself is in this folder's node_modules, not the project's. */
interface Puppeteer {
  launch(options: object): Promise<{
    newPage(): Promise<BrowserPage>;
    version(): Promise<string>;
    close(): Promise<void>;
  }>;
}

const FIREFOX_SETTINGS = {
  // Plain host addresses, loopback too; names of mDNS would need an answering network.
  "media.peerconnection.ice.obfuscate_host_addresses": false,
  "media.peerconnection.ice.loopback": true,
  "media.autoplay.default": 0,
  // Without a sound device Firefox's AudioContext never starts; its fake microphone does.
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.navigator.audio.fake_frequency": 880,
};

export async function launchFirefoxPeer(): Promise<PagePeer> {
  const require = createRequire(new URL("../../interop/package.json", import.meta.url));
  const puppeteer = require("puppeteer-core") as Puppeteer;
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr",
    headless: true,
    extraPrefsFirefox: FIREFOX_SETTINGS,
  });
  const version = (await browser.version()).replace(/^firefox\//i, "");
  return new PagePeer(await browser.newPage(), () => browser.close(), { version, unsupported: {} }, true);
}
