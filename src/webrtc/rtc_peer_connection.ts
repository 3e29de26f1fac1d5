import type { CandidateError, StreamName } from "../media/transport_api.js";
import { keyOfEvent } from "../protocol/telephone_event/telephone_event.js";
import type { BundleTransport } from "./bundle_transport.js";
import { ConnectionCore, generateCertificate } from "./connection_core.js";
import {
  ConnectionStates,
  type RTCIceConnectionState,
  type RTCIceGatheringState,
  type RTCPeerConnectionState,
} from "./connection_states.js";
import type { RTCDataChannelInit } from "./data_channel_init.js";
import { checkEnum, domError } from "./dom_error.js";
import { eventTarget } from "./event_target.js";
import { inTask, internals } from "./internals.js";
import type { RTCSignalingState } from "./jsep/description_state.js";
import { addCandidate, checkCandidate } from "./jsep/remote_candidates.js";
import { SessionNegotiation } from "./jsep/session_negotiation.js";
import {
  callbacksOf,
  type LegacyArguments,
  type RTCPeerConnectionErrorCallback,
  type RTCSessionDescriptionCallback,
  reportTo,
} from "./legacy_callbacks.js";
import type { MediaStream } from "./media_stream.js";
import { MediaStreamTrack, setTrackMuted } from "./media_stream_track.js";
import { type RTCCertificate, type RTCKeyAlgorithm, readKeyAlgorithm } from "./rtc_certificate.js";
import { checkReconfiguration, completeConfiguration, type RTCConfiguration } from "./rtc_configuration.js";
import type { RTCDataChannel } from "./rtc_data_channel.js";
import { RTCDataChannelEvent } from "./rtc_data_channel_event.js";
import { endTones, RTCDTMFToneChangeEvent } from "./rtc_dtmf_sender.js";
import { RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent } from "./rtc_events.js";
import { RTCIceCandidate, type RTCIceCandidateInit } from "./rtc_ice_candidate.js";
import { initialEncodings } from "./rtc_rtp_parameters.js";
import type { RTCRtpReceiver } from "./rtc_rtp_receiver.js";
import { attachTrack, RTCRtpSender } from "./rtc_rtp_sender.js";
import {
  type RTCRtpTransceiver,
  type RTCRtpTransceiverInit,
  settableDirections,
  stopTransceiver,
} from "./rtc_rtp_transceiver.js";
import type { RTCSctpTransport } from "./rtc_sctp_transport.js";
import type {
  RTCLocalSessionDescriptionInit,
  RTCSessionDescription,
  RTCSessionDescriptionInit,
} from "./rtc_session_description.js";
import { checkSettings, type RTCSettings } from "./rtc_settings.js";
import type { RTCStatsReport } from "./rtc_stats_report.js";
import type { RTCTrackEvent } from "./rtc_track_event.js";
import { collectStats } from "./stats_collector.js";
import { defineInterface } from "./web_idl.js";

export interface RTCOfferOptions {
  readonly iceRestart?: boolean;
  /** Legacy: adds a receiving transceiver when there is none (WebRTC 1.0 §4.4.3.2). */
  readonly offerToReceiveAudio?: boolean;
  readonly offerToReceiveVideo?: boolean;
}

/** One argument, and for the legacy form two callbacks. */
type DescriptionArguments<T> = readonly [argument?: T, ...callbacks: LegacyArguments<void>];

export interface PeerConnectionEvents {
  negotiationneeded: Event;
  icecandidate: RTCPeerConnectionIceEvent;
  icecandidateerror: RTCPeerConnectionIceErrorEvent;
  signalingstatechange: Event;
  iceconnectionstatechange: Event;
  icegatheringstatechange: Event;
  connectionstatechange: Event;
  track: RTCTrackEvent;
  datachannel: RTCDataChannelEvent;
}

/**
 * A call with one peer (WebRTC 1.0 §4.4). The second argument holds what the W3C configuration doesn't cover.
 *
 * Everything is sent over one transport: BUNDLE and rtcp-mux are required of the peer.
 */
