import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { makeMediaFiles } from "../../interop/media_files.js";
import { type OurConnection, OurEnd } from "../../interop/our_end.js";
import { PagePeer } from "../../interop/page_peer.js";
import type { MediaFiles, VideoCodec } from "../../interop/peer.js";
import { until } from "../../interop/until.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { mediaTransportOf, RTCRtpSender } from "../../src/webrtc/index.js";
import { launchChromium } from "../support/chromium.js";
import { type LossyProxy, proxyBefore, udpCandidateOf, withoutCandidates } from "../support/lossy_proxy.js";
import { untilTone } from "../support/tones.js";

const TAG = 0x1055;
const LIMIT_S = 25;
/** Of a tone of amplitude 0.33 * 32767, as a share of the loudest square wave. */
const TONE_RMS = (0.33 * 32767) / 32_768 / Math.SQRT2;
const SEED = Number(process.env.SEED ?? 7);

interface PageVideo {
  readonly received: {
    readonly retransmittedPacketsReceived?: number;
    readonly packetsLost: number;
    readonly qpSum: number;
    readonly framesDecoded: number;
  };
  readonly sent: {
    readonly retransmittedPacketsSent: number;
    readonly nackCount: number;
    readonly qpSum: number;
    readonly framesEncoded: number;
  };
}

/** Chromium's own counters of the picture. */
const PAGE_VIDEO = `(async () => {
  const all = [...(await interop.pc.getStats()).values()];
  const of = (type) => all.find((each) => each.type === type && each.kind === "video");
  return { received: of("inbound-rtp"), sent: of("outbound-rtp") };
})()`;

interface PageSound {
  readonly packetsReceived: number;
  /** Copies of what had come among them. */
  readonly packetsDiscarded: number;
  readonly packetsLost: number;
}

/** Chromium's own counters of the sound that comes. */
const PAGE_SOUND = `(async () => [...(await interop.pc.getStats()).values()]
  .find(({ type, kind }) => type === "inbound-rtp" && kind === "audio"))()`;

/** What Chromium measured of our pictures and sound by extended reports. */
const PAGE_ROUND_TRIPS = `(async () => [...(await interop.pc.getStats()).values()]
  .filter(({ type }) => type === "remote-outbound-rtp")
  .reduce((sum, { roundTripTimeMeasurements = 0 }) => sum + roundTripTimeMeasurements, 0))()`;

/** RED before Opus: so both sides send it. */
function preferRed({ pc }: OurConnection): void {
  const isRed = ({ mimeType }: { mimeType: string }) => mimeType === "audio/red";
  const { codecs } = RTCRtpSender.getCapabilities("audio") ?? { codecs: [] };
  for (const transceiver of pc.getTransceivers()) {
    if (transceiver.receiver.track.kind !== "audio") continue;
    transceiver.setCodecPreferences(codecs.toSorted((a, b) => Number(isRed(b)) - Number(isRed(a))));
  }
}

/** What Chromium hears of our loudness, 0 to 1. */
const PAGE_LEVEL = `interop.pc.getReceivers().find(({ track }) => track.kind === "audio")
  .getSynchronizationSources()[0]?.audioLevel`;
/** What Chromium makes of our feedback. */
const PAGE_ESTIMATE = `(async () => [...(await interop.pc.getStats()).values()]
  .find(({ type, availableOutgoingBitrate }) => type === "candidate-pair" && availableOutgoingBitrate > 0)
  ?.availableOutgoingBitrate ?? 0)()`;

