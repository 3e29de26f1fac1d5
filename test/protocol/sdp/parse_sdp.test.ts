import assert from "node:assert/strict";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import { SdpError, type SdpErrorCode } from "../../../src/protocol/sdp/sdp_error.js";
import { defaultSdpLimits } from "../../../src/protocol/sdp/sdp_limits.js";
import { bundledMids, directionOf, transportAttributesOf } from "../../../src/protocol/sdp/sdp_model.js";
import { fixture, header, sdp } from "./fixtures.js";

function refused(text: string, code: SdpErrorCode, line?: number): void {
  assert.throws(
    () => parseSdp(text),
    (error: unknown) => {
      assert.ok(error instanceof SdpError, String(error));
      assert.equal(error.code, code, error.message);
      if (line !== undefined) assert.equal(error.line, line, error.message);
      return true;
    },
  );
}

describe("parseSdp", () => {
  it("reads Chromium's offer", () => {
    const offer = parseSdp(fixture("chromium-offer"));
    assert.deepEqual(bundledMids(offer), ["0", "1"]);
    assert.equal(offer.extmapAllowMixed, true);
    const [audio, video] = offer.media;
    assert.equal(audio.kind, "audio");
    assert.equal(audio.mid, "0");
    assert.equal(directionOf(offer, audio), "sendrecv");
    assert.ok(audio.rtcpMux && audio.rtcpReducedSize);
    assert.deepEqual(audio.codecs[0], {
      payloadType: 111,
      name: "opus",
      clockRate: 48000,
      channels: 2,
      fmtp: "minptime=10;useinbandfec=1",
      feedback: [{ type: "transport-cc" }],
    });
    const h264 = video.codecs.filter((codec) => codec.name === "H264");
    assert.ok(h264.length >= 4);
    assert.ok(h264.every(({ feedback }) => feedback.some((f) => f.type === "nack" && f.parameter === "pli")));
    assert.ok(video.extensions.some(({ uri }) => uri === "urn:ietf:params:rtp-hdrext:sdes:mid"));
    assert.ok(audio.candidates.length > 0 && audio.candidates.every((line) => line.startsWith("candidate:")));
    const transport = transportAttributesOf(offer, audio);
    assert.equal(transport.setup, "actpass");
    assert.equal(transport.fingerprints[0].algorithm, "sha-256");
    assert.equal(audio.sources[0].attributes[0].name, "cname");
  });

  it("reads a data channel section", () => {
    const media = parseSdp(fixture("chromium-offer-data-channel")).media[2];
    assert.equal(media.kind, "application");
    assert.equal(media.protocol, "UDP/DTLS/SCTP");
    assert.deepEqual(media.formats, ["webrtc-datachannel"]);
    assert.equal(media.sctpPort, 5000);
    assert.equal(media.maxMessageSize, 262144);
    assert.deepEqual(media.codecs, []);
  });

  it("reads simulcast and rid", () => {
    const media = parseSdp(fixture("chromium-offer-simulcast")).media[1];
    assert.deepEqual(media.rids, [
      { id: "h", direction: "send" },
      { id: "l", direction: "send" },
    ]);
    assert.equal(media.simulcast, "send h;l");
  });

  it("lets a section inherit fingerprint, credentials, setup and direction from the session", () => {
    const session = parseSdp(
      sdp(
        ...header,
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789012345678901",
        "a=fingerprint:SHA-1 4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab",
        "a=setup:passive",
        "a=recvonly",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        "a=sendonly",
        "a=setup:active",
      ),
    );
    const [first, second] = session.media;
    assert.equal(directionOf(session, first), "recvonly");
    assert.equal(directionOf(session, second), "sendonly");
    assert.equal(transportAttributesOf(session, first).setup, "passive");
    assert.equal(transportAttributesOf(session, second).setup, "active");
    assert.equal(transportAttributesOf(session, second).iceUfrag, "abcd");
    const [fingerprint] = transportAttributesOf(session, first).fingerprints;
    assert.equal(fingerprint.algorithm, "sha-1");
    assert.equal(fingerprint.value, "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB");
  });

  it("accepts bare LF, rtpmap behind fmtp, wildcard feedback and static payload types", () => {
    const text = [
      ...header,
      "m=video 9 UDP/TLS/RTP/SAVPF 100 0 77",
      "a=fmtp:100 packetization-mode=1",
      "a=rtcp-fb:* nack pli",
      "a=rtpmap:100 H264/90000",
    ].join("\n");
    const { codecs } = parseSdp(text).media[0];
    assert.deepEqual(
      codecs.map(({ payloadType, name }) => [payloadType, name]),
      [
        [100, "H264"],
        [0, "PCMU"],
      ],
    );
    assert.equal(codecs[0].fmtp, "packetization-mode=1");
    assert.deepEqual(codecs[0].feedback, [{ type: "nack", parameter: "pli" }]);
  });

  it("keeps attributes it does not know, also those named like object members", () => {
    const session = parseSdp(sdp(...header, "a=constructor:x", "m=audio 9 RTP/AVP 0", "a=foo", "a=bar:b:c"));
    assert.deepEqual(session.attributes, [{ name: "constructor", value: "x" }]);
    assert.deepEqual(session.media[0].attributes, [{ name: "foo" }, { name: "bar", value: "b:c" }]);
  });

  it("refuses keys in signaling", () => {
    refused(sdp(...header, "k=clear:secret"), "SDP_KEY_IN_SIGNALING", 5);
    refused(sdp(...header, "m=audio 9 RTP/SAVPF 0", "k=prompt"), "SDP_KEY_IN_SIGNALING", 6);
    refused(
      sdp(...header, "m=audio 9 RTP/SAVPF 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1j"),
      "SDP_KEY_IN_SIGNALING",
      6,
    );
  });

  it("refuses CR and NUL inside a line", () => {
    refused(sdp(...header, "a=x:1\ra=y:2"), "SDP_LINE_BREAK", 5);
    refused(sdp(...header, "a=x:\0"), "SDP_LINE_BREAK", 5);
  });

  it("names the line of what it does not understand", () => {
    refused("", "SDP_SYNTAX", 1);
    refused("v=1\r\n", "SDP_SYNTAX", 1);
    refused(sdp("v=0", "o=- x 2 IN IP4 127.0.0.1"), "SDP_SYNTAX", 2);
    refused(sdp("v=0", "s=-", "t=0 0"), "SDP_SYNTAX");
    refused(sdp(...header, "nonsense"), "SDP_SYNTAX", 5);
    refused(sdp(...header, "", "m=audio 9 RTP/AVP 0"), "SDP_SYNTAX", 5);
    refused(sdp(...header, "m=audio 65536 RTP/AVP 0"), "SDP_SYNTAX", 5);
    refused(sdp(...header, "m=audio 9 RTP/AVP"), "SDP_SYNTAX", 5);
    refused(sdp(...header, "m=audio 9 RTP/AVP 0 0"), "SDP_SYNTAX", 5);
    const media = [...header, "m=audio 9 RTP/AVP 0"];
    refused(sdp(...media, "a=rtpmap:128 opus/48000"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=rtpmap:96 opus"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=fmtp:96"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=extmap:0 urn:x"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=extmap:1/both urn:x"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=ssrc:4294967296 cname:x"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=setup:maybe"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=fingerprint:sha-256 AA:BB"), "SDP_SYNTAX", 6);
    refused(sdp(...media, "a=ice-ufrag:abc"), "SDP_ICE_CREDENTIALS", 6);
    refused(sdp(...media, "a=ice-pwd:short"), "SDP_ICE_CREDENTIALS", 6);
    refused(sdp(...media, "a=ice-ufrag:ab cd"), "SDP_ICE_CREDENTIALS", 6);
  });

  it("bounds bytes, lines, sections and candidates", () => {
    const candidates = Array.from(
      { length: 10_000 },
      (_, i) => `a=candidate:1 1 udp 1 192.0.2.1 ${i} typ host`,
    );
    refused(sdp(...header, "m=audio 9 RTP/AVP 0", ...candidates), "SDP_LIMIT");
    refused(sdp(...header, ...Array.from({ length: 600 }, () => "m=audio 9 RTP/AVP 0")), "SDP_LIMIT");
    refused(sdp(...header, `a=x:${"y".repeat(20_000)}`), "SDP_LIMIT", 5);
    refused("v=0\n".repeat(60_000), "SDP_LIMIT");
    refused("x".repeat(defaultSdpLimits.maxBytes + 1), "SDP_LIMIT");
  });

  it("never throws anything but SdpError for damaged descriptions", function () {
    this.timeout(30_000);
    const seed = 0x5eed;
    let state = seed;
    const next = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    const text = fixture("chromium-offer");
    for (let round = 0; round < 1000; round++) {
      const at = next(text.length);
      const cut = next(40);
      const damaged =
        text.slice(0, at) + String.fromCharCode(next(128)).repeat(next(3)) + text.slice(at + cut);
      try {
        parseSdp(damaged);
      } catch (error) {
        assert.ok(error instanceof SdpError, `seed ${seed} round ${round}: ${error}`);
      }
    }
  });
});
