/** The DOMException names the W3C specification throws. */
export type DomErrorName =
  | "AbortError"
  | "InvalidAccessError"
  | "InvalidCharacterError"
  | "InvalidModificationError"
  | "InvalidStateError"
  | "NotAllowedError"
  | "NotFoundError"
  | "NotReadableError"
  | "NotSupportedError"
  | "OperationError"
  | "OverconstrainedError"
  | "SyntaxError"
  | "TypeError"
  | "UnknownError";

export function domError(name: DomErrorName, message: string): DOMException {
  return new DOMException(message, name);
}

/** What a W3C enumeration that has no such value throws (Web IDL §3.2.18). */
export function enumError(type: string, value: unknown): TypeError {
  return new TypeError(`${JSON.stringify(value)} is not a valid value of ${type}`);
}

/** Checks a value against the list of an enumeration. */
export function checkEnum<T extends string>(type: string, allowed: readonly T[], value: unknown): T {
  const found = allowed.find((name) => name === value);
  if (found === undefined) throw enumError(type, value);
  return found;
}
