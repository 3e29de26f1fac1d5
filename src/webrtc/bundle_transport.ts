import type { MessagePort } from "node:worker_threads";
import type { MediaInput } from "../media/inputs/media_input.js";
import {
  type CandidateError,
  type DataEvent,
  type DtlsState,
  type IceParameters,
  type IceRole,
  type IceState,
  type LocalCandidate,
  type MediaTransport,
  type MediaTransportEvents,
  nameOf,
  type ReceiveStreamOptions,
  type SelectedPair,
  type SendLimits,
  type SendStreamOptions,
  type StreamName,
  streamKey,
  type TransportFactory,
  type TransportSettings,
} from "../media/transport_api.js";
import type { RandomSource } from "../protocol/primitives/random.js";
import type { DtlsRole } from "../protocol/sdp/dtls_setup.js";
import type { RemoteTransportDescription } from "../protocol/sdp/negotiated_media.js";
import type { ResolvedServers } from "./ice_server_resolution.js";
import { internals, queueTask, randomIceText } from "./internals.js";
import type { RTCCertificate } from "./rtc_certificate.js";
import { RTCDtlsTransport, type RTCDtlsTransportState } from "./rtc_dtls_transport.js";
import { RTCError } from "./rtc_error.js";
import { RTCErrorEvent } from "./rtc_events.js";
import { RTCIceCandidate } from "./rtc_ice_candidate.js";
import { RTCIceCandidatePair, RTCIceTransport, type RTCIceTransportState } from "./rtc_ice_transport.js";
import type { RTCRtpScriptTransform } from "./transforms/rtc_rtp_script_transform.js";

/** What the transport tells its peer connection. Nothing is told after `close`. */
export interface BundleTransportObserver {
  candidate(candidate: LocalCandidate, usernameFragment: string): void;
  gatheringComplete(usernameFragment: string): void;
  /** The states of `ice` and `dtls` have changed; `announce` fires their events. */
  stateChanged(announce: () => void): void;
  streamStarted(stream: StreamName): void;
  bye(stream: StreamName): void;
  /** The peer uses an SSRC of ours. */
  ssrcCollision(ssrc: number): void;
  /** The peer pressed a key of a telephone: its event code (RFC 4733). */
  tone(mid: string, event: number): void;
  candidateError(error: CandidateError): void;
  data(event: DataEvent): void;
}

export interface BundleTransportOptions {
  readonly factory: TransportFactory;
  readonly settings: TransportSettings;
  readonly random: RandomSource;
  readonly observer: BundleTransportObserver;
}

/** What the first local description decides. */
export interface TransportOpening {
  readonly role: IceRole;
  /** Those the description announces. */
  readonly credentials: IceParameters;
  readonly certificate: RTCCertificate;
  readonly servers: ResolvedServers;
  readonly relayOnly: boolean;
}

/** The local half of ICE, as the descriptions in force know it. */
interface StableIce {
  readonly parameters: IceParameters;
  readonly localCandidates: RTCIceCandidate[];
  readonly gathered: string[];
}

export interface WantedStream {
  readonly options: SendStreamOptions;
  readonly limits: SendLimits;
  /** The track is disabled: black or silence is sent. */
  readonly blank: boolean;
  /** What the application pushes; undefined: the engine's camera or microphone. */
  readonly input: MediaInput | undefined;
  /** What its frames go through. */
  readonly transform: RTCRtpScriptTransform | null;
}

/** Streams as the descriptions, tracks and parameters want them, by {@link streamKey}. */
export interface WantedMedia {
  readonly send: ReadonlyMap<string, WantedStream>;
  readonly receive: ReadonlyMap<string, ReceiveStreamOptions>;
  /** Least delays of the sections' jitter buffers, by mid; absent: as the path needs it. */
  readonly playoutTargetUs: ReadonlyMap<string, number>;
  /** What the frames of sections go through, by mid. */
  readonly receiveTransforms: ReadonlyMap<string, RTCRtpScriptTransform>;
}

