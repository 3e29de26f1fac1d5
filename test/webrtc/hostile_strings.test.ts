/**
 * Line breaks, NUL and lone surrogates in every string that the API takes or a peer's description brings: none makes a line
 * of its own in a description, and the connection goes on.
 */
import assert from "node:assert/strict";
import { parseSdp } from "../../src/protocol/sdp/parse_sdp.js";
import { createLocalTrack, MediaStream } from "../../src/webrtc/index.js";
import type { RTCRtpCodec } from "../../src/webrtc/rtc_rtp_parameters.js";
import { closeAll, connection, negotiate } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

/** What would stand on a line of its own if it came through. */
const FORGED = "a=forged:1";
const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ["CR and LF", `x\r\n${FORGED}\r\n`],
  ["LF", `x\n${FORGED}`],
  ["CR", `x\r${FORGED}`],
  ["NUL", `x\0${FORGED}`],
  ["a lone surrogate", `x\ud800\r\n${FORGED}`],
];
const CANDIDATE = "candidate:1 1 udp 2130706431 192.0.2.7 40000 typ host";

type End = ReturnType<typeof connection>;

describe("hostile strings at the API", () => {
  let a: End;
  let b: End;

  beforeEach(async () => {
    [a, b] = [connection(), connection()];
    a.pc.createDataChannel("");
    a.pc.addTransceiver("video");
    await negotiate(a.pc, b.pc);
  });
  afterEach(closeAll);

  /** Both still negotiate, and no description has a line that nobody wrote. */
  async function goesOn(): Promise<void> {
    await negotiate(a.pc, b.pc);
    for (const { pc } of [a, b]) {
      assert.equal(pc.signalingState, "stable");
      for (const description of [pc.localDescription, pc.remoteDescription]) {
        const sdp = description?.sdp ?? "";
        assert.doesNotMatch(sdp, /(^|[\r\n\0])a=forged/);
        parseSdp(sdp);
      }
    }
  }

  for (const [name, text] of HOSTILE) {
    it(`${name} in a candidate: refused with the name of the mistake`, async () => {
      for (const candidate of [
        `${CANDIDATE} generation ${text}`,
        `${CANDIDATE} ufrag ${text}`,
        CANDIDATE.replace("1 udp", `${text} udp`),
        CANDIDATE.replace("192.0.2.7", text),
        CANDIDATE.replace("candidate:1", `candidate:${text}`),
        `${CANDIDATE}${text.slice(1)}`,
      ]) {
        await rejectsWith(b.pc.addIceCandidate({ candidate, sdpMid: "0" }), "OperationError");
      }
      await goesOn();
    });

    it(`${name} in a candidate's place or ufrag: refused`, async () => {
      for (const place of [{ sdpMid: text }, { sdpMid: "0", usernameFragment: text }]) {
        await rejectsWith(b.pc.addIceCandidate({ candidate: CANDIDATE, ...place }), "OperationError");
      }
      await goesOn();
    });

    it(`${name} in a channel's label and protocol: carried as they are, in no description`, async () => {
      const channel = a.pc.createDataChannel(text, { protocol: text });
      const carried = text.replace("\ud800", "\ufffd");
      assert.deepEqual([channel.label, channel.protocol], [carried, carried]);
      await goesOn();
    });

    it(`${name} in a rid or a codec: refused, or what is meant is written in our own words`, async () => {
      await rejectsWith(() => a.pc.addTransceiver("video", { sendEncodings: [{ rid: text }] }), "TypeError");
      const transceiver = a.pc.addTransceiver("video");
      const codec: RTCRtpCodec = { mimeType: "video/VP8", clockRate: 90_000, sdpFmtpLine: text };
      for (const other of [codec, { ...codec, mimeType: `video/${text}` }]) {
        await rejectsWith(() => transceiver.setCodecPreferences([other]), "InvalidModificationError");
      }
      const sdpFmtpLine = `profile-level-id=42e01f;packetization-mode=1;${text}`;
      transceiver.setCodecPreferences([{ mimeType: "video/H264", clockRate: 90_000, sdpFmtpLine }]);
      await goesOn();
    });

    it(`${name} in a server's address: a SyntaxError`, async () => {
      for (const urls of [`stun:${text}`, `turn:192.0.2.1?transport=${text}`, `turn:192.0.2.1:3478${text}`]) {
        const server = { urls, username: "u", credential: "c" };
        await rejectsWith(() => a.pc.setConfiguration({ iceServers: [server] }), "SyntaxError");
      }
      await goesOn();
    });

    it(`${name} in a description: refused, and the one in force stays`, async () => {
      const offer = (await a.pc.createOffer()).sdp ?? "";
      for (const sdp of [
        offer.replace("a=mid:0", `a=mid:${text}`),
        offer.replace(/a=ice-ufrag:.*/g, `a=ice-ufrag:${text}`),
        offer.replace(/a=ice-pwd:.*/g, `a=ice-pwd:${text}`),
        offer.replace(/a=fingerprint:.*/g, `a=fingerprint:${text}`),
      ]) {
        await assert.rejects(b.pc.setRemoteDescription({ type: "offer", sdp }));
        assert.equal(b.pc.signalingState, "stable");
      }
      await goesOn();
    });
  }

  it("a stream that a peer named oddly goes back under the same name, on one line", async () => {
    const odd = "{name}~with=odd;bytes\u00e9";
    const streams: MediaStream[] = [];
    b.pc.ontrack = (event) => streams.push(...event.streams);
    a.pc.addTrack(createLocalTrack({ kind: "audio" }), new MediaStream());
    const sdp = ((await a.pc.createOffer()).sdp ?? "").replace(/a=msid:\S+/g, `a=msid:${odd}`);
    await b.pc.setRemoteDescription({ type: "offer", sdp });
    assert.ok(streams.length > 0 && streams.every(({ id }) => id === odd));
    await b.pc.setLocalDescription();
    b.pc.addTrack(createLocalTrack({ kind: "video" }), streams[0]);
    assert.match((await b.pc.createOffer()).sdp ?? "", new RegExp(`^a=msid:${odd} \\S+\r$`, "m"));
  });
});
