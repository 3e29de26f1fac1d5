/** The forms with callbacks that five methods of RTCPeerConnection had before they returned promises (WebRTC 1.0 §4.4.3). */
import type { RTCSessionDescriptionInit } from "./rtc_session_description.js";

export type RTCSessionDescriptionCallback = (description: RTCSessionDescriptionInit) => void;
export type RTCPeerConnectionErrorCallback = (error: DOMException) => void;

interface Callbacks<T> {
  readonly success: (value: T) => void;
  readonly failure: RTCPeerConnectionErrorCallback;
}

/** What a method takes beside its own arguments, in the form with callbacks. */
export type LegacyArguments<T> = readonly [
  success?: (value: T) => void,
  failure?: RTCPeerConnectionErrorCallback,
];

/**
 * The callbacks of such a call; undefined: it is the form with a promise.
 *
 * @throws TypeError for one callback without the other, or what is no function (Web IDL §3.6: no overload takes that).
 */
export function callbacksOf<T>(given: readonly unknown[]): Callbacks<T> | undefined {
  if (given.length === 0) return undefined;
  const [success, failure] = given;
  if (typeof success !== "function" || typeof failure !== "function") {
    throw new TypeError("A success and a failure callback are functions, and go together");
  }
  return { success: success as (value: T) => void, failure: failure as RTCPeerConnectionErrorCallback };
}

/** Tells the outcome by the callbacks; the promise of such a call only says that it was taken. */
export function reportTo<T>(outcome: Promise<T>, { success, failure }: Callbacks<T>): Promise<void> {
  outcome.then(reporting(success), reporting(failure));
  return Promise.resolve();
}

/** What a callback throws is nobody's rejection: it is reported like any error that nothing caught (Web IDL §3.11). */
function reporting<T>(callback: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      callback(value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
