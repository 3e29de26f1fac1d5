import assert from "node:assert/strict";
import { defaultOpusParameters, formatOpusFmtp, parseOpusFmtp } from "../../../src/protocol/sdp/opus_fmtp.js";

describe("Opus format parameters (RFC 7587 §6.1)", () => {
  it("writes what browsers write by default", () => {
    assert.equal(formatOpusFmtp(defaultOpusParameters), "minptime=10;useinbandfec=1");
  });

  it("reads all that concern a call and writes them again", () => {
    const text =
      "minptime=3;maxaveragebitrate=20000;maxplaybackrate=16000;useinbandfec=1;usedtx=1;stereo=1;sprop-stereo=1;cbr=1";
    const parameters = parseOpusFmtp(text);
    assert.equal(parameters.maxAverageBitrateBps, 20_000);
    assert.equal(parameters.maxPlaybackRate, 16_000);
    assert.ok(parameters.useDtx && parameters.stereo && parameters.spropStereo && parameters.constantBitrate);
    assert.equal(formatOpusFmtp(parameters), text);
  });

  it("takes what is absent, unknown or senseless as not said", () => {
    assert.deepEqual(parseOpusFmtp("foo=1;maxaveragebitrate=-5;stereo=yes"), {
      useInbandFec: false,
      useDtx: false,
      stereo: false,
      spropStereo: false,
      constantBitrate: false,
    });
    assert.deepEqual(parseOpusFmtp(undefined), parseOpusFmtp(""));
  });
});
