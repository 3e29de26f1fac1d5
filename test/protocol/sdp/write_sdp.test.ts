import assert from "node:assert/strict";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import { SdpError } from "../../../src/protocol/sdp/sdp_error.js";
import { writeSdp } from "../../../src/protocol/sdp/write_sdp.js";
import { fixture, header, sdp } from "./fixtures.js";

const recorded = [
  "chromium-offer",
  "chromium-answer",
  "chromium-offer-data-channel",
  "chromium-offer-simulcast",
];

/** The lines of each section as a set: an offer's meaning doesn't hang on the order of its attributes. */
function sections(text: string): string[][] {
  return text
    .trim()
    .split(/\r\n(?=m=)/)
    .map((section) => section.split("\r\n").sort());
}

describe("writeSdp", () => {
  for (const name of recorded) {
    it(`writes every line of ${name} again`, () => {
      const text = fixture(name);
      assert.deepEqual(sections(writeSdp(parseSdp(text))), sections(text));
    });
  }

  it("is stable: what it wrote reads and writes the same", () => {
    for (const name of recorded) {
      const once = writeSdp(parseSdp(fixture(name)));
      assert.equal(writeSdp(parseSdp(once)), once);
    }
  });

  it("writes what other stacks say and browsers do not", () => {
    const text = sdp(
      "v=0",
      "o=user 18446744073709551615 1 IN IP6 ::1",
      "s=call",
      "i=about",
      "c=IN IP6 2001:db8::1",
      "b=AS:500",
      "t=0 0",
      "a=group:BUNDLE a b",
      "a=ice-lite",
      "m=audio 5000/2 RTP/SAVPF 96",
      "i=title",
      "c=IN IP4 192.0.2.1",
      "b=TIAS:64000",
      "a=mid:a",
      "a=tls-id:91bbf309c0990a6bec11e38ba2933cee",
      "a=rtcp-mux",
      "a=rtcp-mux-only",
      "a=rtpmap:96 L16/44100/2",
      "a=ptime:2.5",
      "a=maxptime:60",
      "m=video 0 UDP/TLS/RTP/SAVPF 97",
      "a=mid:b",
      "a=bundle-only",
      "a=end-of-candidates",
      "a=extmap:3/sendonly urn:x config",
      "a=rtpmap:97 VP8/90000",
      "a=ssrc:1",
    );
    assert.equal(writeSdp(parseSdp(text)), text);
  });

  it("refuses values that would forge a line", () => {
    const session = parseSdp(sdp(...header, "m=audio 9 RTP/AVP 0"));
    for (const forged of ["x\r\na=crypto:1", "x\ny", "x\0y"]) {
      session.name = forged;
      assert.throws(
        () => writeSdp(session),
        (e: unknown) => e instanceof SdpError && e.code === "SDP_LINE_BREAK",
      );
    }
  });
});
