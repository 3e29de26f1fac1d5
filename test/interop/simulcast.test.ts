import assert from "node:assert/strict";
import type { Offerer } from "../../interop/call.js";
import type { VideoCodec } from "../../interop/peer.js";
import { LAYERS, SimulcastCall, THEIR_SIZE } from "../../interop/simulcast_call.js";
import { until } from "../../interop/until.js";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import { mediaTransportOf } from "../../src/webrtc/index.js";
import { type LossyProxy, proxyBefore, udpCandidateOf, withoutCandidates } from "../support/lossy_proxy.js";
import { withChromium } from "./with_chromium.js";

const SEED = Number(process.env.SEED ?? 7);

describe("simulcast with Chromium, three layers proven by block codes", function () {
  this.timeout(90_000);
  const ends = withChromium();

  async function prove(offerer: Offerer, codec: VideoCodec): Promise<void> {
    const { ours, peer, media } = ends();
    const verdict = await new SimulcastCall(ours, peer, media[codec], offerer).run();
    assert.equal(verdict.kind, "proven", JSON.stringify(verdict));
  }

  it("they send: each layer is decoded here", () => prove("they", "VP8"));

  it("they send over a path that loses packets: each layer's are repeated by RTX, which names the layer", async () => {
    const { ours, peer, media } = ends();
    await peer.startLayers({ ...media.VP8, ...THEIR_SIZE }, LAYERS);
    const connection = ours.connect(["VP8"]);
    const { pc } = connection;
    let proxy: LossyProxy | undefined;
    try {
      const found = udpCandidateOf(pc);
      await peer.accept(
        withoutCandidates(await connection.answer(withoutCandidates(await peer.offer(false)))),
      );
      const path = await proxyBefore(await found, { loss: 0.05, random: seededRandom(SEED) });
      proxy = path.proxy;
      await peer.addCandidate({ candidate: path.shown.candidate, sdpMLineIndex: 0 });
      await until("not every layer was repaired", 30, async () => {
        const { receive = [] } = (await mediaTransportOf(pc)?.getStats()) ?? {};
        const isRepaired = receive.every(({ retransmittedPackets, framesDecoded }) => {
          return retransmittedPackets > 1 && framesDecoded > 10;
        });
        return receive.length === LAYERS.length && isRepaired ? true : undefined;
      });
    } finally {
      await peer.close();
      await connection.close();
      proxy?.close();
    }
  });

  it("we send: each layer is decoded there, as a section of its own", () => prove("we", "H264"));
});
