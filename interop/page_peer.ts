/** A browser as a peer: a page with a canvas that carries the block code, and an oscillator. */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { BlockCode } from "../src/media/analysis/block_code.js";
import { ToneDetector } from "../src/media/analysis/tone_detector.js";
import { mediaScript } from "../test/support/page_media.js";
import type {
  CandidateInit,
  Change,
  InteropPeer,
  LayerView,
  LayerWish,
  MediaFiles,
  PeerFacts,
  RepairView,
} from "./peer.js";

/** What Playwright's and Puppeteer's pages have in common. */
export interface BrowserPage {
  goto(url: string): Promise<unknown>;
  evaluate(script: string): Promise<unknown>;
  exposeFunction(name: string, callback: (candidate: CandidateInit) => void): Promise<unknown>;
}

const script = readFileSync(new URL("../../interop/drivers/page.js", import.meta.url), "utf8");

function html(media: MediaFiles): string {
  const elements = "<video autoplay muted playsinline></video><audio autoplay></audio>";
  const keep = "const deviceMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);";
  const scripts = [keep, mediaScript(media), script].join("\n");
  return `<!doctype html><title>interop</title>${elements}<script>${scripts}</script>`;
}

/** The page over HTTP on loopback: a secure context. */
async function serve(page: string): Promise<Server> {
  const server = createServer((_, response) =>
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

export class PagePeer implements InteropPeer {
  onCandidate: (candidate: CandidateInit) => void = () => {};
  #server: Server | undefined;
  /** What the page was told to send. */
  #media: MediaFiles | undefined;

  constructor(
    private readonly page: BrowserPage,
    private readonly closeBrowser: () => Promise<void>,
    readonly facts: PeerFacts,
    /** The browser's fake microphone gives the tone, and a recording is listened to: for one whose Web Audio stands still. */
    private readonly withoutWebAudio = false,
  ) {}

  async start(media: MediaFiles): Promise<void> {
    await this.#give(media);
    await this.#call("start", this.facts.unsupported.video === undefined, this.withoutWebAudio);
  }

  async startLayers(media: MediaFiles, layers: readonly LayerWish[]): Promise<void> {
    await this.#give(media);
    await this.#call("startLayers", layers);
  }

  readLayer(mid: string): Promise<LayerView> {
    return this.#call("readLayer", mid);
  }

  offer(iceRestart: boolean): Promise<string> {
    return this.#call("offer", iceRestart);
  }

  answer(sdp: string): Promise<string> {
    return this.#call("answer", sdp);
  }

  accept(sdp: string): Promise<void> {
    return this.#call("accept", sdp);
  }

  addCandidate(candidate: CandidateInit): Promise<void> {
    return this.#call("addCandidate", candidate);
  }

  async readCode(): Promise<BlockCode | null> {
    return (await this.page.evaluate('pageMedia.code("video")')) as BlockCode | null;
  }

  async readTone(): Promise<number> {
    if (!this.withoutWebAudio) return (await this.page.evaluate('pageMedia.tone("audio")')) as number;
    const pcm = Int16Array.from(await this.#call<number[]>("record"));
    const detector = new ToneDetector();
    detector.add(pcm, 1, pcm.length);
    return detector.frequencyHz();
  }

  change(what: Change): Promise<void> {
    return this.#call("change", what);
  }

  /** Browsers repair what the descriptions say. */
  startRepair(media: MediaFiles): Promise<void> {
    return this.start(media);
  }

  readRepairs(): Promise<RepairView> {
    return this.#call("repairs");
  }

  openChannel(): Promise<void> {
    return this.#call("openChannel");
  }

  state(): Promise<string> {
    return this.#call("state");
  }

  close(): Promise<void> {
    return this.#call("close");
  }

  async quit(): Promise<void> {
    await this.closeBrowser();
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  async #give(media: MediaFiles): Promise<void> {
    if (!this.#server) await this.#open(media);
    else if (media !== this.#media) await this.page.evaluate(mediaScript(media));
    this.#media = media;
  }

  async #open(media: MediaFiles): Promise<void> {
    const { page } = this;
    this.#server = await serve(html(media));
    await page.exposeFunction("sendCandidate", (candidate) => this.onCandidate(candidate));
    await page.goto(`http://localhost:${(this.#server.address() as AddressInfo).port}/`);
  }

  async #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    const list = args.map((arg) => JSON.stringify(arg)).join(", ");
    return (await this.page.evaluate(`interop.${method}(${list})`)) as T;
  }
}
