import { type Browser, chromium, type Page } from "playwright-core";

/** Headless Chromium as installed; nothing is downloaded. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
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
    ],
  });
}

/** What a script in the page answers; scripts are texts since this project's types have no DOM. */
export function run<T>(page: Page, script: string): Promise<T> {
  return page.evaluate<T>(`(async () => { ${script} })()`);
}
