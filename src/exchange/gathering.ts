import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import { ExchangeError } from "./exchange_error.js";

export interface GatheringOptions {
  /** How long to wait; 10000 by default. Infinity: for ever. */
  readonly timeoutMs?: number;
  /** What happens then: reject (by default), or be content with the candidates found so far. */
  readonly atTimeout?: "reject" | "resolve";
}

/**
 * Resolves when the connection has gathered all its candidates, so that `localDescription` holds them (non-trickle ICE).
 * To be called after `setLocalDescription`; resolves at once when gathering is over.
 *
 * @throws ExchangeError GATHERING_TIMEOUT; CLOSED when the connection is closed, as far as its state tells
 */
export function gatheringComplete(
  connection: RTCPeerConnection,
  { timeoutMs = 10_000, atTimeout = "reject" }: GatheringOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      connection.removeEventListener("icegatheringstatechange", look);
      settle();
    };
    const look = () => {
      if (connection.signalingState === "closed") {
        end(() => reject(new ExchangeError("CLOSED", "The connection was closed while it gathered")));
      } else if (connection.iceGatheringState === "complete") end(resolve);
    };
    const timeUp = () => {
      // No event tells of close(): what is found out here is told here.
      if (connection.signalingState === "closed") look();
      else if (atTimeout === "resolve") end(resolve);
      else end(() => reject(timeoutError(timeoutMs)));
    };
    const timer = timeoutMs === Infinity ? undefined : setTimeout(timeUp, timeoutMs);
    connection.addEventListener("icegatheringstatechange", look);
    look();
  });
}

function timeoutError(timeoutMs: number): ExchangeError {
  return new ExchangeError("GATHERING_TIMEOUT", `Gathering did not end within ${timeoutMs} ms`);
}