/** RFC 8445 §5.3: 24 bits of ufrag and 128 of password at least. */
export function createIceParameters(random: RandomSource): IceParameters {
  return { usernameFragment: randomIceText(random, 8), password: randomIceText(random, 24) };
}

/**
 * The one transport of a peer connection (RFC 8843): its W3C objects, its credentials, and the engine's transport
 * behind them once the first local description is set.
 */
export class BundleTransport {
  readonly ice = new RTCIceTransport(internals);
  readonly dtls = new RTCDtlsTransport(internals, this.ice);
  /** The DTLS role once negotiated. */
  role: DtlsRole | null = null;
  remote: RemoteTransportDescription | null = null;
  /** Gathered since the last (re)start. */
  readonly gathered: string[] = [];
  media: MediaTransport | null = null;
  local: IceParameters;
  /** Credentials a restart announced and no local description has put in force yet. */
  next: IceParameters | null = null;

  // Streams, by their keys.
  private readonly sending = new Map<string, string>();
  private readonly receiving = new Map<string, string>();
  private readonly limits = new Map<string, string>();
  private readonly playoutTargets = new Map<string, number>();
  private readonly blank = new Map<string, boolean>();
  /** What each send stream carries, by the engine's number. */
  private readonly sources = new Map<string, number>();
  private readonly sendTransforms = new Map<string, RTCRtpScriptTransform>();
  private readonly receiveTransforms = new Map<string, RTCRtpScriptTransform>();
  private readonly remoteSeen = new Set<string>();
  private iceState: IceState = "new";
  private unstable = false;
  private gatherAsked = false;
  /** What a restart that nobody has answered yet has taken the place of. */
  private stable: StableIce | null = null;
  /** Of the credentials that the engine was given last: others than {@link local} when a restart was withdrawn. */
  private gatheringFor = "";
  /** What the pool has to tell; null: there is no pool. */
  private held: (() => void)[] | null = null;
  private closed = false;

  constructor(private readonly options: BundleTransportOptions) {
    this.local = createIceParameters(options.random);
  }

  /** This side only answers checks (`settings.transport.iceLite`). */
  get isLite(): boolean {
    return this.options.settings.iceLite ?? false;
  }

  /** Credentials to announce in the next description. */
  get announced(): IceParameters {
    return this.next ?? this.local;
  }

  /** Of the descriptions: in force, and before an answer those that an offer of ours would replace. */
  get usernameFragments(): readonly string[] {
    const former = this.stable === null ? [] : [this.stable.parameters.usernameFragment];
    return [this.local.usernameFragment, ...former];
  }

  get canRestart(): boolean {
    return this.media === null || this.media.restartIce !== undefined;
  }

  prepareRestart(): void {
    this.next ??= createIceParameters(this.options.random);
  }

  /** Gathering goes on ahead of the first local description. */
  get isPooled(): boolean {
    return this.held !== null;
  }

  /** Gathers ahead; nothing is told before {@link open} and {@link gather}. */
  pool(opening: TransportOpening): void {
    this.held = [];
    this.create(opening);
  }

  /** Makes the engine's transport, which begins to gather, or takes over the pool's; {@link gather} is to follow in the same task. */
  open(opening: TransportOpening): void {
    if (this.media === null) this.create(opening);
    else if (!this.isPooled) return;
    // RFC 8445 §6.1.1: a lite agent is controlled, whoever offers.
    const role = this.isLite ? "controlled" : opening.role;
    if (this.isPooled && role === "controlled") this.media?.setIceRole(role);
    this.ice[internals].role = role;
    this.ice[internals].localParameters = this.local;
  }

