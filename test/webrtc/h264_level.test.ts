import assert from "node:assert/strict";
import { MessageChannel } from "node:worker_threads";
import { MediaEngine } from "../../src/media/engine.js";
import type { EncodedFrame } from "../../src/media/recording/encoded_frame.js";
import { macroblocksOf } from "../../src/protocol/h264/level_limits.js";
import { findSps, profileLevelId, type SequenceParameterSet } from "../../src/protocol/h264/sps.js";
import { parseProfileLevelId } from "../../src/protocol/sdp/h264_fmtp.js";
import {
  createLocalTrack,
  RTCPeerConnection,
  type RTCSettings,
  remoteTrackSource,
  whenClosed,
} from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { negotiate } from "./fake_transport.js";

/** The SPS as it arrives at a peer that states its level. */
describe("the H.264 level that a peer states (RFC 6184 §8.2.2)", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 640, height: 360, frameRate: 30, noise: false, tag: 1 },
      audioSource: { kind: "none" },
    });
  });
  after(() => engine.stop());

  async function received(video: RTCSettings["video"]): Promise<SequenceParameterSet> {
    const settings = { transportFactory: engine, transport: { includeLoopback: true } };
    const a = new RTCPeerConnection({}, settings);
    const b = new RTCPeerConnection({}, { ...settings, ...(video !== undefined && { video }) });
    trickle(a, b);
    a.addTrack(createLocalTrack({ kind: "video" }));
    await negotiate(a, b);
    const remote = remoteTrackSource(b.getReceivers()[0].track);
    const { port1, port2 } = new MessageChannel();
    remote?.transport.tapEncoded?.(remote.mid, () => port2, 0);
    const sps = await new Promise<SequenceParameterSet>((resolve) => {
      port1.on("message", ({ data }: EncodedFrame) => {
        const found = findSps(data);
        if (found !== undefined) resolve(found);
      });
    });
    port1.close();
    for (const pc of [a, b]) pc.close();
    await Promise.all([whenClosed(a), whenClosed(b)]);
    return sps;
  }

  const levelOf = (sps: SequenceParameterSet) => parseProfileLevelId(profileLevelId(sps));

  it("of 1.3 is kept to by a smaller picture of the same shape", async () => {
    const sps = await received({ level: 13 });
    assert.equal(levelOf(sps)?.profile, "constrained-baseline");
    assert.ok((levelOf(sps)?.level ?? 99) <= 13, profileLevelId(sps));
    assert.ok(macroblocksOf(sps.width, sps.height) <= 396 && sps.width > 380, `${sps.width}x${sps.height}`);
    assert.ok(Math.abs(sps.width / sps.height - 16 / 9) < 0.05);
  });

  it("of 3.1 leaves the picture as it is", async () => {
    const sps = await received(undefined);
    assert.deepEqual([sps.width, sps.height], [640, 360]);
    assert.ok((levelOf(sps)?.level ?? 99) <= 31, profileLevelId(sps));
  });
});
