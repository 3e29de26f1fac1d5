import { errorCodeAttribute, type StunAttribute } from "../stun/index.js";

/** Why a request is not done. */
export interface Refusal {
  readonly code: number;
  /** What goes with the code: a challenge, unknown attributes. */
  readonly attributes?: readonly StunAttribute[];
}

export function isRefusal(result: object): result is Refusal {
  return "code" in result;
}

/** For people who read captures; the unproven get the bare number, which is smaller. */
const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  420: "Unknown Attribute",
  437: "Allocation Mismatch",
  440: "Address Family not Supported",
  441: "Wrong Credentials",
  442: "Unsupported Transport Protocol",
  443: "Peer Address Family Mismatch",
  486: "Allocation Quota Reached",
  508: "Insufficient Capacity",
};

export function refusalAttributes(refusal: Refusal, proven: boolean): StunAttribute[] {
  const reason = proven ? (REASONS[refusal.code] ?? "") : "";
  return [errorCodeAttribute(refusal.code, reason), ...(refusal.attributes ?? [])];
}
