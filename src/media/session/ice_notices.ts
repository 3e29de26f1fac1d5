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
    // The agent gives every candidate of its own one.
    usernameFragment: candidate.usernameFragment ?? "",
  };
}

/** The pair in use as the API shows it. */
export function selectedPair(pair: IceSelectedPair): SelectedPair {
  return { local: formatCandidate(pair.local), remote: formatCandidate(pair.remote), rttUs: pair.rttUs };
}

/** A server's failure as the API shows it. */
export function candidateError(output: Extract<IceOutput, { type: "candidateerror" }>): CandidateError {
  const { server, asker, code, reason, url } = output;
  const { address, port } = server;
  return { asker, server: { address, port }, code, reason, ...(url !== undefined && { url }) };
}