export class RTCPeerConnection extends eventTarget<PeerConnectionEvents>() {
  /** @internal */
  readonly [internals]: { readonly core: ConnectionCore; whenClosed: Promise<void> };
  readonly #core: ConnectionCore;
  readonly #negotiation: SessionNegotiation;
  readonly #states: ConnectionStates;

  /** @throws TypeError, SyntaxError, InvalidAccessError as the W3C says for the configuration; SettingsError. */
  constructor(configuration: RTCConfiguration = {}, settings: RTCSettings = {}) {
    super();
    checkSettings(settings);
    const complete = completeConfiguration(configuration);
    this.#core = new ConnectionCore(complete, settings, {
      candidate: ({ candidate }, usernameFragment) => this.#onLocalCandidate(candidate, usernameFragment),
      gatheringComplete: (usernameFragment) => this.#onGatheringComplete(usernameFragment),
      stateChanged: (announce) => this.#states.update(this.#core.transport, announce),
      streamStarted: (stream) => this.#setRemoteMuted(stream, false),
      bye: (stream) => this.#setRemoteMuted(stream, true),
      tone: (mid, event) => this.#announceTone(mid, event),
      candidateError: (error) => this.#onCandidateError(error),
      dataChannel: (channel) => this.dispatchEvent(new RTCDataChannelEvent("datachannel", { channel })),
      negotiationNeeded: () => this.dispatchEvent(new Event("negotiationneeded")),
      statsOf: (selector) => collectStats(this.#core, selector),
      serverFailed: (url, reason) => this.#onServerFailed(url, reason),
    });
    this.#states = new ConnectionStates((name) => this.dispatchEvent(new Event(name)));
    this.#negotiation = new SessionNegotiation(this.#core, {
      signalingStateChanged: () => this.dispatchEvent(new Event("signalingstatechange")),
      track: (event) => this.dispatchEvent(event),
      transportReplaced: () => this.#states.replace(this.#core.transport),
    });
    this[internals] = { core: this.#core, whenClosed: Promise.resolve() };
    this.#core.fillPool();
  }

  /** A certificate to hand to several connections: ECDSA on P-256, or RSASSA-PKCS1-v1_5. */
  static async generateCertificate(
    algorithm: RTCKeyAlgorithm,
    settings: RTCSettings = {},
  ): Promise<RTCCertificate> {
    return generateCertificate(settings, readKeyAlgorithm(algorithm));
  }

  get signalingState(): RTCSignalingState {
    return this.#core.descriptions.signalingState;
  }

  get iceGatheringState(): RTCIceGatheringState {
    return this.#states.gathering;
  }

  get iceConnectionState(): RTCIceConnectionState {
    return this.#states.ice;
  }

  get connectionState(): RTCPeerConnectionState {
    return this.#states.connection;
  }

  /** Whether the peer takes candidates after its description; null before there is one (WebRTC 1.0 §4.4.2). */
  get canTrickleIceCandidates(): boolean | null {
    const session = this.#core.descriptions.remote?.session;
    if (session === undefined) return null;
    const trickles = (options: readonly string[] | undefined) => options?.includes("trickle") ?? false;
    return trickles(session.iceOptions) || session.media.some(({ iceOptions }) => trickles(iceOptions));
  }

  get localDescription(): RTCSessionDescription | null {
    return this.#core.descriptions.local?.description ?? null;
  }

  get currentLocalDescription(): RTCSessionDescription | null {
    return this.#core.descriptions.currentLocal?.description ?? null;
  }

  get pendingLocalDescription(): RTCSessionDescription | null {
    return this.#core.descriptions.pendingLocal?.description ?? null;
  }

  get remoteDescription(): RTCSessionDescription | null {
    return this.#core.descriptions.remote?.description ?? null;
  }

  get currentRemoteDescription(): RTCSessionDescription | null {
    return this.#core.descriptions.currentRemote?.description ?? null;
  }

  get pendingRemoteDescription(): RTCSessionDescription | null {
    return this.#core.descriptions.pendingRemote?.description ?? null;
  }

  /** The association of the data channels; null before it was negotiated. */
  get sctp(): RTCSctpTransport | null {
    return this.#core.data.sctp;
  }

  /**
   * A channel for messages (WebRTC 1.0 §6.1). The first one asks for negotiation.
   *
   * @throws TypeError for impossible options, InvalidStateError when closed, OperationError for an id in use.
   */
  createDataChannel(label: string, init: RTCDataChannelInit = {}): RTCDataChannel {
    // biome-ignore lint/complexity/noArguments: Web IDL counts the arguments; undefined is one.
    if (arguments.length === 0) throw new TypeError("createDataChannel takes a label");
    this.#checkOpen();
    const first = !this.#core.data.wanted;
    const channel = this.#core.data.create(label, init);
    if (first) this.#core.updateNegotiationNeeded();
    return channel;
  }

  createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit>;
  createOffer(
    success: RTCSessionDescriptionCallback,
    failure: RTCPeerConnectionErrorCallback,
    options?: RTCOfferOptions,
  ): Promise<void>;
  async createOffer(...given: readonly unknown[]): Promise<unknown> {
    if (given.length < 2) return this.#createOffer(given[0] as RTCOfferOptions | undefined);
    const callbacks = callbacksOf<RTCSessionDescriptionInit>(given.slice(0, 2));
    const offer = this.#createOffer(given[2] as RTCOfferOptions | undefined);
    return callbacks === undefined ? offer : reportTo(offer, callbacks);
  }

  async #createOffer(options: RTCOfferOptions = {}): Promise<RTCSessionDescriptionInit> {
    this.#checkOpen();
    return this.#core.operations.chain(async () => {
      const { signalingState } = this.#core.descriptions;
      if (signalingState !== "stable" && signalingState !== "have-local-offer") {
        throw domError("InvalidStateError", `No offer in the state ${signalingState}`);
      }
      this.#applyLegacyOptions(options);
      await inTask();
      const { sdp } = await this.#negotiation.makeOffer(options.iceRestart ?? false);
      return { type: "offer", sdp };
    });
  }

  createAnswer(): Promise<RTCSessionDescriptionInit>;
  createAnswer(
    success: RTCSessionDescriptionCallback,
    failure: RTCPeerConnectionErrorCallback,
  ): Promise<void>;
  async createAnswer(...given: readonly unknown[]): Promise<unknown> {
    // One argument are the options, of which there are none.
    const callbacks = callbacksOf<RTCSessionDescriptionInit>(given.length < 2 ? [] : given);
    const answer = this.#createAnswer();
    return callbacks === undefined ? answer : reportTo(answer, callbacks);
  }

  async #createAnswer(): Promise<RTCSessionDescriptionInit> {
    this.#checkOpen();
    return this.#core.operations.chain(async () => {
      const { signalingState } = this.#core.descriptions;
      if (signalingState !== "have-remote-offer" && signalingState !== "have-local-pranswer") {
        throw domError("InvalidStateError", `No answer in the state ${signalingState}`);
      }
      await inTask();
      const { sdp } = await this.#negotiation.makeAnswer();
      return { type: "answer", sdp };
    });
  }

  /** Without an argument: the offer or answer that fits the state. */
  async setLocalDescription(...given: DescriptionArguments<RTCLocalSessionDescriptionInit>): Promise<void> {
    const [description = {}, ...rest] = given;
    const callbacks = callbacksOf<void>(rest);
    const done = this.#setLocalDescription(description ?? {});
    return callbacks === undefined ? done : reportTo(done, callbacks);
  }

  async #setLocalDescription(description: RTCLocalSessionDescriptionInit): Promise<void> {
    this.#checkOpen();
    return this.#core.operations.chain(() => this.#negotiation.setLocal(description));
  }

  /** An offer in "have-local-offer" rolls ours back first (perfect negotiation). */
  async setRemoteDescription(
    description: RTCSessionDescriptionInit,
    ...given: LegacyArguments<void>
  ): Promise<void> {
    const callbacks = callbacksOf<void>(given);
    const done = this.#setRemoteDescription(description);
    return callbacks === undefined ? done : reportTo(done, callbacks);
  }

  async #setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    this.#checkOpen();
    return this.#core.operations.chain(() => this.#negotiation.setRemote(description));
  }

  /** Null, nothing or an empty candidate: the peer has no more. */
  async addIceCandidate(
    ...given: DescriptionArguments<RTCIceCandidateInit | RTCIceCandidate | null>
  ): Promise<void> {
    const [candidate, ...rest] = given;
    const callbacks = callbacksOf<void>(rest);
    const done = this.#addIceCandidate(candidate ?? {});
    return callbacks === undefined ? done : reportTo(done, callbacks);
  }

  async #addIceCandidate(init: RTCIceCandidateInit): Promise<void> {
    this.#checkOpen();
    if (init.candidate && (init.sdpMid ?? null) === null && (init.sdpMLineIndex ?? null) === null) {
      throw new TypeError("A candidate needs sdpMid or sdpMLineIndex");
    }
    return this.#core.operations.chain(async () => {
      const placement = checkCandidate(this.#core, init);
      await inTask();
      if (!this.#core.isClosed) addCandidate(this.#core, init, placement);
    });
  }

  /** The next offer gets new ICE credentials. */
  restartIce(): void {
    if (this.#core.isClosed || this.#core.descriptions.local === null) return;
    if (!this.#core.transport.canRestart)
      throw domError("NotSupportedError", "The media engine cannot restart ICE");
    this.#core.wantRestart();
    this.#core.updateNegotiationNeeded();
  }

  getConfiguration(): RTCConfiguration {
    const { iceServers, certificates, ...rest } = this.#core.configuration;
    return { ...rest, iceServers: structuredClone(iceServers), certificates: [...certificates] };
  }

  /** New ICE servers and policies for the next gathering; certificates and bundling can't change. */
  setConfiguration(configuration: RTCConfiguration = {}): void {
    this.#checkOpen();
    const next = completeConfiguration(configuration);
    checkReconfiguration(this.#core.configuration, next, this.#core.descriptions.local !== null);
    this.#core.configuration = { ...next, certificates: this.#core.configuration.certificates };
    this.#core.forgetServers();
    this.#core.fillPool();
  }

  getSenders(): RTCRtpSender[] {
    return this.#unstopped().map(({ sender }) => sender);
  }

  getReceivers(): RTCRtpReceiver[] {
    return this.#unstopped().map(({ receiver }) => receiver);
  }

  getTransceivers(): RTCRtpTransceiver[] {
    return [...this.#core.transceivers];
  }

  #unstopped(): RTCRtpTransceiver[] {
    return this.#core.transceivers.filter((transceiver) => !transceiver[internals].stopped);
  }

  /** Sends a track, over a sender that waits for one or a new transceiver. */
  addTrack(track: MediaStreamTrack, ...streams: MediaStream[]): RTCRtpSender {
    if (!(track instanceof MediaStreamTrack)) throw new TypeError("addTrack takes a MediaStreamTrack");
    this.#checkOpen();
    if (this.getSenders().some((sender) => sender.track === track)) {
      throw domError("InvalidAccessError", "The track is already being sent");
    }
    const streamIds = [...new Set(streams.map((stream) => stream.id))];
    const sender = this.#reuseSender(track, streamIds) ?? this.#newSender(track, streamIds);
    this.#core.updateNegotiationNeeded();
    return sender;
  }

  /** WebRTC 1.0 §5.1: no track, same kind, not stopped, never used to send. */
  #reuseSender(track: MediaStreamTrack, streamIds: string[]): RTCRtpSender | undefined {
    const transceiver = this.getTransceivers().find(({ sender, [internals]: state }) => {
      return (
        sender.track === null && sender[internals].kind === track.kind && !state.stopping && !state.hasSent
      );
    });
    if (transceiver === undefined) return undefined;
    const state = transceiver[internals];
    attachTrack(transceiver.sender, track);
    transceiver.sender[internals].streamIds = streamIds;
    if (state.direction === "recvonly") state.direction = "sendrecv";
    else if (state.direction === "inactive") state.direction = "sendonly";
    state.addTrackUsed = true;
    return transceiver.sender;
  }

  #newSender(track: MediaStreamTrack, streamIds: string[]): RTCRtpSender {
    const wish = {
      kind: track.kind,
      direction: "sendrecv",
      track,
      streamIds,
      createdByAddTrack: true,
    } as const;
    return this.#core.addTransceiver(wish).sender;
  }

  removeTrack(sender: RTCRtpSender): void {
    if (!(sender instanceof RTCRtpSender)) throw new TypeError("removeTrack takes an RTCRtpSender");
    this.#checkOpen();
    if (sender[internals].host !== this.#core) {
      throw domError("InvalidAccessError", "The sender belongs to another connection");
    }
    const transceiver = this.getTransceivers().find((candidate) => candidate.sender === sender);
    if (transceiver === undefined || sender.track === null || transceiver[internals].stopping) return;
    const state = transceiver[internals];
    attachTrack(sender, null);
    if (state.direction === "sendrecv") state.direction = "recvonly";
    else if (state.direction === "sendonly") state.direction = "inactive";
    this.#core.syncMedia();
    this.#core.updateNegotiationNeeded();
  }

  addTransceiver(
    trackOrKind: MediaStreamTrack | string,
    init: RTCRtpTransceiverInit = {},
  ): RTCRtpTransceiver {
    const track = trackOrKind instanceof MediaStreamTrack ? trackOrKind : undefined;
    const kind = track?.kind ?? trackOrKind;
    if (kind !== "audio" && kind !== "video")
      throw new TypeError(`${JSON.stringify(kind)} is no kind of media`);
    const direction = checkEnum(
      "RTCRtpTransceiverDirection",
      settableDirections,
      init.direction ?? "sendrecv",
    );
    const encodings = initialEncodings(kind, init.sendEncodings);
    this.#checkOpen();
    const streamIds = [...new Set((init.streams ?? []).map((stream) => stream.id))];
    const transceiver = this.#core.addTransceiver({
      kind,
      direction,
      ...(track !== undefined && { track }),
      streamIds,
      encodings,
    });
    this.#core.updateNegotiationNeeded();
    return transceiver;
  }

  /** Statistics of everything, or of what concerns one sent or received track. */
  async getStats(selector: MediaStreamTrack | null = null): Promise<RTCStatsReport> {
    if (selector === null) return collectStats(this.#core, null);
    const users = [...this.getSenders(), ...this.getReceivers()].filter(({ track }) => track === selector);
    if (users.length !== 1) {
      throw domError(
        "InvalidAccessError",
        `The track has ${users.length} senders and receivers here, not one`,
      );
    }
    return collectStats(this.#core, users[0]);
  }

  /** Ends everything at once. No event follows; {@link whenClosed} tells when the threads have let go. */
  close(): void {
    const core = this.#core;
    if (core.isClosed) return;
    core.isClosed = true;
    core.descriptions.signalingState = "closed";
    core.operations.close();
    for (const transceiver of core.transceivers)
      if (!transceiver[internals].stopped) stopTransceiver(transceiver);
    core.transceivers = [];
    core.data.closeAll();
    for (const { dtmf } of this.getSenders()) if (dtmf !== null) endTones(dtmf);
    this[internals].whenClosed = core.transport.close();
    this.#states.close();
  }

  #checkOpen(): void {
    if (this.#core.isClosed) throw domError("InvalidStateError", "The connection is closed");
  }

  #applyLegacyOptions(options: RTCOfferOptions): void {
    const wishes = [
      ["audio", options.offerToReceiveAudio],
      ["video", options.offerToReceiveVideo],
    ] as const;
    for (const [kind, wanted] of wishes) if (wanted !== undefined) this.#offerToReceive(kind, wanted);
  }

  /** WebRTC 1.0 §4.4.3.2. */
  #offerToReceive(kind: "audio" | "video", wanted: boolean): void {
    const ofKind = this.#unstopped().filter(({ receiver }) => receiver[internals].kind === kind);
    if (wanted) {
      const receiving = ofKind.some(({ direction }) => direction === "sendrecv" || direction === "recvonly");
      if (!receiving) this.#core.addTransceiver({ kind, direction: "recvonly" });
      return;
    }
    for (const transceiver of ofKind) {
      if (transceiver.direction === "sendrecv") transceiver[internals].direction = "sendonly";
      else if (transceiver.direction === "recvonly") transceiver[internals].direction = "inactive";
    }
  }

  #onLocalCandidate(candidate: string, usernameFragment: string): void {
    const place = this.#negotiation.placeLocalCandidate(candidate, usernameFragment);
    if (place === undefined) return;
    const event = new RTCIceCandidate({ candidate, usernameFragment, ...place });
    this.#core.transport.ice[internals].localCandidates.push(event);
    this.dispatchEvent(new RTCPeerConnectionIceEvent("icecandidate", { candidate: event }));
  }

  /** WebRTC 1.0 §4.8.1.1: the generation's end, then the state, then the end of all. */
  #onGatheringComplete(usernameFragment: string): void {
    const place = this.#negotiation.endLocalCandidates(usernameFragment);
    if (place !== undefined) {
      const candidate = new RTCIceCandidate({ candidate: "", usernameFragment, ...place });
      this.dispatchEvent(new RTCPeerConnectionIceEvent("icecandidate", { candidate }));
    }
    if (this.#core.isClosed) return;
    this.#core.transport.setGathering("complete");
    if (!this.#core.isClosed)
      this.dispatchEvent(new RTCPeerConnectionIceEvent("icecandidate", { candidate: null }));
  }

  #onServerFailed(url: string, reason: string): void {
    // WebRTC 1.0 §4.8.3: 701 when the server could not be reached.
    const event = new RTCPeerConnectionIceErrorEvent("icecandidateerror", {
      url,
      errorCode: 701,
      errorText: reason,
    });
    this.dispatchEvent(event);
  }

  #onCandidateError({ asker, server, code, reason, url }: CandidateError): void {
    const init = {
      ...asker,
      url: url ?? (server === null ? "" : this.#core.urlOf(server)),
      errorCode: code,
      errorText: reason,
    };
    this.dispatchEvent(new RTCPeerConnectionIceErrorEvent("icecandidateerror", init));
  }

  /** Keys of a telephone are told on the receiver's track; events that are no keys (RFC 4733 §3.2) are passed over. */
  #announceTone(mid: string, event: number): void {
    const tone = keyOfEvent(event);
    const transceiver = this.#core.transceivers.find((candidate) => candidate.mid === mid);
    if (tone === undefined || transceiver === undefined) return;
    transceiver.receiver.track.dispatchEvent(new RTCDTMFToneChangeEvent("tone", { tone }));
  }

  /** A section is silent when its last layer is. */
  #setRemoteMuted({ mid, layer }: StreamName, muted: boolean): void {
    const receiver = this.#core.transceivers.find((candidate) => candidate.mid === mid)?.receiver;
    if (receiver === undefined) return;
    const { track, layers } = receiver[internals];
    const layerTrack = layer === undefined ? undefined : layers.get(layer);
    if (layerTrack !== undefined) setTrackMuted(layerTrack, muted);
    if (!muted || [...layers.values()].every((other) => other.muted)) setTrackMuted(track, muted);
  }
}

defineInterface(RTCPeerConnection, {
  handlers: [
    "negotiationneeded",
    "icecandidate",
    "icecandidateerror",
    "signalingstatechange",
    "iceconnectionstatechange",
    "icegatheringstatechange",
    "connectionstatechange",
    "track",
    "datachannel",
  ],
});

/** Resolves when a closed connection's threads have let go of it; not in the W3C API. */
export function whenClosed(connection: RTCPeerConnection): Promise<void> {
  return connection[internals].whenClosed;
}

/** The engine's transport of a connection, for engine-side events and counters; null before the first description. */
export function mediaTransportOf(connection: RTCPeerConnection): BundleTransport["media"] {
  return connection[internals].core.transport.media;
}
