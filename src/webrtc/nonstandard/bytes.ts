/** A view of the bytes of what a program hands over; a TypeError names what came instead. */
export function bytesOf(what: string, value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  throw new TypeError(`${what} is no ArrayBuffer and no view of one`);
}

/** Web IDL: an integer from 1 to `max`. */
export function sizeOf(what: string, value: unknown, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new TypeError(`${what} is ${String(value)}, an integer from 1 to ${max} is needed`);
}

export function checkLength(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.byteLength === expected) return;
  throw new TypeError(`${what} has a byteLength of ${bytes.byteLength}, not ${expected}`);
}
