import { newTransactionId, type RetransmissionPlan } from "../stun/index.js";
import type { AgentRole } from "./agent_role.js";
import { encodeCheck } from "./binding.js";
import type { CheckContext, IceCore } from "./core.js";
import type { IceGeneration } from "./generation.js";
import { reflexivePriority } from "./local_candidates.js";
import type { CandidatePair } from "./pair.js";

/** Writes and sends the requests on candidate pairs, and says how long each is repeated (RFC 8445 §7.2.4, §14.3). */
export class CheckSender {
  readonly #core: IceCore;
  readonly #role: AgentRole;

  constructor(core: IceCore, role: AgentRole) {
    this.#core = core;
    this.#role = role;
  }

  /** A connectivity check, which nominates the pair if the generation is about to. */
  sendCheck(g: IceGeneration, pair: CandidatePair, nowUs: number): void {
    pair.requestsSent++;
    this.#core.counters.checksSent++;
    this.#send(g, pair, "check", g.nominating === pair, this.#checkPlan(g, pair), nowUs);
  }

  sendConsentCheck(g: IceGeneration, pair: CandidatePair, nowUs: number): void {
    pair.consentRequestsSent++;
    this.#core.counters.consentChecksSent++;
    const { consentTimeoutUs } = this.#core.timers;
    // RFC 7675 §5.1: a fresh transaction each time, never repeated.
    const plan = { rtoUs: consentTimeoutUs, requestCount: 1, lastWaitFactor: 1 };
    this.#send(g, pair, "consent", false, plan, nowUs);
  }

  #send(
    g: IceGeneration,
    pair: CandidatePair,
    kind: "check" | "consent",
    nominating: boolean,
    plan: RetransmissionPlan,
    nowUs: number,
  ): void {
    if (!g.remote) return;
    const transactionId = newTransactionId(this.#core.random);
    const role = this.#role.now;
    const data = encodeCheck(
      {
        transactionId,
        username: `${g.remote.usernameFragment}:${g.local.usernameFragment}`,
        key: g.remote.key,
        priority: reflexivePriority(pair.path, "prflx"),
        role,
        tieBreaker: this.#role.tieBreaker,
        useCandidate: nominating && role === "controlling",
      },
      this.#core.hmac,
    );
    if (pair.askedUs <= pair.lastAliveUs) pair.askedUs = nowUs;
    const route = { socketId: pair.path.socketId, to: pair.remote.address };
    const context: CheckContext = { kind, generation: g, pair, nominating, role };
    this.#core.request(transactionId, data, route, context, plan, nowUs);
  }

  /**
   * RFC 8445 §14.3; a known round trip gives a better estimate than the number of checks. It lasts as long as RFC 8489
   * §6.2.1 says, but the pauses stop growing: doubled up to half a minute they kept one call of a thousand from its only
   * pair at 20 % loss. The rate of all checks together stays one per Ta, for an RTO above the bound is its own.
   */
  #checkPlan(g: IceGeneration, pair: CandidatePair): RetransmissionPlan {
    const { rtoUs, knownRtoUs, maxRtoUs, taUs, requestCount, lastWaitFactor, streamTimeoutUs } =
      this.#core.timers;
    // RFC 8489 §6.2.2: TCP repeats by itself.
    if (pair.isStream) return { rtoUs: streamTimeoutUs, requestCount: 1, lastWaitFactor: 1 };
    const rto =
      pair.rttUs > 0 ? Math.max(knownRtoUs, 2 * pair.rttUs) : Math.max(rtoUs, taUs * g.checklist.active);
    return {
      rtoUs: rto,
      maxRtoUs: Math.max(rto, maxRtoUs),
      requestCount: Infinity,
      lastWaitFactor,
      limitUs: rto * (2 ** (requestCount - 1) - 1 + lastWaitFactor),
    };
  }
}
