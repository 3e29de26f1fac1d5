/** Every member of every dictionary of webrtc-stats: there after a call, of the right type, or absent for a reason. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { MediaEngine } from "../../src/media/engine.js";
import { createLocalTrack, RTCPeerConnection, type RTCStats, whenClosed } from "../../src/webrtc/index.js";
import { trickle } from "../support/trickle.js";
import { negotiate, nextEvent } from "./fake_transport.js";

type Shape = "number" | "string" | "boolean" | "object";
type Members = Readonly<Record<string, Shape>>;

/** webrtc-stats §7 and §8; what a dictionary inherits stands in it. */
const stream: Members = { ssrc: "number", kind: "string", transportId: "string", codecId: "string" };
const received: Members = { ...stream, packetsReceived: "number", packetsLost: "number", jitter: "number" };
const sent: Members = { ...stream, packetsSent: "number", bytesSent: "number" };
const congestion: Members = {
  packetsReceivedWithEct1: "number",
  packetsReceivedWithCe: "number",
  packetsReportedAsLost: "number",
  packetsReportedAsLostButRecovered: "number",
  packetsWithBleachedEct1Marking: "number",
};
const inbound: Members = {
  ...received,
  packetsReceivedWithEct1: "number",
  packetsReceivedWithCe: "number",
  trackIdentifier: "string",
  mid: "string",
  remoteId: "string",
  packetsDiscarded: "number",
  fecPacketsReceived: "number",
  fecBytesReceived: "number",
  fecPacketsDiscarded: "number",
  lastPacketReceivedTimestamp: "number",
  headerBytesReceived: "number",
  bytesReceived: "number",
  nackCount: "number",
  jitterBufferDelay: "number",
  jitterBufferTargetDelay: "number",
  jitterBufferEmittedCount: "number",
  jitterBufferMinimumDelay: "number",
  estimatedPlayoutTimestamp: "number",
  retransmittedPacketsReceived: "number",
  retransmittedBytesReceived: "number",
  fecSsrc: "number",
};
const outbound: Members = {
  ...sent,
  mid: "string",
  mediaSourceId: "string",
  remoteId: "string",
  rid: "string",
  encodingIndex: "number",
  headerBytesSent: "number",
  retransmittedPacketsSent: "number",
  retransmittedBytesSent: "number",
  targetBitrate: "number",
  totalPacketSendDelay: "number",
  active: "boolean",
  nackCount: "number",
  packetsSentWithEct1: "number",
};

