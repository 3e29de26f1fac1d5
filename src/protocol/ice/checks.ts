import { sameTransportAddress, type TransportAddress } from "../primitives/address.js";
import {
  readErrorCode,
  readMappedAddress,
  StunClass,
  StunErrorCode,
  type StunMessage,
  unknownAttributesAttribute,
} from "../stun/index.js";
import { AgentRole, otherRole } from "./agent_role.js";
import { encodeCheckError, encodeCheckResponse } from "./binding.js";
import { CheckSender } from "./check_sender.js";
import { ConsentFreshness } from "./consent.js";
import type { CheckContext, IceCore, IceRequest } from "./core.js";
import { type IceCredentials, IceGeneration } from "./generation.js";
import { type AuthenticCheck, examineCheck, type RefusedCheck } from "./inbound.js";
import { CheckPacer } from "./pacer.js";
import {
  type CandidatePair,
  canPair,
  describePair,
  type IceRole,
  isUsableRemote,
  type LocalPath,
  peerReflexive,
  type RemoteCandidate,
  remoteKey,
} from "./pair.js";
import { PairWatch } from "./pair_watch.js";
import type { IceAgentOptions } from "./types.js";

/** How long a nomination stands before a nomination of a worse pair counts as a change of mind. */
const NOMINATION_SETTLED_US = 3_000_000;
/** Peer-reflexive remote candidates that may be learnt beyond the signaled ones. */
const MAX_LEARNT_REMOTES = 32;

/** Connectivity checks: sends them, answers them, nominates, and keeps consent fresh on what was selected. */
export class ConnectivityChecks {
  readonly #core: IceCore;
  readonly #pacer: CheckPacer;
  readonly #consent: ConsentFreshness;
  readonly #watch: PairWatch;
  readonly #role: AgentRole;
  readonly #sender: CheckSender;
  #current: IceGeneration;
  /** Carries on while a restart's new generation finds its pair (RFC 8445 §9). */
  #previous: IceGeneration | undefined;
  #learnt = 0;
  selectedPairChanges = 0;

  constructor(core: IceCore, options: IceAgentOptions) {
    this.#core = core;
    this.#role = new AgentRole(core, options);
    this.#sender = new CheckSender(core, this.#role);
    this.#pacer = new CheckPacer(core.timers.taUs, core.limits.urgentBurst);
    this.#consent = new ConsentFreshness(core.timers, core.random);
    this.#watch = new PairWatch(core.timers);
    this.#current = new IceGeneration(options.local, core.limits);
  }

  get current(): IceGeneration {
    return this.#current;
  }

  get role(): IceRole {
    return this.#role.now;
  }

  /** The pair that carries data now, maybe one from before a restart. */
  get carrier(): CandidatePair | undefined {
    return this.#current.selected ?? this.#previous?.selected;
  }

