import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchChromiumPeer } from "../../interop/browsers.js";
import type { Offerer } from "../../interop/call.js";
import { makeMediaFiles } from "../../interop/media_files.js";
import { OurEnd } from "../../interop/our_end.js";
import type { PagePeer } from "../../interop/page_peer.js";
import type { MediaFiles, VideoCodec } from "../../interop/peer.js";
import { SimulcastCall } from "../../interop/simulcast_call.js";

describe("simulcast with Chromium, three layers proven by block codes", function () {
  this.timeout(90_000);
  const scratch = mkdtempSync(join(tmpdir(), "roomrtc-layers-"));
  let ours: OurEnd;
  let peer: PagePeer;
  let media: Readonly<Record<VideoCodec, MediaFiles>>;

  before(async () => {
    ours = await OurEnd.start();
    peer = await launchChromiumPeer();
    media = makeMediaFiles(scratch, 0x7e12, 880);
  });
  after(async () => {
    await peer?.quit();
    await ours?.stop();
    rmSync(scratch, { recursive: true });
  });

  async function prove(offerer: Offerer, codec: VideoCodec): Promise<void> {
    const verdict = await new SimulcastCall(ours, peer, media[codec], offerer).run();
    assert.equal(verdict.kind, "proven", JSON.stringify(verdict));
  }

  it("they send: each layer is decoded here", () => prove("they", "VP8"));

  it("we send: each layer is decoded there, as a section of its own", () => prove("we", "H264"));
});