describe(`a call with Chromium over a path that loses media (SEED=${SEED})`, function () {
  this.timeout(120_000);
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

  /** A call over a path that loses that share of the media once both have pictures. */
  async function call(
    codec: VideoCodec,
    loss: number,
    { red = false, nack = true } = {},
  ): Promise<OurConnection> {
    await peer.start(media[codec]);
    const connection = ours.connect([codec]);
    const found = udpCandidateOf(connection.pc);
    connection.addMedia(true);
    if (red) preferRed(connection);
    const offered = withoutCandidates(await connection.offer(false));
    const answer = await peer.answer(nack ? offered : offered.replaceAll(/a=rtcp-fb:\d+ nack\r\n/g, ""));
    const path = await proxyBefore(await found, { loss: 0, random: seededRandom(SEED) });
    proxy = path.proxy;
    await connection.accept(withoutCandidates(answer));
    ours.watch(TAG);
    await peer.addCandidate(path.shown);
    await until("no picture from Chromium", LIMIT_S, () => (ours.pictures > 5 ? true : undefined));
    await until("no picture in Chromium", LIMIT_S, async () => ((await peer.readCode()) ? true : undefined));
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

  /** The quantizer of the mean picture: the longer the call, the more nearly the same pictures are counted at both ends. */
  async function sameQuantizers(connection: OurConnection): Promise<void> {
    let told = "";
    await until(
      "the quantizers differ",
      LIMIT_S,
      async () => {
        const [here, there] = [await ourVideo(connection), await pageVideo()];
        const sentHere = here.sent.qpSum / here.sent.framesEncoded;
        const gotThere = there.received.qpSum / there.received.framesDecoded;
        const gotHere = here.received.qpSum / here.received.framesDecoded;
        const sentThere = there.sent.qpSum / there.sent.framesEncoded;
        told = `: ${sentHere} went, ${gotThere} came; ${gotHere} came, ${sentThere} went`;
        return Math.abs(sentHere - gotThere) < 2 && Math.abs(gotHere - sentThere) < 2 ? true : undefined;
      },
      () => told,
    );
  }

  it("tells Chromium how loud we are and which packets came, and hears the same", async () => {
    const connection = await call("H264", 0);
    try {
      const loud = await until("no audio level in Chromium", LIMIT_S, async () => {
        const level = (await page.evaluate(PAGE_LEVEL)) as number | undefined;
        return level !== undefined && level > 0 ? level : undefined;
      });
      // Our tone's mean power.
      assert.ok(Math.abs(20 * Math.log10(loud) - 20 * Math.log10(TONE_RMS)) < 3, `${loud}`);
      await until(
        "Chromium's estimate",
        LIMIT_S,
        async () => ((await page.evaluate(PAGE_ESTIMATE)) as number) || undefined,
      );
      const receiver = connection.pc.getReceivers().find(({ track }) => track.kind === "audio");
      await until("no audio level from Chromium", LIMIT_S, () => {
        const [source] = receiver?.getSynchronizationSources() ?? [];
        return (source?.audioLevel ?? 0) > 0.01 ? true : undefined;
      });
      await until("no round trip by extended reports (RFC 3611)", LIMIT_S, async () => {
        const here = [...(await connection.pc.getStats()).values()].filter(
          ({ type }) => type === "remote-outbound-rtp",
        ) as { readonly roundTripTime?: number }[];
        const there = (await page.evaluate(PAGE_ROUND_TRIPS)) as number;
        const isMeasured = here.length > 0 && here.every(({ roundTripTime = 0 }) => roundTripTime > 0);
        return isMeasured && there > 0 ? true : undefined;
      });
      await until("too few packets sent", LIMIT_S, async () =>
        (await ourVideo(connection)).sent.packetsSent > 50 ? true : undefined,
      );
    } finally {
      await connection.close();
    }
  });

  /** What was lost and shown there; a keyframe that Chromium asks for says that it could not mend. */
  async function mended(connection: OurConnection) {
    const [{ sent }, there] = [await ourVideo(connection), await pageVideo()];
    return {
      parity: sent.fecPackets,
      pageLost: there.received.packetsLost,
      pageKeyframes: sent.pliCount,
      pagePictures: there.received.framesDecoded,
    };
  }

  it("gets the sound back that was lost, by RED, both ways", async () => {
    const connection = await call("VP8", 0.1, { red: true });
    try {
      const used = ({ packetsReceived, packetsDiscarded }: PageSound) => packetsReceived - packetsDiscarded;
      let since = (await page.evaluate(PAGE_SOUND)) as PageSound;
      await until("too little was brought back", LIMIT_S, async () => {
        const stats = await mediaTransportOf(connection.pc)?.getStats();
        const here = stats?.receive.find(({ kind }) => kind === "audio");
        const there = (await page.evaluate(PAGE_SOUND)) as PageSound;
        const lost = there.packetsLost - since.packetsLost;
        // Each packet brings a copy, and Chromium discards those it has no need of: it used about as many as it lost.
        const isRepaired = Math.abs(used(there) - used(since) - lost) < 4;
        // A busy machine is late with packets, too, and then Chromium discards what it lacks.
        if (!isRepaired) since = there;
        return (here?.recoveredPackets ?? 0) > 5 && lost > 5 && isRepaired ? true : undefined;
      });
      await untilTone("we hear Chromium", 880, 10, () => ours.toneHz());
    } finally {
      await connection.close();
    }
  });

  it("mends Chromium's pictures by parity where nothing is repeated (ULPFEC in RED)", async () => {
    const connection = await call("VP8", 0, { nack: false });
    try {
      assert.ok(proxy);
      proxy.every = 30;
      proxy.sparedPayloadType = 111;
      let since = await mended(connection);
      await until("too little was mended", LIMIT_S, async () => {
        const now = await mended(connection);
        const isQuiet = now.pageKeyframes === since.pageKeyframes && now.parity > 0;
        if (!isQuiet) since = now;
        // Three losses, none of which cost a keyframe: Chromium mended them.
        const enough = now.pageLost > since.pageLost + 2 && now.pagePictures > since.pagePictures + 30;
        return isQuiet && enough ? true : undefined;
      });
    } finally {
      await connection.close();
    }
  });

  it("lowers the encoder's rate where Chromium's feedback says that the path is narrow", async () => {
    const connection = await call("H264", 0);
    try {
      proxy?.limit(400_000);
      await until("no limit was found", LIMIT_S, async () => {
        const stats = await mediaTransportOf(connection.pc)?.getStats();
        return stats && stats.availableBps > 0 && stats.availableBps < 700_000 ? true : undefined;
      });
    } finally {
      await connection.close();
    }
  });

  for (const codec of ["H264", "VP8"] as const) {
    it(`repeats what was lost by RTX, counted at both ends, both ways (${codec})`, async () => {
      const connection = await call(codec, 0.05);
      try {
        await until("too little was repeated", LIMIT_S, async () => {
          const [here, there] = [await ourVideo(connection), await pageVideo()];
          const enough =
            here.received.retransmittedPackets > 10 &&
            // It also repeats packets that nobody missed, to probe the path; those it does not count.
            there.sent.retransmittedPacketsSent > 5 &&
            (there.received.retransmittedPacketsReceived ?? 0) > 10;
          return enough ? true : undefined;
        });
        // What went is counted after what came.
        const there = await pageVideo();
        const here = await ourVideo(connection);
        // Chromium knows a repeated packet by its RTX stream alone.
        const repeats = here.sent.retransmitted + here.sent.unaskedRepeats;
        assert.ok(repeats >= (there.received.retransmittedPacketsReceived ?? 0));
        assert.ok(here.received.nackCount > 0 && here.sent.nackCount > 0);
        await sameQuantizers(connection);
        const before = ours.pictures;
        await until("the picture stands still", LIMIT_S, () =>
          ours.pictures > before + 10 ? true : undefined,
        );
        const code = (await peer.readCode())?.frameNumber ?? 0;
        await until("the picture stands still in Chromium", LIMIT_S, async () =>
          ((await peer.readCode())?.frameNumber ?? 0) > code + 10 ? true : undefined,
        );
      } finally {
        await connection.close();
      }
    });
  }
});