  get #generations(): IceGeneration[] {
    return this.#previous ? [this.#current, this.#previous] : [this.#current];
  }

  setRole(role: IceRole): void {
    if (!this.#role.take(role)) return;
    for (const g of this.#generations) {
      g.checklist.reorder(role);
      delete g.nominating;
    }
    this.#core.outputs.push({ type: "role", role });
  }

  /** Starts a new generation; the one with a selected pair lives on beside it. */
  restart(local: IceCredentials): void {
    if (this.#current.selected) this.#previous = this.#current;
    const kept = this.#previous;
    this.#core.requests.drop((c) => c.kind === "gather" || c.generation !== kept);
    this.#current = new IceGeneration(local, this.#core.limits);
    this.#learnt = 0;
    this.#sweepStreams();
  }

  /** Connections of pairs that are no more. */
  #sweepStreams(): void {
    const lists = this.#generations.map((g) => g.checklist);
    this.#core.tcp?.keep((path) => lists.some((list) => list.pairs.some((p) => p.path === path)));
  }

  close(): void {
    this.#consent.stop();
    this.#previous = undefined;
    delete this.#current.selected;
    this.#current.failed = true;
  }

  isVerified(path: LocalPath, from: TransportAddress): boolean {
    return this.#generations.some((g) => g.checklist.find(path, from)?.state === "succeeded");
  }

  /** The peer's credentials are known: pairs can be made. */
  start(remote: IceCredentials, lite: boolean): void {
    const g = this.#current;
    g.setRemote(remote);
    // RFC 8445 §6.1.1: a lite peer cannot control.
    if (lite) this.setRole("controlling");
    for (const [key, r] of g.remotes) {
      const ufrag = r.candidate.usernameFragment;
      if (ufrag !== undefined && ufrag !== remote.usernameFragment) g.remotes.delete(key);
      else this.#formPairs(r);
    }
    for (const e of g.early.splice(0)) {
      const pair = this.#pairOf(g, e.path, e.from, e.priority);
      if (pair) this.#triggerBy(g, pair, e.useCandidate);
    }
  }

  /** How many remote candidates were signaled. */
  get signaledRemotes(): number {
    return this.#current.remotes.size - this.#learnt;
  }

  addRemote(remote: RemoteCandidate): void {
    const g = this.#current;
    const known = g.remotes.get(remote.key);
    if (!known) {
      g.remotes.set(remote.key, remote);
      if (g.remote) this.#formPairs(remote);
    } else if (known.candidate.type === "prflx") {
      // RFC 8838 §11.1: a peer-reflexive one becomes what it was signaled as.
      known.candidate = remote.candidate;
      this.#learnt--;
      g.checklist.reorder(this.role);
    }
  }

  addPath(path: LocalPath): void {
    if (!this.#current.remote) return;
    for (const remote of this.#current.remotes.values()) this.#formPair(path, remote);
  }

  #formPairs(remote: RemoteCandidate): void {
    // Over TCP a pair has a connection of its own, also after a restart.
    const { tcp, locals } = this.#core;
    const paths = remote.candidate.transport === "tcp" ? tcp?.pathsTo(remote) : locals.paths;
    for (const path of paths ?? []) this.#formPair(path, remote);
  }

  #formPair(path: LocalPath, remote: RemoteCandidate): void {
    if (this.#core.relayOnly && path.candidate.type !== "relay") return;
    if (canPair(path, remote)) this.#current.checklist.add(path, remote, this.role);
  }

  // ---- incoming requests (RFC 8445 §7.3)

  handleRequest(path: LocalPath, from: TransportAddress, message: StunMessage, nowUs: number): void {
    const verdict = examineCheck(message, this.#generations, this.#core.hmac);
    if ("code" in verdict) {
      this.#refuse(path, from, message, verdict);
      return;
    }
    this.#core.counters.checksReceived++;
    this.#core.tcp?.prove(path.socketId);
    const agreed = this.#role.settle(verdict);
    if (agreed === "conflict") {
      this.#refuse(path, from, message, { code: StunErrorCode.RoleConflict, generation: verdict.generation });
      return;
    }
    this.setRole(agreed);
    const { key } = verdict.generation.local;
    this.#core.counters.responsesSent++;
    this.#core.transmit(path.socketId, from, encodeCheckResponse(message, from, key, this.#core.hmac));
    if (!verdict.generation.remote) {
      this.#remember(verdict.generation, path, from, verdict);
      return;
    }
    const pair = this.#pairOf(verdict.generation, path, from, verdict.priority);
    if (pair) this.#noteRequest(verdict.generation, pair, verdict.useCandidate, nowUs);
  }

  /** Answers with an error, but never with more bytes than were received from somebody unproven. */
  #refuse(path: LocalPath, from: TransportAddress, message: StunMessage, refusal: RefusedCheck): void {
    const { counters, hmac } = this.#core;
    if (!refusal.generation) counters.unauthenticatedRequests++;
    const extra = refusal.unknown ? [unknownAttributesAttribute(refusal.unknown)] : [];
    const answer = encodeCheckError(message, refusal.code, hmac, refusal.generation?.local.key, extra);
    if (!refusal.generation && answer.length > message.bytes.length) {
      counters.refusalsSuppressed++;
      return;
    }
    this.#core.transmit(path.socketId, from, answer);
  }

  /** RFC 8445 §7.3: a check ahead of the peer's parameters is answered now and acted upon later. */
  #remember(g: IceGeneration, path: LocalPath, from: TransportAddress, check: AuthenticCheck): void {
    this.#core.counters.earlyChecks++;
    const { priority } = check;
    const again = g.early.findIndex((e) => e.path === path && sameTransportAddress(e.from, from));
    const useCandidate = check.useCandidate || (again >= 0 && g.early[again].useCandidate);
    if (again >= 0) g.early[again] = { path, from, priority, useCandidate };
    else if (g.early.length < this.#core.limits.earlyChecks)
      g.early.push({ path, from, priority, useCandidate });
  }

  /** The pair an authentic check came on; made, with a peer-reflexive candidate, when it is new (§7.3.1.3). */
  #pairOf(
    g: IceGeneration,
    path: LocalPath,
    from: TransportAddress,
    priority: number,
  ): CandidatePair | undefined {
    const known = g.checklist.find(path, from);
    if (known) return known;
    if (!isUsableRemote(from)) return undefined;
    const key = remoteKey(path.candidate.transport, from);
    let remote = g.remotes.get(key);
    if (!remote) {
      if (this.#learnt >= MAX_LEARNT_REMOTES) return undefined;
      remote = { address: from, key, candidate: peerReflexive(path, from, priority, ++this.#learnt) };
      g.remotes.set(key, remote);
    }
    return g.checklist.add(path, remote, this.role, true);
  }

  #noteRequest(g: IceGeneration, pair: CandidatePair, useCandidate: boolean, nowUs: number): void {
    pair.requestsReceived++;
    pair.responsesSent++;
    pair.lastAliveUs = nowUs;
    if (useCandidate && this.role === "controlled") pair.lastNominatedUs = nowUs;
    // RFC 7675 §5.1: a lite agent asks for no consent; that the peer goes on asking is all it has.
    if (this.#core.lite && pair === this.carrier) this.#consent.refresh(nowUs);
    this.#triggerBy(g, pair, useCandidate);
    this.#considerNominated(g, pair, nowUs);
  }

  /** RFC 8445 §7.3.1.4: the peer got through to us here, so try the way back at once. */
  #triggerBy(g: IceGeneration, pair: CandidatePair, useCandidate: boolean): void {
    if (useCandidate && this.role === "controlled") pair.nominationPending = true;
    if (this.#core.lite) {
      // RFC 8445 §7.3.2: what the peer nominates is valid at once.
      if (useCandidate) pair.state = "succeeded";
      pair.lastAliveUs = Math.max(pair.lastAliveUs, this.#core.nowUs);
      return;
    }
    if (pair.state === "succeeded" || g.failed) return;
    // Once we, controlling, have concluded, another pair is of use only when the selected one is silent.
    if (this.role === "controlling" && !g.isChecking) return;
    if (pair.state === "in-progress") this.#cancelChecks(pair);
    pair.state = "waiting";
    g.trigger(pair);
  }

  #cancelChecks(pair: CandidatePair): void {
    const open = this.#checksOf(pair);
    for (const r of open) r.cancelled = true;
    for (const r of open.slice(0, Math.max(0, open.length + 1 - this.#core.limits.requestsPerPair))) {
      this.#core.requests.finish(r);
    }
  }

  #checksOf(pair: CandidatePair): IceRequest[] {
    return this.#core.requests.matching((c) => c.kind === "check" && c.pair === pair);
  }

  // ---- answers to our requests (RFC 8445 §7.2.5)

  /** `message` has the transaction id of `request`. Nothing is believed before its integrity is. */
  handleResponse(
    request: IceRequest,
    context: CheckContext,
    symmetric: boolean,
    message: StunMessage,
    nowUs: number,
  ): void {
    const { generation: g, pair } = context;
    const { counters } = this.#core;
    if (!g.remote || !message.verifyIntegrity(g.remote.key, this.#core.hmac)) {
      counters.unauthenticatedResponses++;
      return;
    }
    this.#core.requests.finish(request);
    counters.responsesReceived++;
    if (!symmetric) {
      counters.asymmetricResponses++;
      if (context.kind === "check") this.#fail(g, pair);
    } else if (message.messageClass === StunClass.ErrorResponse) {
      this.#handleError(context, readErrorCode(message)?.code);
    } else {
      this.#handleSuccess(context, request, message, nowUs);
    }
  }

  #handleError(context: CheckContext, code: number | undefined): void {
    const { generation: g, pair } = context;
    if (code !== StunErrorCode.RoleConflict) {
      if (context.kind === "check") this.#fail(g, pair);
      return;
    }
    this.#core.counters.roleConflicts++;
    if (context.role === this.role) {
      this.setRole(otherRole(context.role));
      this.#role.renewTieBreaker();
    }
    if (g.nominating === pair) delete g.nominating;
    if (context.kind === "consent") return;
    // A pair that works is asked again as well: otherwise two that switched at once would never notice.
    if (pair.state !== "succeeded") pair.state = "waiting";
    g.trigger(pair);
  }

  #handleSuccess(context: CheckContext, request: IceRequest, message: StunMessage, nowUs: number): void {
    const { generation: g, pair } = context;
    const mapped = readMappedAddress(message);
    if (!mapped) {
      if (context.kind === "check") this.#fail(g, pair);
      return;
    }
    // Of a repeated request nobody knows which copy was answered (Karn's rule).
    pair.noteResponse(request.attempts === 1 ? nowUs - request.firstSentUs : undefined, nowUs);
    const before = pair.mapped;
    pair.mapped = this.#core.locals.reflexive(pair.path, mapped, "prflx").candidate;
    pair.state = "succeeded";
    if (before && before !== pair.mapped && pair === g.selected) this.#renominate(g, pair);
    this.#core.requests.drop(
      (c) => c.kind === "check" && c.pair === pair && c.nominating === context.nominating,
    );
    g.checklist.unfreeze(pair.foundation);
    g.firstValidUs ??= nowUs;
    if (pair === this.carrier) this.#consent.refresh(nowUs);
    if (context.nominating && g.nominating === pair) {
      delete g.nominating;
      if (this.role === "controlling") this.#select(g, pair, nowUs);
    }
    this.#considerNominated(g, pair, nowUs);
  }

  #fail(g: IceGeneration, pair: CandidatePair): void {
    if (pair === g.selected) return;
    pair.state = "failed";
    if (g.nominating === pair) delete g.nominating;
  }

  /** A request got no answer in time. */
  handleExpired(context: CheckContext): void {
    const { generation: g, pair, kind } = context;
    if (kind === "consent") return;
    // A check that was cancelled in favour of a younger one says nothing.
    if (this.#checksOf(pair).length > 0) return;
    if (pair.state === "in-progress" || context.nominating) this.#fail(g, pair);
  }

  // ---- nomination (RFC 8445 §8.1)

  /** Controlled: takes a pair that is both valid and nominated, unless a better one is in use. */
  #considerNominated(g: IceGeneration, pair: CandidatePair, nowUs: number): void {
    if (this.role !== "controlled" || !pair.nominationPending || pair.state !== "succeeded") return;
    const now = g.selected;
    if (pair === now) return;
    const changedMind =
      now !== undefined &&
      pair.lastNominatedUs > now.lastNominatedUs &&
      (this.#isSilent(now, nowUs) || pair.lastNominatedUs - now.lastNominatedUs > NOMINATION_SETTLED_US);
    if (!now || pair.priority > now.priority || changedMind) this.#select(g, pair, nowUs);
  }

  /** Controlling: regular nomination of the best valid pair, as soon as waiting longer promises little. */
  #nominate(g: IceGeneration, nowUs: number): void {
    if (this.role !== "controlling" || g.nominating || !g.isChecking) return;
    const best = g.checklist.bestValid(g.rechecking ? g.selected : undefined);
    if (!best) return;
    const graceOver = nowUs >= this.#graceEndsUs(g, best);
    if (!best.isDirect && !graceOver && g.checklist.mayImproveOn(best)) return;
    g.nominating = best;
    g.trigger(best);
  }

  /** A NAT has given us a new address: to a controlled peer that is another pair, which it must be told to use. */
  #renominate(g: IceGeneration, pair: CandidatePair): void {
    if (this.role !== "controlling") return;
    g.nominating = pair;
    g.trigger(pair);
  }

  #graceEndsUs(g: IceGeneration, best: CandidatePair): number {
    const { streamGraceUs, nominationGraceUs } = this.#core.timers;
    return (g.firstValidUs ?? Infinity) + (best.isStream ? streamGraceUs : nominationGraceUs);
  }

  #select(g: IceGeneration, pair: CandidatePair, nowUs: number): void {
    pair.nominated = true;
    g.selected = pair;
    delete g.lostUs;
    g.rechecking = false;
    g.recovering = false;
    if (g === this.#current && this.#previous) {
      const old = this.#previous;
      this.#previous = undefined;
      this.#core.requests.drop((c) => c.kind !== "gather" && c.generation === old);
      this.#sweepStreams();
    }
    // RFC 8445 §8.1.2: the rest need not be tried any more.
    g.triggered.length = 0;
    for (const r of this.#core.requests.matching((c) => c.kind === "check" && c.generation === g))
      r.cancelled = true;
    this.#consent.start(nowUs);
    this.selectedPairChanges++;
    this.#core.relays?.prefer(pair.path, pair.remote.address, nowUs);
    this.#core.outputs.push({ type: "selectedpair", pair: describePair(pair) });
  }

  // ---- the passage of time

  /** Does what is due: consent, nomination, then at most what the pacing allows of new checks. */
  advance(nowUs: number): void {
    const g = this.#current;
    if (g.remote && g.startedUs === undefined) g.startedUs = nowUs;
    this.#keepConsent(nowUs);
    if (this.#core.lite) {
      // Those nominated ahead of the peer's parameters.
      if (!g.selected) for (const pair of g.checklist.pairs) this.#considerNominated(g, pair, nowUs);
      return;
    }
    this.#watchSelected(nowUs);
    this.#nominate(g, nowUs);
    while (g.triggered.length > 0 && this.#pacer.tryUrgent(nowUs)) this.#sendTriggered(g, nowUs);
    if (!g.isChecking || g.nominating) return;
    const pair = g.checklist.next();
    if (pair && this.#pacer.tryOrdinary(nowUs)) this.#sendCheck(g, pair, nowUs);
  }

  #keepConsent(nowUs: number): void {
    const g = this.#current.selected ? this.#current : this.#previous;
    const pair = g?.selected;
    if (!g || !pair) return;
    if (this.#consent.isExpired(nowUs)) {
      // RFC 7675 §5.1: stop sending at once.
      this.#core.counters.consentExpired++;
      this.#consent.stop();
      pair.state = "failed";
      pair.nominationPending = false;
      delete g.selected;
      g.lostUs = nowUs;
      if (g === this.#previous) this.#previous = undefined;
      g.rechecking = false;
      return;
    }
    if (this.#consent.takeDue(nowUs) && !this.#core.lite) this.#sender.sendConsentCheck(g, pair, nowUs);
  }

  /**
   * A selected pair that is quiet gets a check: unlike a consent check it is repeated until an answer gets through. One in
   * doubt makes all others worth a check; a sign of life ends that.
   */
  #watchSelected(nowUs: number): void {
    const g = this.#current;
    const pair = g.selected;
    if (!pair) return;
    const verdict = this.#watch.judge(pair, nowUs);
    if (verdict === "probe") g.trigger(pair);
    const doubtful = verdict === "doubtful";
    if (doubtful === g.rechecking) return;
    g.rechecking = doubtful;
    delete g.nominating;
    if (!doubtful) return;
    g.checklist.retryAll(pair);
    g.trigger(pair);
  }

  /** A connection broke or a relay is lost. `gone`: the path itself is no more. */
  losePath(path: LocalPath, gone: boolean, nowUs: number): void {
    this.#core.requests.drop((c) => c.kind !== "gather" && c.pair.path === path);
    for (const g of this.#generations) {
      for (const pair of g.checklist.pairs) if (pair.path === path) pair.state = "failed";
      if (gone) g.checklist.removePath(path);
      if (g.nominating?.path === path) delete g.nominating;
      if (g.selected?.path === path) this.#loseSelected(g, nowUs);
    }
  }

  /** The pair in use is no more: all that is left is worth a check, at once. */
  #loseSelected(g: IceGeneration, nowUs: number): void {
    this.#consent.stop();
    delete g.selected;
    g.lostUs = nowUs;
    g.rechecking = false;
    g.recovering = true;
    if (g === this.#previous) this.#previous = undefined;
    else g.checklist.retryAll();
  }

  #isSilent(pair: CandidatePair, nowUs: number): boolean {
    return nowUs - pair.lastAliveUs >= this.#core.timers.disconnectedUs;
  }

  /** Whether the pair in use gives signs of life. */
  isAlive(nowUs: number): boolean {
    const pair = this.carrier;
    return !!pair && !this.#isSilent(pair, nowUs);
  }

  #sendTriggered(g: IceGeneration, nowUs: number): void {
    const pair = g.triggered.shift();
    const isListed = pair && g.checklist.find(pair.path, pair.remote.address) === pair;
    if (isListed) this.#sendCheck(g, pair, nowUs);
  }

  #sendCheck(g: IceGeneration, pair: CandidatePair, nowUs: number): void {
    if (pair.state !== "succeeded") pair.state = "in-progress";
    this.#sender.sendCheck(g, pair, nowUs);
  }

  nextDeadlineUs(): number {
    const g = this.#current;
    let next = this.carrier ? this.#consent.nextDeadlineUs() : Infinity;
    if (this.#core.lite) return next;
    if (g.selected && !g.rechecking) next = Math.min(next, this.#watch.nextDeadlineUs(g.selected));
    if (g.triggered.length > 0) next = Math.min(next, this.#pacer.nextUrgentUs);
    if (g.isChecking && !g.nominating && g.checklist.next())
      next = Math.min(next, this.#pacer.nextOrdinaryUs);
    if (g.isChecking && !g.nominating && this.role === "controlling")
      next = Math.min(next, this.#nominationUs(g));
    return next;
  }

  #nominationUs(g: IceGeneration): number {
    const best = g.checklist.bestValid(g.selected);
    return best ? this.#graceEndsUs(g, best) : Infinity;
  }
}
