/** Gives a page a picture with block codes and a tone, and reads what it shows and plays (page_media.js does it there). */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { type BlockCode, BlockCodeWriter, readBlockCode } from "../../src/media/analysis/block_code.js";

export interface PageMedia {
  readonly width: number;
  readonly height: number;
  readonly tag: number;
  readonly toneHz: number;
}

/** Frame numbers count from 0 up to this, over and over. */
export const PAGE_FRAMES = 64;

const script = readFileSync(new URL("../../../test/support/page_media.js", import.meta.url), "utf8");

/** One luma row out of each of the code's four rows, for every frame number. */
function codeStrips({ width, height, tag }: PageMedia): string[] {
  const luma = width * height;
  const chroma = (width >> 1) * (height >> 1);
  const image = new Uint8Array(luma + 2 * chroma);
  const half = width >> 1;
  const layout = {
    strideY: width,
    strideU: half,
    strideV: half,
    offsetY: 0,
    offsetU: luma,
    offsetV: luma + chroma,
  };
  const writer = new BlockCodeWriter(width, height);
  const rows = [1, 2, 3, 4].map((row) => Math.floor(((row + 0.5) * height) / 45));
  return Array.from({ length: PAGE_FRAMES }, (_, frame) => {
    writer.write(image, layout, frame, 0, tag);
    return rows
      .map((y) => Buffer.from(image.subarray(y * width, (y + 1) * width)).toString("base64"))
      .join(" ");
  });
}

/** What replaces getUserMedia in a document that runs it first. */
export function mediaScript(media: PageMedia): string {
  const given = { ...media, strips: codeStrips(media) };
  const reader = `pageMedia.read = ${readBlockCode.toString()};`;
  return `${script}\n${reader}\npageMedia.install(${JSON.stringify(given)});`;
}

/** Replaces getUserMedia in every document that the page opens from now on. */
export async function giveMedia(page: Page, media: PageMedia): Promise<void> {
  await page.addInitScript({ content: mediaScript(media) });
}

/** An expression as a function: a page's content security policy may forbid to evaluate strings. */
function inPage<T>(expression: string): () => T {
  return new Function(`return ${expression}`) as () => T;
}

/** The block code in the picture that the video element shows now; null when it carries none. */
export function codeOf(page: Page, selector: string): Promise<BlockCode | null> {
  return page.evaluate(inPage<BlockCode | null>(`pageMedia.code(${JSON.stringify(selector)})`));
}

/** What the media element's sound has most of, in Hz. */
export function toneOf(page: Page, selector: string): Promise<number> {
  return page.evaluate(inPage<Promise<number>>(`pageMedia.tone(${JSON.stringify(selector)})`));
}
