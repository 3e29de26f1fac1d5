import type { RandomSource } from "../primitives/random.js";
import { TRANSACTION_ID_BYTES } from "./constants.js";

/** RFC 8489 §5: uniform, so that an off-path attacker cannot guess it. */
export function newTransactionId(random: RandomSource): Uint8Array {
  return random.bytes(TRANSACTION_ID_BYTES);
}

/** A map key for the 12 bytes. */
export function transactionKey(id: Uint8Array): string {
  return String.fromCharCode(...id);
}