  private create({ role, credentials, certificate, servers, relayOnly }: TransportOpening): void {
    const { certificatePem, privateKeyPem } = certificate[internals];
    const iceRole = this.isLite ? "controlled" : role;
    this.local = credentials;
    this.gatheringFor = credentials.usernameFragment;
    this.next = null;
    this.media = this.options.factory.createTransport({
      iceRole,
      local: this.local,
      stunServers: servers.servers.map(({ address, port }) => ({ address, port })),
      turnServers: servers.turnServers,
      relayOnly,
      certificatePem,
      privateKeyPem,
      settings: this.options.settings,
    });
    this.listen(this.media);
    // Before all else that a description brings about: it takes the longest.
    this.media.gather();
  }

  /** Puts announced credentials in force (RFC 8445 §9); whether there were any. */
  applyRestart(): boolean {
    if (this.next === null || this.media === null) return false;
    const { localCandidates } = this.ice[internals];
    this.stable ??= { parameters: this.local, localCandidates, gathered: [...this.gathered] };
    this.local = this.next;
    this.next = null;
    this.gatheringFor = this.local.usernameFragment;
    this.gathered.length = 0;
    this.ice[internals].localParameters = this.local;
    this.ice[internals].localCandidates = [];
    this.media.restartIce?.(this.local);
    return true;
  }

  /**
   * The offer that announced new credentials was rolled back: descriptions go on with the former ones, and so does the engine, which
   * keeps the pair it has until a peer knows the new ones. Whether there were any.
   */
  withdrawRestart(): boolean {
    if (this.stable === null) return false;
    const { parameters, localCandidates, gathered } = this.stable;
    this.stable = null;
    this.local = parameters;
    this.gathered.splice(0, this.gathered.length, ...gathered);
    this.ice[internals].localParameters = parameters;
    this.ice[internals].localCandidates = localCandidates;
    return true;
  }

  /**
   * Says that it gathers, the first time or `again` after a restart, which gathers by itself on the sockets there are. The state
   * changes in a task of its own (WebRTC 1.0 §5.6).
   */
  gather(again: boolean): void {
    if (this.gatherAsked && !again) return;
    this.gatherAsked = true;
    queueTask(() => this.closed || this.setGathering("gathering"));
    const { held } = this;
    this.held = null;
    for (const tell of held ?? []) queueTask(() => this.closed || tell());
  }

