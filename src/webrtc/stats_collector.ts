/** getStats (WebRTC 1.0 §8, Identifiers for WebRTC's Statistics API). */
import { X509Certificate } from "node:crypto";
import {
  type ReceiveStreamStats,
  type SendStreamStats,
  streamKey,
  type TransportStats,
} from "../media/transport_api.js";
import { isAuxiliary } from "../protocol/sdp/codec_negotiation.js";
import type { NegotiatedMedia } from "../protocol/sdp/negotiated_media.js";
import type { SdpCodec } from "../protocol/sdp/sdp_model.js";
import type { ConnectionCore } from "./connection_core.js";
import { internals } from "./internals.js";
import type { RTCDataChannel } from "./rtc_data_channel.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import { RTCRtpSender } from "./rtc_rtp_sender.js";
import type { RTCRtpTransceiver } from "./rtc_rtp_transceiver.js";
import type { RTCStats } from "./rtc_stats.js";
import { RTCStatsReport } from "./rtc_stats_report.js";
import { IceStats } from "./stats/ice_stats.js";
import {
  inboundCounters,
  outboundCounters,
  playoutCounters,
  remoteInboundCounters,
  remoteOutboundCounters,
  sourceCounters,
} from "./stats/rtp_stats.js";

const transportId = "T0";
const localCertificateId = "CertificateLocal";
const remoteCertificateId = "CertificateRemote";
/** RFC 6347 §4.1, as webrtc-stats writes it. */
const DTLS_1_2 = "FEFD";

/** Statistics of the whole connection, or of what belongs to one sender or receiver and all that it refers to. */
export async function collectStats(
  core: ConnectionCore,
  selector: RTCRtpSender | RTCRtpReceiver | null,
): Promise<RTCStatsReport> {
  const engine = (await core.transport.media?.getStats()) ?? null;
  const all = new StatsCollector(core, engine, performance.timeOrigin + performance.now()).collect();
  return new RTCStatsReport(selector === null ? all : selected(all, roots(all, selector)));
}

function roots(all: readonly RTCStats[], selector: RTCRtpSender | RTCRtpReceiver): string[] {
  const ssrcs = selector instanceof RTCRtpSender ? ssrcsOf(selector) : undefined;
  const trackId = selector.track?.id;
  return all.flatMap((entry) => {
    if (entry.type === "outbound-rtp" && ssrcs?.includes(entry.ssrc)) return [entry.id];
    if (entry.type === "inbound-rtp" && ssrcs === undefined && entry.trackIdentifier === trackId)
      return [entry.id];
    return [];
  });
}

