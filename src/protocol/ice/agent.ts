import type { TransportAddress } from "../primitives/address.js";
import { makeTransportAddress } from "../primitives/address.js";
import {
  decodeStun,
  isSymmetric,
  looksLikeStun,
  StunClass,
  type StunMessage,
  StunMethod,
} from "../stun/index.js";
import type { IceCandidate } from "./candidate.js";
import { ConnectivityChecks } from "./checks.js";
import { ConnectionState } from "./connection_state.js";
import { IceCore, type IceRequest } from "./core.js";
import { IceError } from "./errors.js";
import type { IceGatheringState } from "./gatherer.js";
import { Gathering } from "./gathering.js";
import { checkCredentials, type IceCredentials } from "./generation.js";
import { boundAddress } from "./local_candidates.js";
import { describePair, type IceRole, isUsableRemote, type LocalPath, remoteKey } from "./pair.js";
import { pairStats } from "./pair_stats.js";
import { Relays } from "./relays.js";
import { isStreamSocket } from "./streams.js";
import { isUsableTcp, TcpPaths } from "./tcp_paths.js";
import type { IceTurnServer } from "./turn_options.js";
import type {
  IceAgentOptions,
  IceOutput,
  IceSelectedPair,
  IceState,
  IceStats,
  IgnoredReason,
  LocalHostOptions,
} from "./types.js";

/**
 * A full ICE agent for one component (RFC 8445, with trickle RFC 8838 and consent RFC 7675). Sans-IO: it is told what
 * arrives and what time it is, and says what to send, what happened, and when it wants to be called again.
 *
 * After any call, drain `pollOutput` and look at `nextDeadlineUs` again.
 */
export class IceAgent {
  readonly #core: IceCore;
  readonly #checks: ConnectivityChecks;
  readonly #relays: Relays;
  readonly #tcp: TcpPaths;
  readonly #gathering: Gathering;
  readonly #state: ConnectionState;
  /** We restarted and the peer's new credentials have not come yet. */
  #restarting = false;
  #deadlineUs = Infinity;

  /** @throws IceError ERR_ICE_CREDENTIALS */
  constructor(options: IceAgentOptions) {
    checkCredentials(options.local, "Local");
    this.#core = new IceCore(options);
    this.#checks = new ConnectivityChecks(this.#core, options);
    this.#gathering = new Gathering(this.#core, options, () => this.localCredentials.usernameFragment);
    this.#state = new ConnectionState(this.#core, this.#checks, this.#gathering);
    this.#relays = this.#makeRelays(options);
    this.#core.relays = this.#relays;
    this.#tcp = this.#makeTcp();
    this.#core.tcp = this.#tcp;
  }