  /** What the pool finds waits until it may be told. */
  private whenTold<A extends unknown[]>(tell: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (this.held === null) tell(...args);
      else this.held.push(() => tell(...args));
    };
  }

  private listen(media: MediaTransport): void {
    // The engine may answer before its caller has returned; the application must not hear of it before then.
    const later =
      <A extends unknown[]>(handle: (...args: A) => void) =>
      (...args: A) =>
        queueTask(() => this.closed || handle(...args));
    const { observer } = this.options;
    media.on("candidate", later(this.whenTold((candidate) => this.onCandidate(candidate))));
    media.on(
      "gatheringcomplete",
      later(this.whenTold((of) => this.onGatheringComplete(of.usernameFragment))),
    );
    media.on(
      "icestate",
      later((state) => this.onIceState(state)),
    );
    media.on("candidateerror", later(this.whenTold((error) => observer.candidateError(error))));
    media.on(
      "unstable",
      later((unstable) => this.onUnstable(unstable)),
    );
    media.on(
      "selectedpair",
      later((pair) => this.onSelectedPair(pair)),
    );
    media.on(
      "dtlsstate",
      later((state, detail) => this.onDtlsState(state, detail)),
    );
    // Never before its caller has returned: it comes from another thread. Nothing stands between it and the application.
    media.on("data", (event) => {
      if (!this.closed) observer.data(event);
    });
    media.on(
      "failed",
      later(({ code, message }) => this.onFailed(code, message)),
    );
    media.on(
      "streamstarted",
      later((stream) => observer.streamStarted(nameOf(stream))),
    );
    media.on(
      "ssrccollision",
      later(({ ssrc }) => observer.ssrcCollision(ssrc)),
    );
    media.on(
      "bye",
      later((stream) => observer.bye(nameOf(stream))),
    );
    media.on(
      "tone",
      later(({ mid, event }) => observer.tone(mid, event)),
    );
  }

  /** The engine is a thread away: what it tells may be for credentials that a restart or a rollback has replaced since. */
  private onCandidate(candidate: LocalCandidate): void {
    const { usernameFragment } = candidate;
    if (usernameFragment === this.stable?.parameters.usernameFragment) {
      this.stable.gathered.push(candidate.candidate);
    }
    if (usernameFragment !== this.local.usernameFragment) return;
    this.gathered.push(candidate.candidate);
    this.options.observer.candidate(candidate, this.local.usernameFragment);
  }

  private onGatheringComplete(usernameFragment: string): void {
    if (this.ice.gatheringState === "complete" || usernameFragment !== this.gatheringFor) return;
    if (usernameFragment === this.local.usernameFragment) {
      this.options.observer.gatheringComplete(usernameFragment);
    } else this.setGathering("complete");
  }

  setGathering(state: "gathering" | "complete"): void {
    const transport = this.ice[internals];
    if (transport.gatheringState === state) return;
    transport.gatheringState = state;
    this.options.observer.stateChanged(() => this.ice.dispatchEvent(new Event("gatheringstatechange")));
  }

  private onIceState(state: IceState): void {
    this.iceState = state;
    this.updateIce();
  }

  private onUnstable(unstable: boolean): void {
    this.unstable = unstable;
    this.updateIce();
  }

  /** W3C "disconnected" may be transient: the engine's silence counts as much as lost consent (RFC 7675). */
  private updateIce(): void {
    const up = this.iceState === "connected" || this.iceState === "completed";
    this.changeIce(up && this.unstable ? "disconnected" : this.iceState);
  }

  private changeIce(state: RTCIceTransportState): void {
    const transport = this.ice[internals];
    if (transport.state === state) return;
    transport.state = state;
    this.options.observer.stateChanged(() => this.ice.dispatchEvent(new Event("statechange")));
  }

  private onSelectedPair(pair: SelectedPair): void {
    const place = { sdpMLineIndex: this.remote?.mediaIndex ?? 0 };
    const local = { candidate: pair.local, usernameFragment: this.local.usernameFragment };
    const remote = { candidate: pair.remote, usernameFragment: this.remote?.iceUfrag ?? null };
    const { localCandidates, remoteCandidates } = this.ice[internals];
    this.ice[internals].selectedPair = new RTCIceCandidatePair(
      internals,
      candidateOf(localCandidates, new RTCIceCandidate({ ...place, ...local })),
      candidateOf(remoteCandidates, new RTCIceCandidate({ ...place, ...remote })),
    );
    this.ice.dispatchEvent(new Event("selectedcandidatepairchange"));
  }

  private onDtlsState(state: DtlsState, { error, remoteCertificate }: DtlsDetails): void {
    if (remoteCertificate !== undefined) {
      this.dtls[internals].remoteCertificates = [new Uint8Array(remoteCertificate).buffer];
    }
    const transport = this.dtls[internals];
    if (transport.state === state || transport.state === "failed") return;
    transport.state = state satisfies RTCDtlsTransportState;
    this.options.observer.stateChanged(() => {
      if (state === "failed") this.announceDtlsError(error ?? "the DTLS transport failed");
      this.dtls.dispatchEvent(new Event("statechange"));
    });
  }

  /**
   * The engine has given the transport up. What isn't DTLS's fault is the path's. A peer's close_notify is no failure: the
   * DTLS transport is closed, and the path leads nowhere any more (WebRTC 1.0 §5.6.2 "disconnected").
   */
  private onFailed(code: string, message: string): void {
    if (this.dtls.state === "closed") this.changeIce("disconnected");
    else if (code.startsWith("ERR_DTLS")) this.onDtlsState("failed", { error: `${code}: ${message}` });
    else this.changeIce("failed");
    this.options.observer.data({ type: "dataclosed", error: `${code}: ${message}` });
  }

  private announceDtlsError(message: string): void {
    const errorDetail = /fingerprint/i.test(message) ? "fingerprint-failure" : "dtls-failure";
    this.dtls.dispatchEvent(new RTCErrorEvent("error", { error: new RTCError({ errorDetail }, message) }));
  }

  /** Applies the peer's half after an answer; `role` is our DTLS role. */
  connect(
    remote: RemoteTransportDescription,
    role: DtlsRole,
    candidates: readonly string[],
    ended: boolean,
  ): void {
    const { media } = this;
    if (media === null) return;
    if (remote.iceUfrag !== this.remote?.iceUfrag || remote.icePwd !== this.remote?.icePwd) {
      const parameters = { usernameFragment: remote.iceUfrag, password: remote.icePwd };
      this.ice[internals].remoteParameters = parameters;
      this.ice[internals].remoteCandidates = [];
      this.remoteSeen.clear();
      // RFC 8445 §6.1.1: facing a lite agent, the full one controls.
      if (remote.iceLite) this.takeControl(media);
      media.setRemoteIceParameters(parameters, remote.iceLite);
    }
    this.remote = remote;
    this.stable = null;
    for (const candidate of candidates) this.addRemoteCandidate(candidate);
    if (ended) media.endOfRemoteCandidates();
    if (this.role === null) {
      this.role = role;
      media.startDtls(role, remote.fingerprints);
    }
  }

  private takeControl(media: MediaTransport): void {
    if (this.ice.role === "controlling" || this.isLite) return;
    this.ice[internals].role = "controlling";
    media.setIceRole("controlling");
  }

  /** A candidate of the remote description in force. */
  addRemoteCandidate(candidate: string): void {
    if (this.remoteSeen.has(candidate)) return;
    this.remoteSeen.add(candidate);
    const place = { sdpMLineIndex: this.remote?.mediaIndex ?? 0 };
    this.ice[internals].remoteCandidates.push(new RTCIceCandidate({ ...place, candidate }));
    this.media?.addRemoteCandidate(candidate);
  }

  /** Adds, changes and removes the engine's streams until they are the wanted ones. */
  sync(wanted: WantedMedia): void {
    const { media } = this;
    if (media === null || this.closed) return;
    syncStreams(this.receiving, wanted.receive, media.removeReceiveStream.bind(media), (options) => {
      this.playoutTargets.delete(streamKey(options));
      media.addReceiveStream(options);
    });
    for (const [key, { mid }] of wanted.receive) {
      this.setTarget(media, key, wanted.playoutTargetUs.get(mid) ?? 0);
    }
    this.setReceiveTransforms(media, wanted.receiveTransforms);
    this.setSendTransforms(media, wanted.send);
    const sendOptions = new Map([...wanted.send].map(([key, { options }]) => [key, options]));
    syncStreams(this.sending, sendOptions, media.removeSendStream.bind(media), (options) =>
      this.addSendStream(media, options, wanted.send.get(streamKey(options))),
    );
    for (const [key, { limits, blank, input }] of wanted.send) {
      this.limit(media, key, limits);
      this.setBlank(media, key, blank);
      this.feed(media, key, input);
    }
  }

  private addSendStream(
    media: MediaTransport,
    options: SendStreamOptions,
    stream: WantedStream | undefined,
  ): void {
    const key = streamKey(options);
    const { limits = {}, blank = false, input } = stream ?? {};
    const source = sourceNumber(media, input);
    this.sources.set(key, source);
    this.limits.set(key, JSON.stringify(limits));
    this.blank.set(key, blank);
    media.addSendStream({
      ...options,
      ...(source !== 0 && { source }),
      ...(Object.keys(limits).length > 0 && { limits }),
      ...(blank && { blank }),
    });
  }

  /** Before the streams themselves: nothing is to pass by a transform. */
  private setSendTransforms(media: MediaTransport, send: WantedMedia["send"]): void {
    const wanted = new Map<string, RTCRtpScriptTransform>();
    for (const [key, { transform }] of send) if (transform !== null) wanted.set(key, transform);
    syncTransforms(this.sendTransforms, wanted, (key, openPort) => media.setSendTransform?.(key, openPort));
  }

  private setReceiveTransforms(
    media: MediaTransport,
    wanted: ReadonlyMap<string, RTCRtpScriptTransform>,
  ): void {
    syncTransforms(this.receiveTransforms, wanted, (mid, openPort) =>
      media.setReceiveTransform?.(mid, openPort),
    );
  }

  private setTarget(media: MediaTransport, key: string, targetUs: number): void {
    if ((this.playoutTargets.get(key) ?? 0) === targetUs) return;
    this.playoutTargets.set(key, targetUs);
    media.setPlayoutTarget?.(key, targetUs);
  }

  private setBlank(media: MediaTransport, key: string, blank: boolean): void {
    if (this.blank.get(key) === blank) return;
    this.blank.set(key, blank);
    media.blankSendStream?.(key, blank);
  }

  /** Another track on the same stream: the peer sees one stream go on. */
  private feed(media: MediaTransport, key: string, input: MediaInput | undefined): void {
    const source = sourceNumber(media, input);
    if (this.sources.get(key) === source) return;
    this.sources.set(key, source);
    media.setSendSource?.(key, source);
  }

  private limit(media: MediaTransport, key: string, limits: SendLimits): void {
    const asked = JSON.stringify(limits);
    if ((this.limits.get(key) ?? "{}") === asked) return;
    this.limits.set(key, asked);
    media.limitSendStream?.(key, limits);
  }

  isSending(key: string): boolean {
    return this.sending.has(key);
  }

  /** No observer is told anything any more; resolves when the engine has let go. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.ice[internals].state = "closed";
    this.dtls[internals].state = "closed";
    await this.media?.close();
  }
}

/** The candidate as it was signaled, which the engine tells by its parts; peer-reflexive ones never were. */
function candidateOf(signaled: readonly RTCIceCandidate[], told: RTCIceCandidate): RTCIceCandidate {
  const same = ({ address, port, protocol, type }: RTCIceCandidate) =>
    address === told.address && port === told.port && protocol === told.protocol && type === told.type;
  return signaled.find(same) ?? told;
}

