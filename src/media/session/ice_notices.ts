import {
  formatCandidate,
  type IceCandidate,
  type IceOutput,
  type IceSelectedPair,
} from "../../protocol/ice/index.js";
import type { CandidateError, LocalCandidate, SelectedPair } from "../transport_api.js";

/** A gathered candidate as the API shows it. */
export function localCandidate(candidate: IceCandidate): LocalCandidate {
  return {
    candidate: formatCandidate(candidate),
    address: candidate.address,
    port: candidate.port,
    type: candidate.type,
  };
}

/** The pair in use as the API shows it. */
export function selectedPair(pair: IceSelectedPair): SelectedPair {
  return { local: formatCandidate(pair.local), remote: formatCandidate(pair.remote), rttUs: pair.rttUs };
}

/** A server's failure as the API shows it. */
export function candidateError(output: Extract<IceOutput, { type: "candidateerror" }>): CandidateError {
  const { server, code, reason, url } = output;
  return { address: server.address, port: server.port, code, reason, ...(url !== undefined && { url }) };
}
