/** getStats (WebRTC 1.0 §8, Identifiers for WebRTC's Statistics API). */
import { X509Certificate } from "node:crypto";
import type { ReceiveStreamStats, SendStreamStats, TransportStats } from "../media/transport_api.js";
import type { SdpCodec } from "../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "./connection_core.js";
import { internals } from "./internals.js";
import type { RTCDataChannel } from "./rtc_data_channel.js";
import { type RTCIceCandidate, readCandidate } from "./rtc_ice_candidate.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import { RTCRtpSender } from "./rtc_rtp_sender.js";
import type { RTCRtpTransceiver } from "./rtc_rtp_transceiver.js";
import type { RTCIceCandidateStats, RTCStats } from "./rtc_stats.js";
import { RTCStatsReport } from "./rtc_stats_report.js";

const transportId = "T0";
const localCertificateId = "CL0";

/** Statistics of the whole connection, or of what belongs to one sender or receiver and all that it refers to. */
export async function collectStats(
  core: ConnectionCore,
  selector: RTCRtpSender | RTCRtpReceiver | null,
): Promise<RTCStatsReport> {
  const engine = (await core.transport.media?.getStats()) ?? null;
  const all = new StatsCollector(core, engine, Date.now()).collect();
  return new RTCStatsReport(selector === null ? all : selected(all, roots(all, selector)));
}

function roots(all: readonly RTCStats[], selector: RTCRtpSender | RTCRtpReceiver): string[] {
  const ssrc = selector instanceof RTCRtpSender ? selector[internals].ssrc : undefined;
  const trackId = selector.track?.id;
  return all.flatMap((entry) => {
    if (entry.type === "outbound-rtp" && entry.ssrc === ssrc) return [entry.id];
    if (entry.type === "inbound-rtp" && ssrc === undefined && entry.trackIdentifier === trackId)
      return [entry.id];
    return [];
  });
}

/** The entries named by `ids` and, through their `…Id` members, all they refer to (WebRTC 1.0 §8.5). */
function selected(all: readonly RTCStats[], ids: readonly string[]): RTCStats[] {
  const byId = new Map(all.map((entry) => [entry.id, entry]));
  const found = new Map<string, RTCStats>();
  const queue = [...ids];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    const entry = byId.get(id);
    if (entry === undefined || found.has(id)) continue;
    found.set(id, entry);
    for (const [key, value] of Object.entries(entry)) {
      if (key.endsWith("Id") && typeof value === "string") queue.push(value);
    }
  }
  return [...found.values()];
}

class StatsCollector {
  private readonly stats: RTCStats[] = [];

  constructor(
    private readonly core: ConnectionCore,
    private readonly engine: TransportStats | null,
    private readonly timestamp: number,
  ) {}

  collect(): RTCStats[] {
    const { timestamp } = this;
    this.stats.push({
      type: "peer-connection",
      id: "P",
      timestamp,
      dataChannelsOpened: this.core.data.opened,
      dataChannelsClosed: this.core.data.closed,
    });
    for (const channel of this.core.data.all) this.addDataChannel(channel);
    for (const transceiver of this.core.transceivers) {
      this.addSource(transceiver.sender);
      this.addCodecs(transceiver);
      this.addOutbound(transceiver);
      this.addInbound(transceiver);
    }
    if (this.engine !== null) this.addTransport(this.engine);
    return this.stats;
  }

  private addDataChannel(channel: RTCDataChannel): void {
    const { handle, id, messagesSent, bytesSent, messagesReceived, bytesReceived } = channel[internals];
    this.stats.push({
      type: "data-channel",
      id: `D${handle}`,
      timestamp: this.timestamp,
      label: channel.label,
      protocol: channel.protocol,
      ...(id !== null && { dataChannelIdentifier: id }),
      state: channel.readyState,
      messagesSent,
      bytesSent,
      messagesReceived,
      bytesReceived,
    });
  }

  private addSource({ track }: RTCRtpSender): void {
    if (track === null) return;
    const { width, height, frameRate } = track.getSettings();
    this.stats.push({
      type: "media-source",
      id: sourceId(track.id),
      timestamp: this.timestamp,
      trackIdentifier: track.id,
      kind: track.kind,
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      ...(frameRate !== undefined && { framesPerSecond: frameRate }),
    });
  }

  private addCodecs({ sender }: RTCRtpTransceiver): void {
    const { negotiated, kind } = sender[internals];
    const used = negotiated?.codecs[0];
    if (used === undefined || negotiated === null) return;
    if (negotiated.sending) this.addCodec(kind, used.remote, outboundCodecId(used.remote));
    if (negotiated.receiving) this.addCodec(kind, used.local, inboundCodecId(used.local));
  }

