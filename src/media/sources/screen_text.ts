/** The text behind `screen:`, and what it says. */
import type { ScreenCaptureOptions } from "../../../native/addon.js";

/** What of an X display is shown. */
export interface ScreenPlace extends Pick<ScreenCaptureOptions, "region" | "window"> {
  /** As X names it (":0", ":0.1", "host:0"); "": the one of the environment's DISPLAY. */
  readonly display: string;
}

/** Reads `[DISPLAY]`, `[DISPLAY,]X,Y,WIDTHxHEIGHT` or `[DISPLAY,]window=ID`; undefined when it is none of them. */
export function parseScreen(text: string): ScreenPlace | undefined {
  const [display, rest] = splitDisplay(text);
  if (rest === "") return { display };
  const window = rest.match(/^window=(0x[0-9a-f]{1,8}|\d{1,10})$/i);
  if (window !== null) return windowPlace(display, Number(window[1]));
  const region = rest.match(/^(\d{1,5}),(\d{1,5}),(\d{1,5})x(\d{1,5})$/);
  if (region === null) return undefined;
  const [x, y, width, height] = region.slice(1).map(Number);
  return width >= 2 && height >= 2 ? { display, region: { x, y, width, height } } : undefined;
}

function windowPlace(display: string, window: number): ScreenPlace | undefined {
  return window >= 1 && window <= 0xffff_ffff ? { display, window } : undefined;
}

function splitDisplay(text: string): [display: string, rest: string] {
  const found = text.match(/^([\w.-]*:\d{1,5}(?:\.\d{1,3})?)(?:,|$)/);
  return found === null ? ["", text] : [found[1], text.slice(found[0].length)];
}
