import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launchChromiumPeer } from "../../interop/browsers.js";
import { type CallColumn, InteropCall, type Offerer } from "../../interop/call.js";
import { makeMediaFiles } from "../../interop/media_files.js";
import { OurEnd, type Way } from "../../interop/our_end.js";
import type { InteropPeer, MediaFiles, VideoCodec } from "../../interop/peer.js";

/** The most telling row of `npm run interop`: both sides prove from what they decoded that it is what was sent. */
describe("a call with Chromium, proven by block codes and tones", function () {
  this.timeout(120_000);
  const scratch = mkdtempSync(join(tmpdir(), "roomrtc-interop-"));
  let ours: OurEnd;
  let peer: InteropPeer;
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

  async function call(
    offerer: Offerer,
    columns: readonly CallColumn[],
    closer: Offerer,
    { codec = "H264", ...way }: Way & { readonly codec?: VideoCodec } = {},
  ): Promise<void> {
    const cells = await new InteropCall(ours, peer, media[codec], offerer, way).run(columns, closer);
    const closed = closer === "we" ? "weClose" : "theyClose";
    for (const column of [...columns, closed] as const) {
      const verdict = cells[column];
      assert.equal(verdict?.kind, "proven", `${column}: ${JSON.stringify(verdict)}`);
    }
  }

  for (const offerer of ["they", "we"] as const) {
    it(`${offerer} offer: picture, sound, trickle, ICE restart, a track removed and added, we close`, () =>
      call(offerer, ["video", "audio", "trickle", "restart", "renegotiation"], "we"));

    it(`${offerer} offer: picture, sound and a data channel, they close`, () =>
      call(offerer, ["video", "audio", "data"], "they"));

    it(`${offerer} offer: picture and a data channel over TCP alone`, () =>
      call(offerer, ["tcp", "data"], "we", { tcpOnly: true }));

    it(`${offerer} offer: picture in VP8 both ways`, () => call(offerer, ["vp8"], "they", { codec: "VP8" }));
  }
});
