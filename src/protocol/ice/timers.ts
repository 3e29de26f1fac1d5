/** Times and limits of an agent. All durations in µs. */
export interface IceTimers {
  /** Ta: between two new connectivity checks, and between two new gathering requests (RFC 8445 §14.2). */
  readonly taUs: number;
  /** Lower bound of the retransmission timeout of checks on pairs whose round trip is not known (RFC 8445 §14.3). */
  readonly rtoUs: number;
  /** Lower bound of it on pairs whose round trip is known. */
  readonly knownRtoUs: number;
  /** A check is repeated at least this often, however long it goes unanswered; less often only where `rtoUs` says so. */
  readonly maxRtoUs: number;
  /** Rc: how often a request is sent before it counts as lost (RFC 8489 §6.2.1). */
  readonly requestCount: number;
  /** Rm: how many RTOs to wait after the last one. */
  readonly lastWaitFactor: number;
  /** How long a STUN server may stay silent before gathering goes on without it. */
  readonly gatherTimeoutUs: number;
  /** How long we, controlling, wait for a better pair after the first valid one that is not direct. */
  readonly nominationGraceUs: number;
  /** Mean time between consent checks; each is 0.8 to 1.2 times this (RFC 7675 §5.1). At least 5 s in earnest. */
  readonly consentIntervalUs: number;
  /** Without an answer for this long consent is gone (RFC 7675 §5.1). */
  readonly consentTimeoutUs: number;
  /** Without a sign of life for this long the state is `disconnected`. */
  readonly disconnectedUs: number;
  /** The agent does not fail before this has passed since its checks started (RFC 8863 §3). */
  readonly patienceUs: number;
}

export const DEFAULT_ICE_TIMERS: IceTimers = {
  taUs: 50_000,
  rtoUs: 500_000,
  knownRtoUs: 100_000,
  maxRtoUs: 2_000_000,
  requestCount: 7,
  lastWaitFactor: 16,
  gatherTimeoutUs: 5_000_000,
  nominationGraceUs: 100_000,
  consentIntervalUs: 5_000_000,
  consentTimeoutUs: 30_000_000,
  disconnectedUs: 8_000_000,
  patienceUs: 39_500_000,
};

/** Bounds that a hostile description or peer cannot exceed. */
export interface IceLimits {
  readonly localPaths: number;
  readonly remoteCandidates: number;
  /** RFC 8445 §6.1.2.5 recommends 100. */
  readonly pairs: number;
  /** Authenticated checks remembered until the peer's parameters arrive. */
  readonly earlyChecks: number;
  /** Requests of one pair that may wait for an answer at the same time. */
  readonly requestsPerPair: number;
  /** Triggered and nominating checks that may go out ahead of their Ta slot; the mean rate stays one per Ta. */
  readonly urgentBurst: number;
}

export const DEFAULT_ICE_LIMITS: IceLimits = {
  localPaths: 32,
  remoteCandidates: 100,
  pairs: 100,
  earlyChecks: 16,
  requestsPerPair: 4,
  urgentBurst: 5,
};
