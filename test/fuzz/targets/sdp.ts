/** Session descriptions: what is read is written again without a loss and without a forged line. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseSdp } from "../../../src/protocol/sdp/parse_sdp.js";
import { SdpError } from "../../../src/protocol/sdp/sdp_error.js";
import { writeSdp } from "../../../src/protocol/sdp/write_sdp.js";
import { bytesOf, type FuzzTarget, inputsIn, root, textOf, unlessRefused } from "../target.js";

/** Short ones are changed to more purpose than what browsers write. */
const SHORT = [
  "v=0",
  "o=- 1 2 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0 1 2",
  "a=ice-options:trickle",
  "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
  "a=setup:actpass",
  "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
  "c=IN IP4 0.0.0.0",
  "a=mid:0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789abcdefghijkl",
  "a=rtcp-mux",
  "a=rtpmap:111 opus/48000/2",
  "a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:sdes:mid x",
  "a=ssrc:1 cname:c",
  "a=ssrc-group:FID 1 2",
  "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
  "a=end-of-candidates",
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
  "a=mid:1",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789abcdefghijkl",
  "a=sctp-port:5000",
  "a=max-message-size:0",
  "m=video 9 UDP/TLS/RTP/SAVPF 96",
  "a=mid:2",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:0123456789abcdefghijkl",
  "a=rtcp-mux",
  "a=sendrecv",
  "a=rtpmap:96 H264/90000",
  "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f",
  "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",
  "a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
  "a=rid:h send pt=96;max-width=640",
  "a=rid:l send",
  "a=rid:x recv",
  "a=simulcast:send h,l;~l recv x",
  "a=ssrc-group:SIM 3 4 5",
  "",
].join("\r\n");

export const sdpFixtures = (): Uint8Array[] => [bytesOf(SHORT), ...inputsIn(join(root, "test/fixtures/sdp"))];

/** Every attribute and parameter that the fixtures have. */
export function sdpWords(): string[] {
  const text = sdpFixtures().map(textOf).join("\n");
  const words = new Set(text.match(/a=[a-z-]+:?|[a-zA-Z][a-zA-Z-]{3,40}/g));
  return [...words, "\r\na=", "\r\nm=", "a=crypto:", "k=", "v=0\r\n", "0 UDP/TLS/RTP/SAVPF 96"];
}

export const target: FuzzTarget = {
  name: "sdp",
  sources: ["src/protocol/sdp/"],
  words: sdpWords(),
  maxBytes: 16_384,
  seeds: sdpFixtures,
  run(input) {
    const session = unlessRefused(() => parseSdp(textOf(input)), SdpError);
    if (session === undefined) return;
    const written = writeSdp(session);
    const again = parseSdp(written);
    // What says nothing is written with what it stands for.
    if (session.timing.length === 0) session.timing = ["0 0"];
    assert.deepEqual(again, session);
    assert.equal(writeSdp(again), written);
  },
};