type DtlsDetails = MediaTransportEvents["dtlsstate"][1];

/** An engine that cannot take what is pushed sends none of its own instead. */
function sourceNumber(media: MediaTransport, input: MediaInput | undefined): number {
  return input === undefined ? 0 : (media.inputId?.(input) ?? -1);
}

function syncTransforms(
  current: Map<string, RTCRtpScriptTransform>,
  wanted: ReadonlyMap<string, RTCRtpScriptTransform>,
  set: (name: string, openPort: (() => MessagePort) | undefined) => void,
): void {
  for (const name of [...current.keys()]) {
    if (wanted.has(name)) continue;
    current.delete(name);
    set(name, undefined);
  }
  for (const [name, transform] of wanted) {
    if (current.get(name) === transform) continue;
    current.set(name, transform);
    set(name, transform[internals].openPort);
  }
}

/** Makes `current` (a stream's key to what was asked of the engine) equal to `wanted`. */
function syncStreams<T>(
  current: Map<string, string>,
  wanted: ReadonlyMap<string, T>,
  remove: (key: string) => void,
  add: (options: T) => void,
): void {
  for (const [key, asked] of [...current]) {
    const options = wanted.get(key);
    if (options !== undefined && JSON.stringify(options) === asked) continue;
    remove(key);
    current.delete(key);
  }
  for (const [key, options] of wanted) {
    if (current.has(key)) continue;
    add(options);
    current.set(key, JSON.stringify(options));
  }
}
