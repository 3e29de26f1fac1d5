/** Directions of a section (RFC 8866 §6.7) as the pair they are: do we send, do we receive. */
import type { SdpDirection } from "./sdp_model.js";

export function sends(direction: SdpDirection): boolean {
  return direction === "sendrecv" || direction === "sendonly";
}

export function receives(direction: SdpDirection): boolean {
  return direction === "sendrecv" || direction === "recvonly";
}

export function directionFrom(send: boolean, receive: boolean): SdpDirection {
  if (send) return receive ? "sendrecv" : "sendonly";
  return receive ? "recvonly" : "inactive";
}

/** The same direction seen from the other side. */
export function reverseDirection(direction: SdpDirection): SdpDirection {
  return directionFrom(receives(direction), sends(direction));
}

/** What the answer may say: what we want and the offer permits (RFC 8829 §5.3.1, RFC 3264 §6.1). */
export function answerDirection(wanted: SdpDirection, offered: SdpDirection): SdpDirection {
  return directionFrom(sends(wanted) && receives(offered), receives(wanted) && sends(offered));
}