function ssrcsOf({ [internals]: { source, layerSources } }: RTCRtpSender): number[] {
  return [source, ...layerSources.values()].map(({ ssrc }) => ssrc);
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
      this.addSource(transceiver);
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

  private addSource({ sender, mid }: RTCRtpTransceiver): void {
    const { track } = sender;
    if (track === null) return;
    const { width, height, frameRate } = track.getSettings();
    const source = this.engine?.send.find((stream) => stream.mid === mid)?.source ?? null;
    this.stats.push({
      type: "media-source",
      id: sourceId(track.id),
      timestamp: this.timestamp,
      trackIdentifier: track.id,
      kind: track.kind,
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
      ...(frameRate !== undefined && { framesPerSecond: frameRate }),
      ...(source !== null && sourceCounters(track.kind, source)),
    });
  }

  private addCodecs({ sender }: RTCRtpTransceiver): void {
    const { negotiated, kind } = sender[internals];
    const used = mainCodec(negotiated);
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
    for (const stream of this.engine?.send ?? []) if (stream.mid === mid) this.addSendStream(sender, stream);
  }

  private addSendStream(sender: RTCRtpSender, stream: SendStreamStats): void {
    const { negotiated, track, encodings } = sender[internals];
    const { mid, layer } = stream;
    const codec = mainCodec(negotiated)?.remote;
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
      encodingIndex: Math.max(
        0,
        encodings.findIndex(({ rid }) => rid === layer),
      ),
      ...(layer !== undefined && { rid: layer }),
      remoteId,
      ...(track !== null && { mediaSourceId: sourceId(track.id) }),
      active: this.core.transport.isSending(streamKey(stream)),
      ...outboundCounters(stream),
    });
    this.stats.push({
      ...common,
      // webrtc-stats §4.2: of what the peer tells, the moment it arrived.
      timestamp: stream.remoteReportWallUs > 0 ? stream.remoteReportWallUs / 1000 : this.timestamp,
      type: "remote-inbound-rtp",
      id: remoteId,
      localId: id,
      ...remoteInboundCounters(stream),
    });
  }

  private addInbound({ receiver, mid }: RTCRtpTransceiver): void {
    // Nothing has come yet: webrtc-stats §8: the object appears with the first packet.
    for (const stream of this.engine?.receive ?? [])
      if (stream.mid === mid && stream.packetsReceived > 0) this.addReceiveStream(receiver, stream);
  }

  private addReceiveStream(receiver: RTCRtpReceiver, stream: ReceiveStreamStats): void {
    const { kind, mid, ssrc } = stream;
    const codec = mainCodec(receiver[internals].negotiated)?.local;
    const common = {
      timestamp: this.timestamp,
      ssrc,
      kind,
      transportId,
      ...(codec !== undefined && { codecId: inboundCodecId(codec) }),
    };
    const id = `I${ssrc}`;
    const remoteId = `RO${ssrc}`;
    const playoutId = `AP${ssrc}`;
    this.stats.push({
      ...common,
      type: "inbound-rtp",
      id,
      trackIdentifier: receiver.track.id,
      mid,
      ...(stream.remoteReports > 0 && { remoteId }),
      ...(kind === "audio" && { playoutId }),
      ...inboundCounters(stream),
    });
    if (kind === "audio") {
      const { timestamp } = this;
      this.stats.push({
        type: "media-playout",
        id: playoutId,
        timestamp,
        kind: "audio",
        ...playoutCounters(stream),
      });
    }
    if (stream.remoteReports === 0) return;
    this.stats.push({
      ...common,
      timestamp: stream.remoteReportWallUs / 1000,
      type: "remote-outbound-rtp",
      id: remoteId,
      localId: id,
      ...remoteOutboundCounters(stream),
    });
  }

  private addTransport(engine: TransportStats): void {
    const { transport } = this.core;
    const { ice, dtls, role, local } = transport;
    const candidates = new IceStats(this.timestamp, transportId, engine, transport);
    this.stats.push(...candidates.entries);
    const ours = this.addCertificate();
    const theirs = this.addRemoteCertificate();
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
      selectedCandidatePairChanges: engine.selectedPairChanges,
      ...(candidates.selectedId !== undefined && { selectedCandidatePairId: candidates.selectedId }),
      ...(ours && { localCertificateId }),
      ...(theirs && { remoteCertificateId }),
      ...(engine.dtlsCipher !== "" && { dtlsCipher: engine.dtlsCipher, tlsVersion: DTLS_1_2 }),
      ...(engine.srtpProfile !== "" && { srtpCipher: `SRTP_${engine.srtpProfile}` }),
    });
  }

  /** The peer's own; what it was signed with is not sent in WebRTC. */
  private addRemoteCertificate(): boolean {
    const [der] = this.core.transport.dtls.getRemoteCertificates();
    if (der === undefined) return false;
    const bytes = Buffer.from(der);
    this.stats.push({
      type: "certificate",
      id: remoteCertificateId,
      timestamp: this.timestamp,
      fingerprint: new X509Certificate(bytes).fingerprint256,
      fingerprintAlgorithm: "sha-256",
      base64Certificate: bytes.toString("base64"),
    });
    return true;
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
}

/** What carries the stream, not what comes beside it. */
function mainCodec(negotiated: NegotiatedMedia | null) {
  return negotiated?.codecs.find(({ remote }) => !isAuxiliary(remote));
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
