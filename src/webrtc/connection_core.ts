import { systemRandom } from "../media/session/system_random.js";
import type { IceParameters, MediaKind } from "../media/transport_api.js";
import { type CodecCapability, extensionsOf } from "../protocol/sdp/codec_capabilities.js";
import type { SdpDirection } from "../protocol/sdp/sdp_model.js";
import { BundleTransport, type BundleTransportObserver, type TransportOpening } from "./bundle_transport.js";
import { codecCapabilities, defaultHeaderExtensions } from "./codec_preferences.js";
import type { ConnectionHost } from "./connection_host.js";
import { connectionStateOf } from "./connection_states.js";
import { DataChannels } from "./data_channels.js";
import { type ResolvedServers, resolveServers } from "./ice_server_resolution.js";
import { internals, queueTask, randomIceText, unixMs } from "./internals.js";
import { DescriptionState } from "./jsep/description_state.js";
import { isNegotiationNeeded } from "./jsep/negotiation_needed.js";
import { wantedMedia } from "./jsep/wanted_media.js";
import type { MediaStreamTrack } from "./media_stream_track.js";
import { OperationsChain } from "./operations_chain.js";
import { certificateFromPem, type RTCCertificate, usualCertificate } from "./rtc_certificate.js";
import { type CompleteConfiguration, serverUrls } from "./rtc_configuration.js";
import type { RTCDataChannel } from "./rtc_data_channel.js";
import { initialEncodings, type RTCRtpEncodingParameters } from "./rtc_rtp_parameters.js";
import { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import { RTCRtpSender } from "./rtc_rtp_sender.js";
import {
  type RTCRtpContributingSource,
  type RTCRtpSynchronizationSource,
  synchronizationSource,
} from "./rtc_rtp_sources.js";
import { RTCRtpTransceiver } from "./rtc_rtp_transceiver.js";
import { type RTCSettings, transportFactoryOf } from "./rtc_settings.js";
import type { RTCStatsReport } from "./rtc_stats_report.js";
import { replaceSource, sendsAs } from "./send_layers.js";
import { makeCertificate, spareCertificates } from "./spare_certificates.js";
import type { StreamSource } from "./stream_source.js";

/** Of one connection: by chance there is one in four thousand million streams. */
const MAX_COLLISIONS = 8;

/** What the core asks its RTCPeerConnection to fire. */
export interface ConnectionEvents extends Omit<BundleTransportObserver, "data" | "ssrcCollision"> {
  dataChannel(channel: RTCDataChannel): void;
  negotiationNeeded(): void;
  statsOf(selector: RTCRtpSender | RTCRtpReceiver | null): Promise<RTCStatsReport>;
  serverFailed(url: string, reason: string): void;
}

export interface TransceiverWish {
  readonly kind: MediaKind;
  readonly direction: SdpDirection;
  readonly track?: MediaStreamTrack;
  readonly streamIds?: readonly string[];
  readonly encodings?: RTCRtpEncodingParameters[];
  readonly createdByRemote?: boolean;
  readonly createdByAddTrack?: boolean;
}

/** The state of a peer connection that its API object, its parts and the description algorithms share. */
export class ConnectionCore implements ConnectionHost {
  // given
  configuration: CompleteConfiguration;
  readonly settings: RTCSettings;
  // owned
  readonly cname = randomIceText(systemRandom, 16);
  readonly operations = new OperationsChain(() => this.onChainEmpty());
  readonly descriptions = new DescriptionState();
  transceivers: RTCRtpTransceiver[] = [];
  transport: BundleTransport;
  readonly data: DataChannels;
  isClosed = false;
  /** Username fragments that are to be replaced: `[[LocalIceCredentialsToReplace]]` (WebRTC 1.0 §4.4.1.5). */
  private readonly fragmentsToReplace = new Set<string>();
  /** The certificate once it is known. */
  certificateInUse: RTCCertificate | null = null;
  // others
  private readonly events: ConnectionEvents;
  /** Times that the peer was found under an SSRC of ours. */
  private collisions = 0;
  private negotiationNeeded = false;
  private updateOnEmptyChain = false;
  private certificatePromise: Promise<RTCCertificate> | undefined;
  private serversPromise: Promise<ResolvedServers> | undefined;
  /** By address and port. */
  private readonly stunUrls = new Map<string, string>();

  constructor(configuration: CompleteConfiguration, settings: RTCSettings, events: ConnectionEvents) {
    this.configuration = configuration;
    this.settings = settings;
    this.events = events;
    this.data = new DataChannels({
      transport: () => this.transport,
      announce: (channel) => events.dataChannel(channel),
    });
    this.transport = this.createTransport();
  }

  private createTransport(): BundleTransport {
    return new BundleTransport({
      factory: { createTransport: (options) => transportFactoryOf(this.settings).createTransport(options) },
      settings: this.settings.transport ?? {},
      random: systemRandom,
      observer: {
        ...this.events,
        data: (event) => this.data.handle(event),
        ssrcCollision: (ssrc) => this.yieldSsrc(ssrc),
      },
    });
  }

  /** ICE is to be restarted, and no description with other credentials is in force yet. */
  get restartWanted(): boolean {
    return this.fragmentsToReplace.size > 0;
  }

  wantRestart(): void {
    for (const fragment of this.transport.usernameFragments) this.fragmentsToReplace.add(fragment);
  }

  /** An answer is in force. That of a peer's offer without a restart changes nothing: ours is still to come. */
  noteCredentials(): void {
    if (!this.fragmentsToReplace.has(this.transport.local.usernameFragment)) this.fragmentsToReplace.clear();
  }

  /** After a rollback of the first offer: its candidates reached nobody, so the next description gathers afresh. */
  replaceTransport(): void {
    void this.transport.close();
    this.transport = this.createTransport();
  }

  /** No section is left that a transport would carry (RFC 8829 §5.11): the next one starts from nothing. */
  discardTransport(): void {
    this.data.discard();
    this.replaceTransport();
  }

  /** The configured certificate, or one made on first need. */
  async certificate(): Promise<RTCCertificate> {
    const [configured] = this.configuration.certificates;
    this.certificatePromise ??=
      configured === undefined ? generateCertificate(this.settings) : Promise.resolve(configured);
    this.certificateInUse = await this.certificatePromise;
    return this.certificateInUse;
  }

  /** Addresses of the STUN and TURN servers; the failures are told once. */
  iceServers(): Promise<ResolvedServers> {
    this.serversPromise ??= this.resolveServers();
    return this.serversPromise;
  }

  /** How the configuration calls a STUN server. */
  urlOf({ address, port }: { readonly address: string; readonly port: number }): string {
    return this.stunUrls.get(`${address} ${port}`) ?? "";
  }

  /** The servers have changed: the next gathering resolves them anew. */
  forgetServers(): void {
    this.serversPromise = undefined;
  }

  private async resolveServers(): Promise<ResolvedServers> {
    const urls = serverUrls(this.configuration.iceServers);
    const resolved = await resolveServers(urls, this.settings.resolveTimeoutMs ?? 1000);
    for (const { address, port, url } of resolved.servers) this.stunUrls.set(`${address} ${port}`, url);
    for (const { server, reason } of resolved.failed) {
      queueTask(() => this.isClosed || this.events.serverFailed(server.url, reason));
    }
    return resolved;
  }

  /**
   * Gathers ahead of the first local description where the configuration asks for it (RFC 8829 §3.5.4), anew when servers or
   * policy have changed. One transport is all there will be, so that any size but 0 means one.
   */
  fillPool(): void {
    if (this.transport.isPooled) this.replaceTransport();
    if (this.configuration.iceCandidatePoolSize === 0 || this.transport.media !== null) return;
    const { transport } = this;
    void this.opening(transport.local).then(
      (opening) => {
        const isStillWanted = this.transport === transport && transport.media === null;
        if (isStillWanted && !this.isClosed) transport.pool({ ...opening, role: "controlling" });
      },
      // What is wrong with the engine or the certificate comes up again, and is told, by the description that needs it.
      () => {},
    );
  }

  /** What the engine's transport is made with. */
  async opening(credentials: IceParameters): Promise<Omit<TransportOpening, "role">> {
    const certificate = await this.certificate();
    const servers = await this.iceServers();
    const relayOnly = this.configuration.iceTransportPolicy === "relay";
    return { credentials, certificate, servers, relayOnly };
  }

  capabilities(kind: MediaKind): readonly CodecCapability[] {
    return codecCapabilities(kind, this.settings);
  }

  headerExtensions(kind: MediaKind): readonly string[] {
    return extensionsOf(kind, this.settings.headerExtensions ?? defaultHeaderExtensions);
  }

  addTransceiver(wish: TransceiverWish): RTCRtpTransceiver {
    const { kind } = wish;
    const sender = new RTCRtpSender(internals, {
      host: this,
      kind,
      track: wish.track ?? null,
      streamIds: wish.streamIds ?? [],
      encodings: wish.encodings ?? initialEncodings(kind),
      source: this.newSource(),
    });
    const transceiver = new RTCRtpTransceiver(internals, {
      host: this,
      sender,
      receiver: new RTCRtpReceiver(internals, this, kind),
      direction: wish.direction,
      createdByRemote: wish.createdByRemote ?? false,
      createdByAddTrack: wish.createdByAddTrack ?? false,
    });
    this.transceivers.push(transceiver);
    return transceiver;
  }

  newSource(): StreamSource {
    const ssrc = this.freeSsrc([]);
    const rtxSsrc = this.freeSsrc([ssrc]);
    return { ssrc, rtxSsrc, paritySsrc: this.freeSsrc([ssrc, rtxSsrc]) };
  }

  /**
   * RFC 3550 §8.2: who finds another under its SSRC says BYE and goes on under a new one. No negotiation is asked for: packets carry their mid,
   * and the next description the new SSRC. A peer that follows us through them all is one to ignore.
   */
  private yieldSsrc(ssrc: number): void {
    const sender = this.transceivers
      .map((transceiver) => transceiver.sender)
      .find((each) => sendsAs(each, ssrc));
    if (sender === undefined || this.collisions++ >= MAX_COLLISIONS) return;
    replaceSource(sender, ssrc);
    this.syncMedia();
  }

  private freeSsrc(besides: readonly number[]): number {
    const used = this.transceivers.flatMap(({ sender: { [internals]: own } }) =>
      [own.source, ...own.layerSources.values()].flatMap(({ ssrc, rtxSsrc, paritySsrc }) => [
        ssrc,
        rtxSsrc,
        paritySsrc,
      ]),
    );
    for (;;) {
      const ssrc = systemRandom.uint32();
      if (ssrc !== 0 && !besides.includes(ssrc) && !used.includes(ssrc)) return ssrc;
    }
  }

  transceiverAt(mlineIndex: number): RTCRtpTransceiver | undefined {
    return this.transceivers.find((transceiver) => transceiver[internals].mlineIndex === mlineIndex);
  }

  statsOf(selector: RTCRtpSender | RTCRtpReceiver): Promise<RTCStatsReport> {
    return this.events.statsOf(selector);
  }

  sourceOf(mid: string): RTCRtpSynchronizationSource | null {
    const last = this.transport.media?.lastReceived?.(mid) ?? null;
    return last === null ? null : synchronizationSource(last);
  }

  contributorsOf(mid: string): RTCRtpContributingSource[] {
    const contributors = this.transport.media?.contributors?.(mid) ?? [];
    return contributors.map(({ ssrc, rtpTimestamp, receivedUs }) => ({
      source: ssrc,
      rtpTimestamp,
      timestamp: unixMs(receivedUs),
    }));
  }

  get isConnected(): boolean {
    const { ice, dtls } = this.transport;
    return !this.isClosed && connectionStateOf(ice.state, dtls.state) === "connected";
  }

  sendTone(mid: string, event: number, durationMs: number): void {
    this.transport.media?.sendTone?.(mid, event, durationMs * 1000);
  }

  syncMedia(): void {
    if (this.isClosed) return;
    const { cname, settings } = this;
    this.transport.sync(wantedMedia(this.transceivers, { cname, playoutDelay: settings.playoutDelay }));
  }

  updateNegotiationNeeded(): void {
    if (this.isClosed) return;
    if (!this.operations.isEmpty) {
      this.updateOnEmptyChain = true;
      return;
    }
    queueTask(() => this.checkNegotiationNeeded());
  }

  /** A description with the answer in it was applied: what made negotiation needed may be settled. */
  clearNegotiationNeeded(): void {
    this.negotiationNeeded = false;
  }

  private onChainEmpty(): void {
    if (!this.updateOnEmptyChain) return;
    this.updateOnEmptyChain = false;
    this.updateNegotiationNeeded();
  }

  /** WebRTC 1.0 §4.7.3, the queued part. */
  private checkNegotiationNeeded(): void {
    if (this.isClosed) return;
    if (!this.operations.isEmpty) {
      this.updateOnEmptyChain = true;
      return;
    }
    if (this.descriptions.signalingState !== "stable") return;
    if (!isNegotiationNeeded(this)) {
      this.negotiationNeeded = false;
      return;
    }
    if (this.negotiationNeeded) return;
    this.negotiationNeeded = true;
    this.events.negotiationNeeded();
  }
}

/** A fresh certificate by the addon, or by the settings' generator. */
export async function generateCertificate(
  settings: RTCSettings,
  wish = usualCertificate,
): Promise<RTCCertificate> {
  const { certificateGenerator: generate } = settings;
  if (generate === undefined) {
    return wish === usualCertificate ? spareCertificates.take() : makeCertificate(wish);
  }
  const { certificatePem, privateKeyPem } = generate(wish.validMs / 86_400_000);
  return certificateFromPem(certificatePem, privateKeyPem);
}
