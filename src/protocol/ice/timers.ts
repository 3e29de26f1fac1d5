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
  /** A connection to a TURN server or a TCP candidate that is not made in this time has failed; a check over it as well. */
  readonly streamTimeoutUs: number;
  /** How long somebody who connected to a passive candidate may take to show that it is the peer. */
  readonly proveStreamUs: number;
  /** How long we, controlling, wait for a UDP pair after the first valid one over TCP: for a second try of a lost check. */
  readonly streamGraceUs: number;
  /** How long the peer may take to come back when the path in use broke and no pair is left. */
  readonly reconnectUs: number;
  /** How long the pairs that are left may take. */
  readonly recoveryUs: number;
  /** Silence after media, or silence to a consent check, after which the selected pair is asked with repetitions. */
  readonly quietUs: number;
  /** Silence to those, after which the other pairs are tried. */
  readonly doubtUs: number;
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
  streamTimeoutUs: 8_000_000,
  proveStreamUs: 10_000_000,
  streamGraceUs: 700_000,
  reconnectUs: 3_000_000,
  recoveryUs: 15_000_000,
  quietUs: 2_000_000,
  doubtUs: 1_500_000,
  patienceUs: 39_500_000,
};

/** Bounds that a hostile description or peer cannot exceed. */
export interface IceLimits {
  readonly localPaths: number;
  readonly remoteCandidates: number;
  /** TCP connections with the peer, made or still to be made. */
  readonly streams: number;
  /** Accepted ones that have not shown yet that they are the peer's. */
  readonly unprovenStreams: number;
  /** What one of those may send until then. */
  readonly unprovenStreamBytes: number;
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
  streams: 32,
  unprovenStreams: 8,
  unprovenStreamBytes: 16_384,
  pairs: 100,
  earlyChecks: 16,
  requestsPerPair: 4,
  urgentBurst: 5,
};
