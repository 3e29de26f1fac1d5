import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { buildAnswer, buildOffer } from "../../../src/protocol/sdp/build_description.js";
import { videoCapabilities } from "../../../src/protocol/sdp/codec_capabilities.js";
import {
  agreedCodecs,
  isRtx,
  isUlpfec,
  repeatedPayloadType,
} from "../../../src/protocol/sdp/codec_negotiation.js";
import { negotiateMedia } from "../../../src/protocol/sdp/negotiated_media.js";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import type { SdpCodec, SdpMedia } from "../../../src/protocol/sdp/sdp_model.js";
import { writeSdp } from "../../../src/protocol/sdp/write_sdp.js";

const fixtures = new URL("../../../../test/fixtures/sdp/", import.meta.url);
const origin = {
  username: "-",
  sessionId: "1",
  sessionVersion: "1",
  netType: "IN",
  addressType: "IP4",
  address: "127.0.0.1",
};
const transport = {
  iceUfrag: "abcd",
  icePwd: "abcdefghijklmnopqrstuv",
  fingerprints: [{ algorithm: "sha-256", value: new Array(32).fill("AA").join(":") }],
  offerSetup: "actpass",
} as const;
const source = {
  msids: [{ stream: "s", track: "t" }],
  sources: [1, 2].map((ssrc) => ({ ssrc, attributes: [{ name: "cname", value: "me" }] })),
  sourceGroups: [{ semantics: "FID", ssrcs: [1, 2] }],
};

function offerOf(rtx: boolean) {
  const codecs = videoCapabilities({ rtx });
  const section = { mid: "0", kind: "video", direction: "sendrecv", rejected: false } as const;
  const sections = [{ ...section, codecs, extensions: [], ...source }];
  return parseSdp(writeSdp(buildOffer({ origin, sections, transport, bundleOnly: false, inForce: [] })));
}

/** RTX payload types by the ones they repeat. */
function repairs({ codecs }: SdpMedia): Map<number, number> {
  return new Map(codecs.filter(isRtx).map((codec) => [repeatedPayloadType(codec), codec.payloadType]));
}

describe("retransmission in descriptions (RFC 4588 §8.6)", () => {
  it("is offered for every codec, with a source of its own", () => {
    const [media] = offerOf(true).media;
    // Parity is not repeated by itself.
    const codecs = media.codecs.filter((codec) => !isRtx(codec) && !isUlpfec(codec));
    assert.deepEqual(
      [...repairs(media).keys()],
      codecs.map(({ payloadType }) => payloadType),
    );
    assert.equal(new Set(media.formats).size, 2 * codecs.length + 1);
    assert.deepEqual(media.sourceGroups, [{ semantics: "FID", ssrcs: [1, 2] }]);
    assert.deepEqual(
      media.sources.map(({ ssrc }) => ssrc),
      [1, 2],
    );
  });

  it("is left out with its source where the settings say so", () => {
    const [media] = offerOf(false).media;
    assert.equal(repairs(media).size, 0);
    assert.deepEqual(media.sourceGroups, []);
    assert.deepEqual(
      media.sources.map(({ ssrc }) => ssrc),
      [1],
    );
  });

  it("is answered to Chromium for what is taken alone, and its source is told from the media's", () => {
    const offer = parseSdp(readFileSync(new URL("chromium-offer.sdp", fixtures), "utf8"));
    const section = {
      direction: "sendrecv",
      codecs: videoCapabilities(),
      keepOwnOrder: false,
      extensions: [],
      ...source,
    } as const;
    const sections = offer.media.map(({ kind }) => (kind === "video" ? section : undefined));
    const index = offer.media.findIndex(({ kind }) => kind === "video");
    const answer = parseSdp(writeSdp(buildAnswer({ origin, offer, sections, transport })));
    const answered = repairs(answer.media[index]);
    const offered = repairs(offer.media[index]);
    const taken = answer.media[index].codecs.filter((codec) => !isRtx(codec) && !isUlpfec(codec));
    assert.ok(taken.length > 2);
    for (const { payloadType } of taken) {
      assert.ok(offered.has(payloadType));
      assert.equal(answered.get(payloadType), offered.get(payloadType));
    }
    assert.equal(answered.size, taken.length);
    const negotiated = negotiateMedia(answer, offer, index, "local");
    const [ssrc, repairSsrc] = offer.media[index].sourceGroups[0].ssrcs;
    assert.deepEqual(negotiated?.remoteSsrcs, [ssrc]);
    assert.deepEqual(negotiated?.remoteRepairs, [{ ssrc, repairSsrc }]);
  });

  it("is agreed by what it repeats, where the sides number differently, and nothing that names no codec", () => {
    const codec = (payloadType: number, name: string, fmtp?: string): SdpCodec => ({
      payloadType,
      name,
      clockRate: 90_000,
      feedback: [],
      ...(fmtp !== undefined && { fmtp }),
    });
    const local = [codec(96, "VP8"), codec(97, "rtx", "apt=96"), codec(98, "rtx", "apt=99")];
    const remote = [
      codec(120, "VP8"),
      codec(96, "rtx", "apt=120;rtx-time=200"),
      codec(121, "rtx", "apt=x"),
      codec(122, "rtx"),
    ];
    const numbers = agreedCodecs(local, remote).map((agreed) => [
      agreed.local.payloadType,
      agreed.remote.payloadType,
    ]);
    assert.deepEqual(numbers, [
      [96, 120],
      [97, 96],
    ]);
  });
});