  private addCodec(kind: string, codec: SdpCodec, id: string): void {
    if (this.stats.some((entry) => entry.id === id)) return;
    this.stats.push({
      type: "codec",
      id,
      timestamp: this.timestamp,
      payloadType: codec.payloadType,
      transportId,
      mimeType: `${kind}/${codec.name}`,
      clockRate: codec.clockRate,
      ...(codec.channels !== undefined && { channels: codec.channels }),
      ...(codec.fmtp !== undefined && { sdpFmtpLine: codec.fmtp }),
    });
  }

  private addOutbound({ sender, mid }: RTCRtpTransceiver): void {
    const stream = this.engine?.send.find((candidate) => candidate.mid === mid);
    if (stream === undefined || mid === null) return;
    const { negotiated, track } = sender[internals];
    const codec = negotiated?.codecs[0]?.remote;
    const codecId = codec === undefined ? {} : { codecId: outboundCodecId(codec) };
    const common = {
      timestamp: this.timestamp,
      ssrc: stream.ssrc,
      kind: stream.kind,
      transportId,
      ...codecId,
    };
    const id = `O${stream.ssrc}`;
    const remoteId = `RI${stream.ssrc}`;
    this.stats.push({
      ...common,
      type: "outbound-rtp",
      id,
      mid,
      remoteId,
      ...(track !== null && { mediaSourceId: sourceId(track.id) }),
      active: this.core.transport.isSending(mid),
      ...outboundCounters(stream),
    });
    this.stats.push({
      ...common,
      type: "remote-inbound-rtp",
      id: remoteId,
      localId: id,
      packetsLost: stream.remoteLost,
      fractionLost: stream.remoteFractionLost,
      jitter: stream.remoteJitterUs / 1e6,
      ...(stream.rttUs > 0 && { roundTripTime: stream.rttUs / 1e6 }),
    });
  }

  private addInbound({ receiver, mid }: RTCRtpTransceiver): void {
    const stream = this.engine?.receive.find((candidate) => candidate.mid === mid);
    // Nothing has come yet: webrtc-stats §8: the object appears with the first packet.
    if (stream === undefined || mid === null || stream.packetsReceived === 0) return;
    const codec = receiver[internals].negotiated?.codecs[0]?.local;
    this.stats.push({
      type: "inbound-rtp",
      id: `I${stream.ssrc}`,
      timestamp: this.timestamp,
      ssrc: stream.ssrc,
      kind: stream.kind,
      transportId,
      ...(codec !== undefined && { codecId: inboundCodecId(codec) }),
      trackIdentifier: receiver.track.id,
      mid,
      ...inboundCounters(stream),
    });
  }

  private addTransport(engine: TransportStats): void {
    const { ice, dtls, role, local } = this.core.transport;
    const pair = this.addCandidates(engine);
    const certificate = this.addCertificate();
    this.stats.push({
      type: "transport",
      id: transportId,
      timestamp: this.timestamp,
      packetsSent: engine.packetsSent,
      packetsReceived: engine.packetsReceived,
      bytesSent: engine.bytesSent,
      bytesReceived: engine.bytesReceived,
      iceRole: ice.role,
      iceLocalUsernameFragment: local.usernameFragment,
      iceState: ice.state,
      dtlsState: dtls.state,
      dtlsRole: role ?? "unknown",
      ...(pair !== undefined && { selectedCandidatePairId: pair }),
      ...(certificate && { localCertificateId }),
      ...(engine.dtlsCipher !== "" && { dtlsCipher: engine.dtlsCipher }),
      ...(engine.srtpProfile !== "" && { srtpCipher: `SRTP_${engine.srtpProfile}` }),
    });
  }

  private addCertificate(): boolean {
    const certificate = this.core.certificateInUse;
    if (certificate === null) return false;
    const { certificatePem, fingerprint } = certificate[internals];
    this.stats.push({
      type: "certificate",
      id: localCertificateId,
      timestamp: this.timestamp,
      fingerprint: fingerprint.value,
      fingerprintAlgorithm: fingerprint.algorithm,
      base64Certificate: new X509Certificate(certificatePem).raw.toString("base64"),
    });
    return true;
  }

