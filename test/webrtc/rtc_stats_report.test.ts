import assert from "node:assert/strict";
import type { TransportStats } from "../../src/media/transport_api.js";
import { createLocalTrack, type RTCStats } from "../../src/webrtc/index.js";
import type { RTCStatsReport } from "../../src/webrtc/rtc_stats_report.js";
import { receiveStreamStats, sendStreamStats, transportStats } from "./engine_stats.js";
import { closeAll, connection, negotiate, tasks } from "./fake_transport.js";
import { rejectsWith } from "./rejects.js";

afterEach(closeAll);

const localLine = "candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host";
const remoteLine = "candidate:2 1 udp 2130706431 127.0.0.1 40001 typ host";
const otherLine = "candidate:3 1 udp 2130706175 127.0.0.1 40002 typ prflx";

function engineStats(ssrc: number): TransportStats {
  const counts = {
    totalRttUs: 5000,
    requestsSent: 2,
    requestsReceived: 1,
    responsesSent: 1,
    responsesReceived: 2,
    consentRequestsSent: 0,
  };
  const traffic = { packetsSent: 10, packetsReceived: 20, bytesSent: 1000, bytesReceived: 2000 };
  const none = { packetsSent: 0, packetsReceived: 0, bytesSent: 0, bytesReceived: 0 };
  return transportStats({
    ...traffic,
    selectedPair: { local: localLine, remote: remoteLine, rttUs: 2500 },
    selectedPairChanges: 1,
    pairs: [
      {
        local: localLine,
        remote: remoteLine,
        state: "succeeded",
        nominated: true,
        isSelected: true,
        rttUs: 2500,
        ...counts,
        ...traffic,
      },
      {
        local: localLine,
        remote: otherLine,
        state: "in-progress",
        nominated: false,
        isSelected: false,
        rttUs: 0,
        ...counts,
        ...none,
      },
    ],
    iceState: "connected",
    dtlsState: "connected",
    dtlsCipher: "ECDHE-ECDSA-AES128-GCM-SHA256",
    srtpProfile: "AEAD_AES_128_GCM",
    send: [
      sendStreamStats({
        ssrc,
        packetsSent: 10,
        bytesSent: 900,
        framesSent: 5,
        keyframesSent: 1,
        retransmitted: 2,
        retransmittedBytes: 180,
        nackCount: 1,
        pliCount: 3,
        encodeUs: 12_000,
        remoteLost: 4,
        remoteFractionLost: 0.25,
        remoteJitterUs: 1500,
        rttUs: 3000,
        remoteReportWallUs: 1_700_000_000_000_000,
      }),
    ],
    receive: [
      receiveStreamStats({
        ssrc: 77,
        packetsReceived: 20,
        bytesReceived: 1800,
        packetsLost: 1,
        framesReceived: 6,
        framesDecoded: 5,
        framesDropped: 1,
        keyframesDecoded: 1,
        pliCount: 1,
        width: 1280,
        height: 720,
        remoteReports: 2,
        remotePacketsSent: 21,
      }),
    ],
  });
}

async function call() {
  const { pc, engine } = connection();
  const { pc: peer } = connection();
  const track = createLocalTrack({ kind: "video", settings: { width: 1280, height: 720, frameRate: 30 } });
  const sender = pc.addTrack(track);
  peer.addTrack(createLocalTrack({ kind: "video" }));
  await negotiate(pc, peer);
  engine.transport.find({
    candidate: localLine,
    address: "127.0.0.1",
    port: 40000,
    type: "host",
  });
  await tasks();
  const [options] = engine.transport.called("addSendStream")[0] as [{ ssrc: number }];
  engine.transport.stats = engineStats(options.ssrc);
  return { pc, engine, track, sender };
}

function ofType<T extends RTCStats["type"]>(report: RTCStatsReport, type: T) {
  return [...report.values()].filter((entry): entry is Extract<RTCStats, { type: T }> => entry.type === type);
}

