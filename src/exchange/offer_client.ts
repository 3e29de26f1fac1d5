import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import { parseDescription } from "./description_text.js";
import { ExchangeError } from "./exchange_error.js";
import { type GatheringOptions, gatheringComplete } from "./gathering.js";
import { type FetchLike, request } from "./http/client.js";

export interface SendOfferOptions {
  readonly gathering?: GatheringOptions;
  /** How long the answer may take; 10000 by default. */
  readonly timeoutMs?: number;
  /** In place of the global fetch. */
  readonly fetch?: FetchLike;
}

/** Largest answer that is read. */
const MAX_ANSWER_BYTES = 262_144;

/**
 * Offers what the connection has to send and receive to an offer endpoint, with all candidates, and applies its answer.
 *
 * @throws ExchangeError UNREACHABLE, REFUSED, BAD_RESPONSE, GATHERING_TIMEOUT, CLOSED; what the descriptions throw
 */
export async function sendOffer(
  connection: RTCPeerConnection,
  url: string | URL,
  options: SendOfferOptions = {},
): Promise<void> {
  await connection.setLocalDescription();
  await gatheringComplete(connection, options.gathering);
  const { body } = await request(
    url,
    {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(connection.localDescription),
    },
    { ...options, maxBytes: MAX_ANSWER_BYTES },
  );
  await connection.setRemoteDescription(readAnswer(body));
}

function readAnswer(body: string) {
  try {
    return parseDescription(body);
  } catch (cause) {
    throw new ExchangeError("BAD_RESPONSE", `The endpoint did not answer with a description`, { cause });
  }
}
