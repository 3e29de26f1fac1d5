import type { CandidatePair } from "./pair.js";
import type { IcePairStats } from "./types.js";

/** One pair as statistics show it. */
export function pairStats(pair: CandidatePair, selected: CandidatePair | undefined): IcePairStats {
  return {
    id: String(pair.id),
    local: pair.local,
    remote: pair.remote.candidate,
    state: pair.state,
    priority: pair.priority,
    nominated: pair.nominated,
    selected: pair === selected,
    rttUs: pair.rttUs,
    totalRttUs: pair.totalRttUs,
    requestsSent: pair.requestsSent,
    requestsReceived: pair.requestsReceived,
    responsesSent: pair.responsesSent,
    responsesReceived: pair.responsesReceived,
    consentRequestsSent: pair.consentRequestsSent,
  };
}
