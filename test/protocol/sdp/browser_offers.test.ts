import assert from "node:assert/strict";
import { type CodecCapability, videoCapabilities } from "../../../src/protocol/sdp/codec_capabilities.js";
import { agreedCodecs, answerCodecs } from "../../../src/protocol/sdp/codec_negotiation.js";
import { type H264Parameters, parseH264Fmtp } from "../../../src/protocol/sdp/h264_fmtp.js";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import type { SdpCodec } from "../../../src/protocol/sdp/sdp_model.js";
import { fixture } from "./fixtures.js";

const ours = videoCapabilities({ rtx: false, ulpfec: false });

function videoOf(name: string): SdpCodec[] {
  const video = parseSdp(fixture(name)).media.find(({ kind }) => kind === "video");
  assert.ok(video);
  return [...video.codecs];
}

/** What we answer: "H264 102 mode profile level" or "VP8 96". */
function answers(offered: readonly SdpCodec[], capabilities: readonly CodecCapability[] = ours): string[] {
  return answerCodecs(offered, capabilities, false).map(({ name, payloadType, fmtp }) => {
    if (name !== "H264") return `${name} ${payloadType}`;
    const h264 = parsed(fmtp);
    return `H264 ${payloadType} mode ${h264.packetizationMode} ${h264.profile} ${h264.level}`;
  });
}

function parsed(fmtp: string | undefined): H264Parameters {
  const parameters = parseH264Fmtp(fmtp);
  assert.ok(parameters, fmtp);
  return parameters;
}

/** RFC 6184 §8.2.2 by the offers of browsers: what is taken, under whose number, at which level. */
describe("H.264 in browsers' offers", () => {
  it("Chromium's: Baseline and Constrained Baseline in both modes, Main left out", () => {
    assert.deepEqual(answers(videoOf("chromium-offer")), [
      "H264 102 mode 1 baseline 31",
      "H264 104 mode 0 baseline 31",
      "H264 108 mode 1 constrained-baseline 31",
      "H264 114 mode 0 constrained-baseline 31",
      "VP8 96",
    ]);
  });

  it("Safari's: Constrained High and H.265 come first there, Constrained Baseline is what both have", () => {
    assert.deepEqual(answers(videoOf("safari-like-offer")), [
      "H264 98 mode 1 constrained-baseline 31",
      "H264 102 mode 0 constrained-baseline 31",
      "VP8 106",
    ]);
  });

  it("Firefox's, whose H.264 module is loaded from the network later: VP8", () => {
    assert.deepEqual(answers(videoOf("firefox-offer")), ["VP8 120"]);
  });

  it("RED and ULPFEC of them all are taken behind the codecs (RFC 2198, RFC 5109), neither without what it needs", () => {
    const withParity = videoCapabilities({ rtx: false });
    for (const name of ["chromium-offer", "safari-like-offer", "firefox-offer"]) {
      const offered = videoOf(name);
      const names = answers(offered, withParity).map((answer) => answer.split(" ")[0]);
      assert.deepEqual(names.slice(-2), ["red", "ulpfec"]);
      const withoutRed = offered.filter((codec) => codec.name !== "red");
      assert.ok(!answers(withoutRed, withParity).some((answer) => answer.startsWith("ulpfec")));
    }
  });

  it("levels may differ while both sides allow it, else the lower one holds for both", () => {
    const high = videoCapabilities({ level: 40, rtx: false });
    const safari = videoOf("safari-like-offer");
    assert.equal(answers(safari, high)[0], "H264 98 mode 1 constrained-baseline 40");
    const symmetric = safari.map((codec) => ({
      ...codec,
      ...(codec.fmtp !== undefined && { fmtp: codec.fmtp.replace("level-asymmetry-allowed=1;", "") }),
    }));
    assert.equal(answers(symmetric, high)[0], "H264 98 mode 1 constrained-baseline 31");
    const low = videoCapabilities({ level: 13, rtx: false });
    assert.equal(answers(symmetric, low)[0], "H264 98 mode 1 constrained-baseline 13");
  });

  it("Constrained Baseline is one profile under all its spellings, Baseline another", () => {
    const offered = (...ids: string[]): SdpCodec[] =>
      ids.map((id, i) => ({
        payloadType: 100 + i,
        name: "H264",
        clockRate: 90_000,
        fmtp: `packetization-mode=1;profile-level-id=${id}`,
        feedback: [],
      }));
    const spellings = ["42c01f", "42e01f", "42d01f", "4d801f", "4de01f", "58f01f"];
    assert.equal(answers(offered(...spellings)).length, spellings.length);
    const only = ours.filter(({ fmtp }) => fmtp?.endsWith("42e01f"));
    assert.deepEqual(answers(offered("42001f", "42801f", "58801f", "4d001f", "64001f"), only), []);
  });

  it("modes 0 and 1 are two formats: an answer keeps each with its own", () => {
    const chromium = videoOf("chromium-offer");
    const answer = answerCodecs(chromium, ours, false);
    for (const { local, remote } of agreedCodecs(answer, chromium).filter(
      ({ local }) => local.name === "H264",
    )) {
      assert.equal(local.payloadType, remote.payloadType);
      assert.equal(parsed(local.fmtp).packetizationMode, parsed(remote.fmtp).packetizationMode);
    }
    assert.deepEqual(answers(chromium.filter(({ fmtp }) => fmtp?.includes("packetization-mode=0"))), [
      "H264 104 mode 0 baseline 31",
      "H264 114 mode 0 constrained-baseline 31",
    ]);
  });
});