describe("getStats (WebRTC 1.0 §8)", () => {
  it("has a peer-connection entry before anything else happened", async () => {
    const { pc } = connection();
    const report = await pc.getStats();
    assert.equal(report.size, 1);
    assert.equal(report.get("P")?.type, "peer-connection");
  });

  it("fills every dictionary a call has", async () => {
    const { pc, track } = await call();
    const report = await pc.getStats();
    const [outbound] = ofType(report, "outbound-rtp");
    assert.equal(outbound.packetsSent, 10);
    assert.equal(outbound.framesSent, 5);
    assert.equal(outbound.active, true);
    const [remote] = ofType(report, "remote-inbound-rtp");
    assert.equal(remote.roundTripTime, 0.003);
    assert.equal(remote.fractionLost, 0.25);
    assert.equal(remote.jitter, 0.0015);
    assert.equal(report.get(outbound.remoteId), remote);
    assert.equal(remote.timestamp, 1_700_000_000_000, "when the peer's report came");
    assert.equal(outbound.totalEncodeTime, 0.012);
    const [remoteOutbound] = ofType(report, "remote-outbound-rtp");
    assert.deepEqual([remoteOutbound.packetsSent, remoteOutbound.reportsSent], [21, 2]);
    const [inbound] = ofType(report, "inbound-rtp");
    assert.equal(inbound.frameWidth, 1280);
    assert.equal(inbound.packetsLost, 1);
    const [source] = ofType(report, "media-source");
    assert.equal(source.trackIdentifier, track.id);
    assert.equal(source.width, 1280);
    assert.equal(ofType(report, "codec").length, 2);
    const [transport] = ofType(report, "transport");
    assert.equal(transport.dtlsRole, "server");
    assert.equal(transport.srtpCipher, "SRTP_AEAD_AES_128_GCM");
    const pair = report.get(transport.selectedCandidatePairId ?? "");
    assert.ok(pair?.type === "candidate-pair");
    assert.equal(pair.currentRoundTripTime, 0.0025);
    assert.deepEqual([pair.requestsSent, pair.responsesReceived, pair.bytesReceived], [2, 2, 2000]);
    const other = ofType(report, "candidate-pair").find(({ id }) => id !== pair.id);
    assert.equal(other?.state, "in-progress");
    const learnt = report.get(other.remoteCandidateId);
    assert.ok(learnt?.type === "remote-candidate" && learnt.candidateType === "prflx");
    const local = report.get(pair.localCandidateId);
    assert.ok(local?.type === "local-candidate" && local.port === 40000);
    const [certificate] = ofType(report, "certificate");
    assert.match(certificate.fingerprint, /^[0-9A-F:]{95}$/);
  });

  it("every id that an entry names is there", async () => {
    const { pc } = await call();
    const report = await pc.getStats();
    for (const [id, entry] of report) {
      assert.equal(entry.id, id);
      for (const [key, value] of Object.entries(entry)) {
        if (key.endsWith("Id")) assert.ok(report.has(String(value)), `${id}.${key} = ${value}`);
      }
    }
  });

  it("a selector leaves what concerns its track", async () => {
    const { pc, track, sender } = await call();
    for (const report of [await pc.getStats(track), await sender.getStats()]) {
      assert.equal(ofType(report, "outbound-rtp").length, 1);
      assert.equal(ofType(report, "inbound-rtp").length, 0);
      assert.equal(ofType(report, "peer-connection").length, 0);
      assert.equal(ofType(report, "transport").length, 1);
    }
    const report = await pc.getReceivers()[0].getStats();
    assert.equal(ofType(report, "inbound-rtp").length, 1);
    assert.equal(ofType(report, "outbound-rtp").length, 0);
    await rejectsWith(pc.getStats(createLocalTrack({ kind: "audio" })), "InvalidAccessError");
  });

  it("is a read-only map", async () => {
    const { pc } = connection();
    const report = await pc.getStats();
    const ids: string[] = [];
    report.forEach((_, id) => {
      ids.push(id);
    });
    assert.deepEqual(ids, [...report.keys()]);
    assert.equal("set" in report, false);
  });
});
