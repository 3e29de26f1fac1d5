import { CodedError } from "../primitives/coded_error.js";

/** Stable codes of what the ICE room throws. */
export type IceErrorCode =
  | "ERR_ICE_CANDIDATE_SYNTAX"
  | "ERR_ICE_CANDIDATE_VALUE"
  | "ERR_ICE_CREDENTIALS"
  | "ERR_ICE_ADDRESS"
  | "ERR_ICE_CLOSED";

/** A mistake of the caller or a candidate line that is none. What the network sends is counted, never thrown. */
export class IceError extends CodedError<IceErrorCode> {
  override readonly name = "IceError";
}
