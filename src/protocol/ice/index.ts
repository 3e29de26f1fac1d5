/** ICE (RFC 8445, 8838, 7675, 8421, 8839, 8863): finding and keeping a path to the peer. */
export { IceAgent } from "./agent.js";
export {
  candidateAddress,
  formatCandidate,
  type IceCandidate,
  type IceCandidateType,
  type IceTcpType,
  parseCandidate,
} from "./candidate.js";
export { IceError, type IceErrorCode } from "./errors.js";
export type { IceGatheringState } from "./gatherer.js";
export type { IceCredentials } from "./generation.js";
export { isRelaySocket } from "./local_candidates.js";
export type { IceRole, PairState } from "./pair.js";
export { candidatePriority, localPreference, pairPriority, TYPE_PREFERENCE } from "./priority.js";
export { isStreamSocket } from "./streams.js";
export { DEFAULT_ICE_LIMITS, DEFAULT_ICE_TIMERS, type IceLimits, type IceTimers } from "./timers.js";
export type { IceTurnOptions, IceTurnServer } from "./turn_options.js";
export type {
  IceAgentOptions,
  IceCounters,
  IceOutput,
  IcePairCounters,
  IcePairStats,
  IceSelectedPair,
  IceState,
  IceStats,
  IgnoredReason,
  LocalHostOptions,
} from "./types.js";