  #makeTcp(): TcpPaths {
    const { locals, streams, limits, timers, outputs } = this.#core;
    const tcp = new TcpPaths(locals, streams, limits, timers, {
      lost: (path, gone, nowUs) => this.#checks.losePath(path, gone, nowUs),
    });
    tcp.transmit = (socketId, to, data) => outputs.push({ type: "transmit", socketId, to, data });
    return tcp;
  }

  #makeRelays(options: IceAgentOptions): Relays {
    return new Relays(this.#core, options.turn?.md5, {
      answered: () => this.#gathering.answered(),
      allocated: (relay, mapped, via, server) => this.#relayAllocated(relay, mapped, via, server),
      lost: (relay, nowUs) => this.#checks.losePath(relay, true, nowUs),
      data: (relay, from, data, nowUs) => this.#relayData(relay, from, data, nowUs),
      refused: (path, server, code, reason) =>
        this.#gathering.refused({ path, server: server.address, turn: server }, code, reason),
    });
  }

  get state(): IceState {
    return this.#state.now;
  }

  get gatheringState(): IceGatheringState {
    return this.#gathering.state;
  }

  get role(): IceRole {
    return this.#checks.role;
  }

  /** What signaling decided (RFC 8829 §5.2.1 and §5.3.1); a conflict found later is resolved by the checks. */
  setRole(role: IceRole): void {
    this.#checks.setRole(role);
    this.#wake();
  }

  get localCredentials(): IceCredentials {
    const { usernameFragment, password } = this.#checks.current.local;
    return { usernameFragment, password };
  }

  /** The pair that carries data: nominated, valid and consented to. */
  get selectedPair(): IceSelectedPair | undefined {
    const pair = this.#checks.carrier;
    return pair && describePair(pair);
  }

  /**
   * Adds a bound UDP socket: gives its host candidate and asks the STUN servers of its family for more.
   *
   * @param base - the concrete address it is bound to, not the unspecified one.
   * @throws IceError ERR_ICE_ADDRESS, ERR_ICE_CLOSED
   */
  addLocalHost(socketId: number, base: TransportAddress, options: LocalHostOptions = {}): void {
    this.#mustBeOpen();
    const address = boundAddress(base);
    if (this.#core.locals.find(socketId))
      throw new IceError("ERR_ICE_ADDRESS", `Socket ${socketId} is there already`);
    this.#mustHaveRoom(this.#core.locals.paths.filter((p) => !isStreamSocket(p.socketId)).length);
    const path = this.#core.locals.addHost(socketId, address, options.shown);
    if (options.relaySocketId !== undefined) path.relaySocketId = options.relaySocketId;
    this.#gathering.addPath(path);
    const mapped = options.reflexive && makeTransportAddress(options.reflexive, address.port);
    if (mapped) this.#gathering.addReflexive(path, mapped);
    this.#checks.addPath(path);
    this.#wake();
  }

  /**
   * Offers to connect from an address over TCP: an active candidate (RFC 6544 §3).
   *
   * @param shown - the address or name it carries.
   * @throws IceError ERR_ICE_ADDRESS, ERR_ICE_CLOSED
   */
  addLocalActive(address: string, shown = address): void {
    this.#mustBeOpen();
    this.#mustHaveRoom(this.#tcp.size);
    // The port is the system's choice, for each connection anew.
    this.#gathering.announce(this.#tcp.addActive(boundAddress(makeTransportAddress(address, 9)), shown));
    this.#wake();
  }

  /**
   * Adds a TCP listener: a passive candidate. Its connections come with `acceptStream`.
   *
   * @param shown - the address or name it carries.
   * @throws IceError ERR_ICE_ADDRESS, ERR_ICE_CLOSED
   */
  addLocalPassive(listenerId: number, base: TransportAddress, shown = base.address): void {
    this.#mustBeOpen();
    this.#mustHaveRoom(this.#tcp.size);
    this.#gathering.announce(this.#tcp.addPassive(listenerId, boundAddress(base), shown));
    this.#wake();
  }

  #mustHaveRoom(used: number): void {
    const { localPaths } = this.#core.limits;
    if (used >= localPaths) throw new IceError("ERR_ICE_ADDRESS", `More than ${localPaths} local sockets`);
  }

  /** A listener has a new connection. @returns its number; undefined: close it, there are too many. */
  acceptStream(listenerId: number, from: TransportAddress, nowUs: number): number | undefined {
    if (this.#state.isClosed || this.#core.relayOnly) return undefined;
    const socketId = this.#tcp.accept(listenerId, from, nowUs);
    this.#run(nowUs);
    return socketId;
  }

  /** A connection that was asked for by `connect` stands, TLS included. */
  streamOpened(socketId: number, local: TransportAddress, nowUs: number): void {
    if (this.#state.isClosed) return;
    this.#core.nowUs = nowUs;
    this.#core.streams.opened(socketId, local, nowUs);
    this.#run(nowUs);
  }

  /** A connection could not be made, or is gone. */
  streamClosed(socketId: number, reason: string, nowUs: number): void {
    if (this.#state.isClosed) return;
    this.#core.nowUs = nowUs;
    this.#core.streams.closed(socketId, reason, nowUs);
    this.#run(nowUs);
  }

  /**
   * How much has come in all on a connection that was accepted, whatever it was.
   *
   * @returns whether that is still to be told: not once it has shown that it is the peer's.
   */
  noteStreamBytes(socketId: number, totalBytes: number, nowUs: number): boolean {
    return this.#tcp.noteReceived(socketId, totalBytes, nowUs);
  }

  /** No more sockets: gathering completes when the STUN servers have answered or been given up. */
  endLocalHosts(): void {
    this.#gathering.end();
    this.#wake();
  }

  /**
   * The peer's credentials, which start the checks. The same ones again change nothing; other ones need `restart`
   * first.
   *
   * @throws IceError ERR_ICE_CREDENTIALS
   */
  setRemoteParameters(remote: IceCredentials, options: { readonly lite?: boolean } = {}): void {
    this.#mustBeOpen();
    checkCredentials(remote, "Remote");
    const known = this.#checks.current.remote;
    if (known) {
      if (known.usernameFragment === remote.usernameFragment && known.password === remote.password) return;
      throw new IceError(
        "ERR_ICE_CREDENTIALS",
        "New remote credentials need restart() with new local ones first",
      );
    }
    this.#restarting = false;
    this.#checks.start(remote, options.lite ?? false);
    this.#wake();
  }

  /**
   * A signaled candidate. One that cannot be used is reported as `candidateignored` and is never an error.
   *
   * @param resolved - the IP address that the candidate's name stands for. Reports keep to the name.
   */
  addRemoteCandidate(candidate: IceCandidate, resolved = candidate.address): void {
    if (this.#state.isClosed) return;
    const address = makeTransportAddress(resolved, candidate.port);
    const reason = this.#reasonToIgnore(candidate, address);
    if (reason || !address) this.#ignore(candidate, reason ?? "name");
    else if (candidate.tcpType !== "active")
      this.#checks.addRemote({ candidate, address, key: remoteKey(candidate.transport, address) });
    // An active one connects to us, from a port nobody knows yet.
    this.#wake();
  }

  #reasonToIgnore(c: IceCandidate, address: TransportAddress | undefined): IgnoredReason | undefined {
    const { remote, remotes, remoteEnded } = this.#checks.current;
    const ufrag = c.usernameFragment;
    if (remote && ufrag !== undefined && ufrag !== remote.usernameFragment) return "other-generation";
    if (c.transport === "tcp" && !isUsableTcp(c)) return "tcp";
    if (!address) return "name";
    if (!isUsableRemote(address)) return "unusable-address";
    if (remoteEnded) return "ended";
    const isNew = !remotes.has(remoteKey(c.transport, address));
    return isNew && this.#checks.signaledRemotes >= this.#core.limits.remoteCandidates
      ? "too-many"
      : undefined;
  }

  #ignore(candidate: IceCandidate, reason: IgnoredReason): void {
    // The first few of each flood are worth telling; the rest is counted.
    if (this.#core.counters.candidatesIgnored++ < this.#core.limits.remoteCandidates) {
      this.#core.outputs.push({ type: "candidateignored", candidate, reason });
    }
  }

  /** The peer has no more candidates (RFC 8838 §13). */
  endOfRemoteCandidates(): void {
    // Between our restart and the peer's answer this can only be the end of its former candidates.
    if (this.#restarting) return;
    this.#checks.current.remoteEnded = true;
    this.#wake();
  }

  /**
   * Begins anew with other credentials (RFC 8445 §9). The selected pair carries on until a new one is selected.
   * Candidates are given again with the new fragment.
   *
   * @throws IceError ERR_ICE_CREDENTIALS, ERR_ICE_CLOSED
   */
  restart(local: IceCredentials): void {
    this.#mustBeOpen();
    checkCredentials(local, "Local");
    if (local.usernameFragment === this.#checks.current.local.usernameFragment) {
      throw new IceError("ERR_ICE_CREDENTIALS", "A restart needs a new usernameFragment");
    }
    this.#restarting = true;
    this.#checks.restart(local);
    this.#state.forgive();
    this.#gatherAgain();
    this.#wake();
  }

  #gatherAgain(): void {
    this.#gathering.restart();
    this.#relays.restart();
    this.#gathering.addPathsAgain();
    for (const candidate of this.#tcp.candidates) this.#gathering.announce(candidate);
    this.#gathering.endAgain();
  }

  /** Ends everything; no output follows but the state and the return of TURN allocations. */
  close(): void {
    if (this.#state.isClosed) return;
    this.#core.requests.drop(() => true);
    this.#core.outputs.length = 0;
    this.#checks.close();
    this.#relays.close(this.#core.nowUs);
    this.#core.streams.closeAll();
    this.#state.close();
    this.#deadlineUs = Infinity;
  }

  /**
   * Takes a datagram that may be STUN.
   *
   * @returns false when it is none and thus somebody else's; true when it was dealt with, be it by dropping it.
   */
  handleDatagram(socketId: number, from: TransportAddress, data: Uint8Array, nowUs: number): boolean {
    const path = this.#core.locals.find(socketId);
    this.#core.nowUs = nowUs;
    if (!this.#state.isClosed && this.#relays.handleDatagram(socketId, from, data, nowUs)) {
      this.#run(nowUs);
      return true;
    }
    if (!looksLikeStun(data)) return false;
    if (this.#state.isClosed || !path) return true;
    this.#handleStun(path, from, data, nowUs);
    this.#run(nowUs);
    return true;
  }

  #handleStun(path: LocalPath, from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const message = decodeStun(data);
    if (typeof message !== "string") this.#handleMessage(path, from, message, nowUs);
    else if (message === "bad-fingerprint") this.#core.counters.badFingerprint++;
    else this.#core.counters.malformed++;
  }

  /**
   * Sends data through the relay of the selected pair.
   *
   * @param socketId - the pair's, when it is `relayed`.
   */
  sendRelayed(socketId: number, to: TransportAddress, data: Uint8Array, nowUs: number): void {
    this.#core.nowUs = nowUs;
    this.#core.transmit(socketId, to, data);
    this.#wake();
  }

  #relayAllocated(
    relay: LocalPath,
    mapped: TransportAddress,
    via: LocalPath,
    { address, transport = "udp" }: IceTurnServer,
  ): void {
    // What a server sees over TCP is a connection's address, not the socket's; and a socket for relays is for them alone.
    const isSeen = transport === "udp" && via.relaySocketId === undefined;
    if (!this.#core.relayOnly && isSeen) this.#gathering.addReflexive(via, mapped, address);
    this.#gathering.announce(relay.candidate);
    this.#checks.addPath(relay);
    this.#gathering.settle();
  }

  #relayData(relay: LocalPath, from: TransportAddress, data: Uint8Array, nowUs: number): void {
    if (looksLikeStun(data)) this.#handleStun(relay, from, data, nowUs);
    else this.#core.outputs.push({ type: "relayeddata", socketId: relay.socketId, from, data });
  }

  #handleMessage(path: LocalPath, from: TransportAddress, message: StunMessage, nowUs: number): void {
    if (message.method !== StunMethod.Binding) this.#core.counters.unexpectedMethods++;
    else if (message.messageClass === StunClass.Request)
      this.#checks.handleRequest(path, from, message, nowUs);
    else if (message.messageClass === StunClass.Indication) this.#core.counters.indicationsReceived++;
    else this.#handleResponse(path, from, message, nowUs);
  }

  /** Checks of the peer whose integrity was right, so far. */
  get checksReceived(): number {
    return this.#core.counters.checksReceived;
  }

  /** Answers of the peer whose integrity was right, so far. */
  get responsesReceived(): number {
    return this.#core.counters.responsesReceived;
  }

  /** Data of the selected pair's peer counts as a sign of life, not as consent. */
  noteTraffic(nowUs: number): void {
    const pair = this.#checks.carrier;
    if (pair) pair.lastAliveUs = pair.trafficUs = Math.max(pair.lastAliveUs, nowUs);
    if (this.#state.now === "disconnected") this.#wake();
  }

  /** Whether that address has proven to be the peer's: it answered a check on this socket. */
  isVerifiedPeer(socketId: number, from: TransportAddress): boolean {
    const path = this.#core.locals.find(socketId);
    return !!path && this.#checks.isVerified(path, from);
  }

  handleTimeout(nowUs: number): void {
    if (!this.#state.isClosed && nowUs >= this.#deadlineUs) this.#run(nowUs);
  }

  /** When `handleTimeout` is wanted next; 0 means at once, Infinity never. */
  nextDeadlineUs(): number {
    return this.#deadlineUs;
  }

  /** The next thing to send or to know; undefined when there is nothing more. */
  pollOutput(): IceOutput | undefined {
    return this.#core.outputs.shift();
  }

  stats(): IceStats {
    const { checklist, remotes } = this.#checks.current;
    const selected = this.#checks.carrier;
    return {
      state: this.#state.now,
      role: this.#checks.role,
      counters: { ...this.#core.counters },
      pairs: checklist.pairs.map((pair) => pairStats(pair, selected)),
      pairsDiscarded: checklist.discarded,
      remoteCandidates: remotes.size,
      selectedPairChanges: this.#checks.selectedPairChanges,
    };
  }

  // ---- answers, time

  #handleResponse(path: LocalPath, from: TransportAddress, message: StunMessage, nowUs: number): void {
    const request = this.#core.requests.find(message.transactionId);
    if (!request) {
      this.#core.counters.unexpectedResponses++;
      return;
    }
    const symmetric = isSymmetric(request, path.socketId, from);
    const { context } = request;
    if (context.kind !== "gather") this.#checks.handleResponse(request, context, symmetric, message, nowUs);
    else if (symmetric) this.#gathering.handleAnswer(request, context.task, message);
    else this.#core.counters.asymmetricResponses++;
  }

  #run(nowUs: number): void {
    this.#core.nowUs = nowUs;
    this.#core.streams.handleTimeout(nowUs);
    this.#tcp.handleTimeout(nowUs);
    this.#relays.handleTimeout(nowUs);
    this.#core.requests.handleTimeout(
      nowUs,
      (r) => {
        this.#core.counters.retransmissions++;
        this.#core.transmit(r.socketId, r.to, r.data);
      },
      (r) => this.#handleExpired(r),
    );
    this.#checks.advance(nowUs);
    this.#gathering.poll(nowUs, this.#relays);
    this.#state.update(nowUs);
    this.#deadlineUs = this.#computeDeadline(nowUs);
  }

  #handleExpired(request: IceRequest): void {
    const { context } = request;
    if (context.kind === "gather") this.#gathering.handleExpired(context.task);
    else this.#checks.handleExpired(context);
  }

  #computeDeadline(nowUs: number): number {
    if (this.#state.isClosed) return Infinity;
    const checksUs = Math.min(this.#core.requests.nextDeadlineUs(), this.#checks.nextDeadlineUs());
    const streamsUs = Math.min(this.#core.streams.nextDeadlineUs(), this.#tcp.nextDeadlineUs());
    const gatherUs = this.#gathering.nextDeadlineUs();
    return Math.min(
      checksUs,
      gatherUs,
      streamsUs,
      this.#relays.nextDeadlineUs(),
      this.#state.nextDeadlineUs(nowUs),
    );
  }

  /** Something changed outside of time: call `handleTimeout` at once. */
  #wake(): void {
    if (!this.#state.isClosed) this.#deadlineUs = 0;
  }

  #mustBeOpen(): void {
    if (this.#state.isClosed) throw new IceError("ERR_ICE_CLOSED", "The ICE agent is closed");
  }
}