const dictionaries: Readonly<Record<string, Members>> = {
  codec: {
    payloadType: "number",
    transportId: "string",
    mimeType: "string",
    clockRate: "number",
    channels: "number",
    sdpFmtpLine: "string",
  },
  "inbound-rtp video": {
    ...inbound,
    rtxSsrc: "number",
    framesDecoded: "number",
    keyFramesDecoded: "number",
    framesRendered: "number",
    framesDropped: "number",
    frameWidth: "number",
    frameHeight: "number",
    framesPerSecond: "number",
    qpSum: "number",
    totalDecodeTime: "number",
    totalInterFrameDelay: "number",
    totalSquaredInterFrameDelay: "number",
    pauseCount: "number",
    totalPausesDuration: "number",
    freezeCount: "number",
    totalFreezesDuration: "number",
    firCount: "number",
    pliCount: "number",
    totalProcessingDelay: "number",
    framesReceived: "number",
    framesAssembledFromMultiplePackets: "number",
    totalAssemblyTime: "number",
    decoderImplementation: "string",
    powerEfficientDecoder: "boolean",
    totalCorruptionProbability: "number",
    totalSquaredCorruptionProbability: "number",
    corruptionMeasurements: "number",
  },
  "inbound-rtp audio": {
    ...inbound,
    playoutId: "string",
    totalSamplesReceived: "number",
    concealedSamples: "number",
    silentConcealedSamples: "number",
    concealmentEvents: "number",
    insertedSamplesForDeceleration: "number",
    removedSamplesForAcceleration: "number",
    audioLevel: "number",
    totalAudioEnergy: "number",
    totalSamplesDuration: "number",
  },
  "outbound-rtp video": {
    ...outbound,
    rtxSsrc: "number",
    totalEncodedBytesTarget: "number",
    frameWidth: "number",
    frameHeight: "number",
    framesPerSecond: "number",
    framesSent: "number",
    hugeFramesSent: "number",
    framesEncoded: "number",
    keyFramesEncoded: "number",
    qpSum: "number",
    psnrSum: "object",
    psnrMeasurements: "number",
    totalEncodeTime: "number",
    qualityLimitationReason: "string",
    qualityLimitationDurations: "object",
    qualityLimitationResolutionChanges: "number",
    firCount: "number",
    pliCount: "number",
    encoderImplementation: "string",
    powerEfficientEncoder: "boolean",
    scalabilityMode: "string",
  },
  "outbound-rtp audio": outbound,
  "remote-inbound-rtp": {
    ...received,
    ...congestion,
    localId: "string",
    roundTripTime: "number",
    totalRoundTripTime: "number",
    fractionLost: "number",
    roundTripTimeMeasurements: "number",
  },
  "remote-outbound-rtp": {
    ...sent,
    localId: "string",
    remoteTimestamp: "number",
    reportsSent: "number",
    roundTripTime: "number",
    totalRoundTripTime: "number",
    roundTripTimeMeasurements: "number",
  },
  "media-source video": {
    trackIdentifier: "string",
    kind: "string",
    width: "number",
    height: "number",
    frames: "number",
    framesPerSecond: "number",
  },
  "media-source audio": {
    trackIdentifier: "string",
    kind: "string",
    audioLevel: "number",
    totalAudioEnergy: "number",
    totalSamplesDuration: "number",
    echoReturnLoss: "number",
    echoReturnLossEnhancement: "number",
  },
  "media-playout": {
    kind: "string",
    synthesizedSamplesDuration: "number",
    synthesizedSamplesEvents: "number",
    totalSamplesDuration: "number",
    totalPlayoutDelay: "number",
    totalSamplesCount: "number",
  },
  "peer-connection": { dataChannelsOpened: "number", dataChannelsClosed: "number" },
  "data-channel": {
    label: "string",
    protocol: "string",
    dataChannelIdentifier: "number",
    state: "string",
    messagesSent: "number",
    bytesSent: "number",
    messagesReceived: "number",
    bytesReceived: "number",
  },
  transport: {
    packetsSent: "number",
    packetsReceived: "number",
    bytesSent: "number",
    bytesReceived: "number",
    iceRole: "string",
    iceLocalUsernameFragment: "string",
    dtlsState: "string",
    iceState: "string",
    selectedCandidatePairId: "string",
    localCertificateId: "string",
    remoteCertificateId: "string",
    tlsVersion: "string",
    dtlsCipher: "string",
    dtlsRole: "string",
    srtpCipher: "string",
    selectedCandidatePairChanges: "number",
    ccfbMessagesSent: "number",
    ccfbMessagesReceived: "number",
  },
  "local-candidate": candidate(),
  "remote-candidate": candidate(),
  "candidate-pair": {
    transportId: "string",
    localCandidateId: "string",
    remoteCandidateId: "string",
    state: "string",
    nominated: "boolean",
    packetsSent: "number",
    packetsReceived: "number",
    bytesSent: "number",
    bytesReceived: "number",
    lastPacketSentTimestamp: "number",
    lastPacketReceivedTimestamp: "number",
    totalRoundTripTime: "number",
    currentRoundTripTime: "number",
    availableOutgoingBitrate: "number",
    availableIncomingBitrate: "number",
    requestsReceived: "number",
    requestsSent: "number",
    responsesReceived: "number",
    responsesSent: "number",
    consentRequestsSent: "number",
    packetsDiscardedOnSend: "number",
    bytesDiscardedOnSend: "number",
  },
  certificate: {
    fingerprint: "string",
    fingerprintAlgorithm: "string",
    base64Certificate: "string",
    issuerCertificateId: "string",
  },
};

