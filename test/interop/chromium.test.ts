import assert from "node:assert/strict";
import { type CallColumn, InteropCall, type Offerer } from "../../interop/call.js";
import type { Way } from "../../interop/our_end.js";
import type { VideoCodec } from "../../interop/peer.js";
import { withChromium } from "./with_chromium.js";

/** The most telling row of `npm run interop`: both sides prove from what they decoded that it is what was sent. */
describe("a call with Chromium, proven by block codes and tones", function () {
  this.timeout(120_000);
  const ends = withChromium();

  async function call(
    offerer: Offerer,
    columns: readonly CallColumn[],
    closer: Offerer,
    { codec = "H264", ...way }: Way & { readonly codec?: VideoCodec } = {},
  ): Promise<void> {
    const { ours, peer, media } = ends();
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
