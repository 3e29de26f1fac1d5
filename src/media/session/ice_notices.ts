import { formatCandidate, type IceCandidate, type IceSelectedPair } from "../../protocol/ice/index.js";
import type { LocalCandidate, SelectedPair } from "../transport_api.js";

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
