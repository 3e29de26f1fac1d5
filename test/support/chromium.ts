/** Headless Chromium for tests, on loopback alone. */
import { type Browser, chromium } from "playwright-core";

export const CHROMIUM_PATH = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** How long a page may take for one step: a busy machine is slow, and what never comes fails all the same. */
export const PATIENCE_MS = 60_000;

/** `extra` flags, such as fake devices. */
export function launchChromium(extra: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    timeout: PATIENCE_MS,
    executablePath: CHROMIUM_PATH,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--allow-loopback-in-peer-connection",
      "--autoplay-policy=no-user-gesture-required",
      ...extra,
    ],
  });
}
