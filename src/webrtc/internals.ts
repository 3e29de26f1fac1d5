import { native } from "../../native/addon.js";
import type { RandomSource } from "../protocol/primitives/random.js";

/** Key of what the classes of this room know of each other and the application does not. */
export const internals: unique symbol = Symbol("internals");

/** Objects the application gets but does not make (Web IDL: "Illegal constructor"). */
export function checkConstructor(token: unknown): void {
  if (token !== internals) throw new TypeError("Illegal constructor");
}

/** A task of the event loop (HTML §8.1.7.1): tasks run in the order they were queued. */
export function queueTask(task: () => void): void {
  setImmediate(task);
}

/** Resolves in a task of its own. */
export function inTask(): Promise<void> {
  return new Promise((resolve) => queueTask(resolve));
}

/** The engine's monotonic microseconds as the W3C's milliseconds since 1970 (High Resolution Time §4.1). */
export function unixMs(monotonicUs: number): number {
  return performance.timeOrigin + performance.now() - (native.monotonicUs() - monotonicUs) / 1000;
}

const iceChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** `length` random ice-char (RFC 8839 §5.4): 6 bits each. */
export function randomIceText(random: RandomSource, length: number): string {
  return Array.from(random.bytes(length), (byte) => iceChars[byte & 63]).join("");
}
