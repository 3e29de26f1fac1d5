import { CodedError } from "../../protocol/primitives/coded_error.js";

/** A shared-memory block that is not what its reader expects. */
export class RingError extends CodedError<"RING_LAYOUT" | "RING_ARGUMENT"> {
  override readonly name = "RingError";
}
