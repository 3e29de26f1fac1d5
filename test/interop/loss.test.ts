import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { makeMediaFiles } from "../../interop/media_files.js";
import { type OurConnection, OurEnd } from "../../interop/our_end.js";
import { PagePeer } from "../../interop/page_peer.js";
import type { CandidateInit, MediaFiles, VideoCodec } from "../../interop/peer.js";
import { until } from "../../interop/until.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { mediaTransportOf } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { LossyProxy } from "../support/lossy_proxy.js";

const TAG = 0x1055;
const SEED = Number(process.env.SEED ?? 7);

interface PageVideo {
  readonly received: { readonly retransmittedPacketsReceived?: number; readonly packetsLost: number };
  readonly sent: { readonly retransmittedPacketsSent: number; readonly nackCount: number };
}

/** Chromium's own counters of the picture. */
const PAGE_VIDEO = `(async () => {
  const all = [...(await interop.pc.getStats()).values()];
  const of = (type) => all.find((each) => each.type === type && each.kind === "video");
  return { received: of("inbound-rtp"), sent: of("outbound-rtp") };
})()`;

describe(`a call with Chromium over a path that loses media (SEED=${SEED})`, function () {
  this.timeout(60_000);
  const scratch = mkdtempSync(join(tmpdir(), "roomrtc-loss-"));
  let ours: OurEnd;
  let browser: Browser;
  let page: Page;
  let peer: PagePeer;
  let media: Readonly<Record<VideoCodec, MediaFiles>>;
  let proxy: LossyProxy | undefined;

  before(async () => {
    ours = await OurEnd.start();
    browser = await launchChromium(["--disable-features=WebRtcHideLocalIpsWithMdns"]);
    page = await browser.newPage();
    peer = new PagePeer(page, () => browser.close(), { version: browser.version(), unsupported: {} });
    media = makeMediaFiles(scratch, TAG, 880);
  });
  afterEach(async () => {
    await peer.close();
    proxy?.close();
    proxy = undefined;
  });
  after(async () => {
    await peer?.quit();
    await ours?.stop();
    rmSync(scratch, { recursive: true });
  });

  /** Calls so that the peers meet at the proxy alone: Chromium knows our address as the proxy's, we learn its by checks. */
  async function call(codec: VideoCodec, loss: number): Promise<OurConnection> {
    await peer.start(media[codec]);
    const connection = ours.connect([codec]);
    const found = new Promise<CandidateInit & { port: number }>((resolve) => {
      connection.pc.onicecandidate = ({ candidate }) => {
        if (candidate?.protocol === "udp" && candidate.address === "127.0.0.1" && candidate.port)
          resolve({ ...candidate.toJSON(), port: candidate.port } as CandidateInit & { port: number });
      };
    });
    connection.addMedia(true);
    const withoutCandidates = (sdp: string) => sdp.replaceAll(/a=candidate:.*\r\n/g, "");
    const answer = await peer.answer(withoutCandidates(await connection.offer(false)));
    const { port, ...candidate } = await found;
    proxy = await LossyProxy.open({ port, loss: 0, random: seededRandom(SEED) });
    const shown = candidate.candidate.replace(` ${port} `, ` ${proxy.port} `);
    await connection.accept(withoutCandidates(answer));
    ours.watch(TAG);
    await peer.addCandidate({ ...candidate, candidate: shown });
    await until("no picture from Chromium", 15, () => (ours.pictures > 5 ? true : undefined));
    await until("no picture in Chromium", 15, async () => ((await peer.readCode()) ? true : undefined));
    proxy.loss = loss;
    return connection;
  }

  const pageVideo = async () => (await page.evaluate(PAGE_VIDEO)) as PageVideo;

  async function ourVideo(connection: OurConnection) {
    const stats = await mediaTransportOf(connection.pc)?.getStats();
    const sent = stats?.send.find(({ kind }) => kind === "video");
    const received = stats?.receive.find(({ kind }) => kind === "video");
    assert.ok(sent && received);
    return { sent, received };
  }

  for (const codec of ["H264", "VP8"] as const) {
    it(`repeats what was lost by RTX, counted at both ends, both ways (${codec})`, async () => {
      const connection = await call(codec, 0.05);
      try {
        await until("too little was repeated", 20, async () => {
          const [here, there] = [await ourVideo(connection), await pageVideo()];
          const enough =
            here.received.retransmittedPackets > 10 &&
            (there.received.retransmittedPacketsReceived ?? 0) > 10;
          return enough ? true : undefined;
        });
        const here = await ourVideo(connection);
        const there = await pageVideo();
        // Chromium knows a repeated packet by its RTX stream alone.
        assert.ok(here.sent.retransmitted >= (there.received.retransmittedPacketsReceived ?? 0) - 1);
        assert.ok(there.sent.retransmittedPacketsSent >= here.received.retransmittedPackets - 1);
        assert.ok(here.received.nackCount > 0 && here.sent.nackCount > 0);
        const before = ours.pictures;
        await until("the picture stands still", 10, () => (ours.pictures > before + 10 ? true : undefined));
        const code = (await peer.readCode())?.frameNumber ?? 0;
        await until("the picture stands still in Chromium", 10, async () =>
          ((await peer.readCode())?.frameNumber ?? 0) > code + 10 ? true : undefined,
        );
      } finally {
        await connection.close();
      }
    });
  }
});
