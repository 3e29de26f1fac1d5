/** Headless Chromium: a page with a canvas that carries the block code, and an oscillator. */
import type { Browser, Page } from "playwright-core";
import type { BlockCode } from "../src/media/analysis/block_code.js";
import { launchChromium } from "../test/support/chromium.js";
import { codeOf, giveMedia, toneOf } from "../test/support/page_media.js";
import type { CandidateInit, Change, InteropPeer, MediaFiles, PeerFacts } from "./peer.js";

/** Served by a route of the page itself: a secure context without a server. */
const PAGE = "http://localhost/interop";

const HTML = `<!doctype html><title>interop</title><video autoplay muted playsinline></video><audio autoplay></audio>
<script>
const video = document.querySelector("video");
const audio = document.querySelector("audio");
globalThis.interop = {
  async start() {
    this.close();
    const pc = (this.pc = new RTCPeerConnection());
    pc.onicecandidate = ({ candidate }) => candidate && this.pc === pc && sendCandidate(candidate.toJSON());
    pc.ontrack = ({ track }) => {
      (track.kind === "video" ? video : audio).srcObject = new MediaStream([track]);
    };
    this.media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of this.media.getTracks()) pc.addTrack(track, this.media);
  },
  async offer(iceRestart) {
    const { pc } = this;
    const offer = await pc.createOffer({ iceRestart });
    await pc.setLocalDescription(offer);
    return offer.sdp;
  },
  async answer(sdp) {
    const { pc } = this;
    await pc.setRemoteDescription({ type: "offer", sdp });
    const answer = await pc.createAnswer();
    await pc.setLocalDescription(answer);
    return answer.sdp;
  },
  accept(sdp) { return this.pc.setRemoteDescription({ type: "answer", sdp }); },
  addCandidate(candidate) { return this.pc.addIceCandidate(candidate); },
  change(what) {
    const { pc, media } = this;
    if (what === "addVideo") pc.addTrack(media.getVideoTracks()[0], media);
    else pc.removeTrack(pc.getSenders().find(({ track }) => track?.kind === "video"));
  },
  state() {
    const dtls = this.pc?.getSenders()[0]?.transport?.state;
    return [this.pc?.connectionState ?? "none", ...(dtls ? ["DTLS " + dtls] : [])].join(", ");
  },
  close() { this.pc?.close(); this.pc = undefined; video.srcObject = audio.srcObject = null; },
};
</script>`;

export class ChromiumPeer implements InteropPeer {
  readonly facts: PeerFacts;
  onCandidate: (candidate: CandidateInit) => void = () => {};
  #ready = false;

  static async launch(): Promise<ChromiumPeer> {
    const browser = await launchChromium();
    const page = await browser.newPage();
    return new ChromiumPeer(browser, page);
  }

  private constructor(
    private readonly browser: Browser,
    private readonly page: Page,
  ) {
    this.facts = { version: browser.version(), unsupported: {} };
  }

  async start(media: MediaFiles): Promise<void> {
    if (!this.#ready) await this.#open(media);
    await this.#call("start");
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

  readCode(): Promise<BlockCode | null> {
    return codeOf(this.page, "video");
  }

  readTone(): Promise<number> {
    return toneOf(this.page, "audio");
  }

  change(what: Change): Promise<void> {
    return this.#call("change", what);
  }

  state(): Promise<string> {
    return this.#call("state");
  }

  close(): Promise<void> {
    return this.#call("close");
  }

  quit(): Promise<void> {
    return this.browser.close();
  }

  async #open(media: MediaFiles): Promise<void> {
    const { page } = this;
    await page.exposeFunction("sendCandidate", (candidate: CandidateInit) => this.onCandidate(candidate));
    await giveMedia(page, media);
    await page.route(PAGE, (route) => route.fulfill({ contentType: "text/html", body: HTML }));
    await page.goto(PAGE);
    this.#ready = true;
  }

  #call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return this.page.evaluate<T>(`interop.${method}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`);
  }
}