  /** Candidates, and the selected pair's id. */
  private addCandidates(engine: TransportStats): string | undefined {
    const { ice, remote } = this.core.transport;
    const pair = engine.selectedPair;
    const local = ice.getLocalCandidates();
    const known = ice.getRemoteCandidates();
    const localIds = local.map((candidate, index) =>
      this.addCandidate("local-candidate", `CL-${index}`, candidate),
    );
    const remoteIds = known.map((candidate, index) =>
      this.addCandidate("remote-candidate", `CR-${index}`, candidate),
    );
    if (pair === null || remote === null) return undefined;
    const localId =
      localIds[local.findIndex((c) => sameAddress(c.candidate, pair.local))] ??
      this.addLine("local", pair.local);
    const remoteId =
      remoteIds[known.findIndex((c) => sameAddress(c.candidate, pair.remote))] ??
      this.addLine("remote", pair.remote);
    const id = `CP-${localId}-${remoteId}`;
    this.stats.push({
      type: "candidate-pair",
      id,
      timestamp: this.timestamp,
      transportId,
      localCandidateId: localId,
      remoteCandidateId: remoteId,
      state: "succeeded",
      nominated: true,
      packetsSent: engine.packetsSent,
      packetsReceived: engine.packetsReceived,
      bytesSent: engine.bytesSent,
      bytesReceived: engine.bytesReceived,
      ...(pair.rttUs > 0 && { currentRoundTripTime: pair.rttUs / 1e6 }),
    });
    return id;
  }

  /** A candidate of the selected pair that was never signaled: peer-reflexive. */
  private addLine(side: "local" | "remote", line: string): string {
    return this.addCandidate(`${side}-candidate`, side === "local" ? "CL-prflx" : "CR-prflx", {
      candidate: line,
    });
  }

  private addCandidate(
    type: RTCIceCandidateStats["type"],
    id: string,
    { candidate, usernameFragment }: Pick<RTCIceCandidate, "candidate"> & Partial<RTCIceCandidate>,
  ): string {
    const parsed = readCandidate(candidate);
    if (parsed === undefined) return id;
    this.stats.push({
      type,
      id,
      timestamp: this.timestamp,
      transportId,
      address: parsed.address,
      port: parsed.port,
      protocol: parsed.transport,
      candidateType: parsed.type,
      priority: parsed.priority,
      foundation: parsed.foundation,
      ...(parsed.relatedAddress !== undefined && { relatedAddress: parsed.relatedAddress }),
      ...(parsed.relatedPort !== undefined && { relatedPort: parsed.relatedPort }),
      ...(usernameFragment && { usernameFragment }),
      ...(parsed.tcpType !== undefined && { tcpType: parsed.tcpType }),
    });
    return id;
  }
}

function sourceId(trackId: string): string {
  return `S${trackId}`;
}

function outboundCodecId(codec: SdpCodec): string {
  return `CO${codec.payloadType}`;
}

function inboundCodecId(codec: SdpCodec): string {
  return `CI${codec.payloadType}`;
}

function sameAddress(a: string, b: string): boolean {
  const left = readCandidate(a);
  const right = readCandidate(b);
  return left !== undefined && left.address === right?.address && left.port === right.port;
}

function outboundCounters(stream: SendStreamStats) {
  const common = {
    packetsSent: stream.packetsSent,
    bytesSent: stream.bytesSent,
    retransmittedPacketsSent: stream.retransmitted,
    retransmittedBytesSent: stream.retransmittedBytes,
    nackCount: stream.nackCount,
  };
  if (stream.kind === "audio") return common;
  return {
    ...common,
    framesSent: stream.framesSent,
    keyFramesEncoded: stream.keyframesSent,
    pliCount: stream.pliCount,
    firCount: stream.firCount,
  };
}

function inboundCounters(stream: ReceiveStreamStats) {
  const common = {
    packetsReceived: stream.packetsReceived,
    packetsLost: stream.packetsLost,
    jitter: stream.jitterUs / 1e6,
    bytesReceived: stream.bytesReceived,
    packetsDiscarded: stream.packetsDiscarded,
    nackCount: stream.nackCount,
  };
  if (stream.kind === "audio") return { ...common, concealedSamples: stream.concealedSamples };
  return {
    ...common,
    retransmittedPacketsReceived: stream.retransmittedPackets,
    retransmittedBytesReceived: stream.retransmittedBytes,
    pliCount: stream.pliCount,
    framesReceived: stream.framesReceived,
    framesDecoded: stream.framesDecoded,
    framesDropped: stream.framesDropped,
    keyFramesDecoded: stream.keyframesDecoded,
    frameWidth: stream.width,
    frameHeight: stream.height,
  };
}