function candidate(): Members {
  return {
    transportId: "string",
    address: "string",
    port: "number",
    protocol: "string",
    candidateType: "string",
    priority: "number",
    url: "string",
    relayProtocol: "string",
    foundation: "string",
    relatedAddress: "string",
    relatedPort: "number",
    usernameFragment: "string",
    tcpType: "string",
  };
}

/** Never there; docs/api/RTCStatsReport.md says why. */
const absent = [
  "availableIncomingBitrate",
  "bytesDiscardedOnSend",
  "ccfbMessagesReceived",
  "ccfbMessagesSent",
  "corruptionMeasurements",
  "echoReturnLoss",
  "echoReturnLossEnhancement",
  "issuerCertificateId",
  "lastPacketSentTimestamp",
  "packetsReceivedWithCe",
  "packetsReceivedWithEct1",
  "packetsReportedAsLost",
  "packetsReportedAsLostButRecovered",
  "packetsSentWithEct1",
  "packetsWithBleachedEct1Marking",
  "psnrMeasurements",
  "psnrSum",
  "totalCorruptionProbability",
  "totalSquaredCorruptionProbability",
];

/** There in other calls than this one: a path that was too narrow, simulcast, relays, mapped addresses, TCP; FlexFEC. */
const elsewhere: Readonly<Record<string, readonly string[]>> = {
  "inbound-rtp video": ["rtxSsrc", "fecSsrc"],
  "inbound-rtp audio": ["fecSsrc"],
  "outbound-rtp video": ["rid"],
  "outbound-rtp audio": ["rid"],
  "candidate-pair": ["availableOutgoingBitrate"],
  "local-candidate": ["url", "relayProtocol", "relatedAddress", "relatedPort"],
  "remote-candidate": ["url", "relayProtocol", "relatedAddress", "relatedPort"],
};

/** An entry's dictionary: some differ by kind. */
function nameOf(entry: RTCStats): string {
  const named = "kind" in entry ? `${entry.type} ${entry.kind}` : entry.type;
  return named in dictionaries ? named : entry.type;
}

describe("the members of webrtc-stats", function () {
  this.timeout(120_000);
  let engine: MediaEngine;
  let all: RTCStats[];
  before(async () => {
    engine = await MediaEngine.start({
      videoSource: { kind: "test", width: 320, height: 180, frameRate: 30, noise: true, tag: 7 },
      audioSource: { kind: "tone", frequencyHz: 440, channels: 1 },
    });
    all = await statsOfCall();
  });
  after(() => engine.stop());

  /** A call with all that there is, until both sides have reported on it. */
  async function statsOfCall(): Promise<RTCStats[]> {
    const transport = { includeLoopback: true, reportIntervalUs: 200_000 };
    const [a, b] = [0, 1].map(() => new RTCPeerConnection({}, { transportFactory: engine, transport }));
    trickle(a, b);
    for (const pc of [a, b]) {
      for (const kind of ["audio", "video"] as const) pc.addTrack(createLocalTrack({ kind }));
    }
    const channel = a.createDataChannel("x");
    const opened = nextEvent(channel, "open");
    await negotiate(a, b);
    await opened;
    channel.send("hello");
    for (;;) {
      const all = [...(await a.getStats()).values()];
      const outbound = all.find(({ type, id }) => type === "remote-inbound-rtp" && id.startsWith("RI"));
      const measured = outbound?.type === "remote-inbound-rtp" && outbound.roundTripTimeMeasurements > 0;
      const heard = all.filter(
        (entry) => entry.type === "remote-outbound-rtp" && entry.roundTripTime !== undefined,
      );
      const shown = all.some(
        (entry) => entry.type === "inbound-rtp" && (entry.framesRendered ?? 0) > 20 && entry.framesPerSecond,
      );
      if (measured && heard.length === 2 && shown) {
        for (const pc of [a, b]) pc.close();
        await Promise.all([a, b].map(whenClosed));
        return all;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  it("every dictionary that a call has is there", () => {
    const names = new Set(all.map(nameOf));
    assert.deepEqual([...names].sort(), Object.keys(dictionaries).sort());
  });

  it("each member is there with the right type, or its reason is", () => {
    for (const [name, members] of Object.entries(dictionaries)) {
      const entries = all.filter((entry) => nameOf(entry) === name) as unknown as Record<string, unknown>[];
      for (const [member, shape] of Object.entries(members)) {
        const values = entries.flatMap((entry) => (entry[member] === undefined ? [] : [entry[member]]));
        const excused = absent.includes(member) || elsewhere[name]?.includes(member);
        assert.ok(values.length > 0 !== (excused ?? false), `${name}.${member}: ${values[0]}`);
        for (const value of values) assert.equal(typeof value, shape, `${name}.${member}`);
      }
    }
  });

  it("nothing is there that the specification does not know", () => {
    for (const entry of all) {
      const known = ["type", "id", "timestamp", ...Object.keys(dictionaries[nameOf(entry)])];
      const strangers = Object.keys(entry).filter((member) => !known.includes(member));
      assert.deepEqual(strangers, [], entry.id);
      for (const value of Object.values(entry)) assert.ok(!Number.isNaN(value), JSON.stringify(entry));
    }
  });

  it("the figures agree with one another", () => {
    const video = all.find((entry) => entry.type === "inbound-rtp" && entry.kind === "video");
    assert.ok(video?.type === "inbound-rtp");
    const { framesDecoded = 0, framesRendered = 0, totalDecodeTime = 0, framesPerSecond = 0 } = video;
    assert.ok(totalDecodeTime > 0 && totalDecodeTime < video.timestamp);
    assert.ok(framesRendered <= framesDecoded && framesPerSecond <= 60);
    assert.ok(video.jitterBufferDelay / video.jitterBufferEmittedCount < 2);
    const sound = all.find((entry) => entry.type === "inbound-rtp" && entry.kind === "audio");
    assert.ok(sound?.type === "inbound-rtp");
    // A tone at a third of full scale; the last piece may be one that was made up and fades.
    assert.ok(sound.audioLevel && sound.audioLevel < 0.33 / Math.SQRT2 + 0.05, `level ${sound.audioLevel}`);
    const source = all.find((entry) => entry.type === "media-source" && entry.kind === "audio");
    assert.ok(source?.type === "media-source" && source.kind === "audio");
    const told = source.audioLevel ?? 0;
    assert.ok(Math.abs(told - 0.33 / Math.SQRT2) < 0.01, `level of the source ${told}`);
    const { totalAudioEnergy = 0, totalSamplesDuration = 1 } = sound;
    const mean = Math.sqrt(totalAudioEnergy / totalSamplesDuration);
    assert.ok(mean > 0.1 && mean < 0.25, `mean level ${mean}: ${JSON.stringify(sound)}`);
    const pairs = all.filter((entry) => entry.type === "candidate-pair");
    assert.ok(
      pairs.every(({ requestsSent, responsesReceived }) => requestsSent > 0 || responsesReceived === 0),
    );
    const used = pairs.find(({ packetsSent }) => packetsSent > 0);
    assert.ok(used?.nominated && used.state === "succeeded");
  });

  it("the documents name what is absent", () => {
    const page = readFileSync(new URL("../../../docs/api/RTCStatsReport.md", import.meta.url), "utf8");
    for (const member of absent) assert.ok(page.includes(`\`${member}\``), member);
  });
});
