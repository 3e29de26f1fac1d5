/** WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) on the client's side. */
import type { RTCIceServer } from "../../webrtc/rtc_configuration.js";
import type { RTCPeerConnection } from "../../webrtc/rtc_peer_connection.js";
import { ExchangeError } from "../exchange_error.js";
import { type GatheringOptions, gatheringComplete } from "../gathering.js";
import { exchange, type FetchLike, type HttpResponse, refused } from "../http/client.js";
import { parseIceServerLinks } from "./ice_server_links.js";
import { FRAGMENT_TYPE, fragmentOf, parseFragment, restarted, writeFragment } from "./sdp_fragment.js";

export interface MediaSessionOptions {
  /** Sent as `Authorization: Bearer …`. */
  readonly bearerToken?: string;
  /**
   * Offer at once and send candidates as they are found; false by default: the offer waits for all of them, which every server takes.
   */
  readonly trickle?: boolean;
  readonly gathering?: GatheringOptions;
  /** How long each answer may take; 10000 by default. */
  readonly timeoutMs?: number;
  /** In place of the global fetch. */
  readonly fetch?: FetchLike;
}

const MAX_ANSWER_BYTES = 262_144;
const MAX_REDIRECTS = 3;

/**
 * Publishes what the connection has to send (WHIP). Its transceivers become send-only (RFC 9725 §4.2).
 *
 * @throws ExchangeError UNREACHABLE, REFUSED, BAD_RESPONSE, GATHERING_TIMEOUT, CLOSED; what the descriptions throw
 */
export function publishMedia(
  connection: RTCPeerConnection,
  url: string | URL,
  options: MediaSessionOptions = {},
): Promise<MediaSession> {
  for (const transceiver of connection.getTransceivers())
    if (transceiver.direction === "sendrecv") transceiver.direction = "sendonly";
  return MediaSession.open(connection, url, options);
}

/**
 * Plays what the endpoint has (WHEP): a connection without transceivers gets a receive-only one for picture and sound each. The tracks come by
 * `track` events.
 *
 * @throws as {@link publishMedia}
 */
export function playMedia(
  connection: RTCPeerConnection,
  url: string | URL,
  options: MediaSessionOptions = {},
): Promise<MediaSession> {
  if (connection.getTransceivers().length === 0)
    for (const kind of ["audio", "video"]) connection.addTransceiver(kind, { direction: "recvonly" });
  return MediaSession.open(connection, url, options);
}

/** A session at a WHIP or WHEP server. */
export class MediaSession {
  /** Of the session at the server. */
  readonly url: URL;
  /** The STUN and TURN servers that it named; for `setConfiguration` before a restart. */
  readonly iceServers: readonly RTCIceServer[];
  readonly #connection: RTCPeerConnection;
  readonly #options: MediaSessionOptions;
  #etag: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #stopTrickle: () => void = () => undefined;

  private constructor(
    connection: RTCPeerConnection,
    options: MediaSessionOptions,
    url: URL,
    headers: Headers,
  ) {
    this.#connection = connection;
    this.#options = options;
    this.url = url;
    this.#etag = headers.get("etag") ?? undefined;
    this.iceServers = parseIceServerLinks(headers.get("link"));
  }

  static async open(
    connection: RTCPeerConnection,
    url: string | URL,
    options: MediaSessionOptions,
  ): Promise<MediaSession> {
    await connection.setLocalDescription();
    if (options.trickle !== true) await gatheringComplete(connection, options.gathering);
    const { response, from } = await post(new URL(url), connection.localDescription?.sdp ?? "", options);
    const location = response.headers.get("location");
    if (response.status !== 201 || location === null)
      throw new ExchangeError(
        "BAD_RESPONSE",
        `The endpoint answered ${response.status}${location === null ? " without a Location" : ""}, needed: 201`,
      );
    const session = new MediaSession(connection, options, new URL(location, from), response.headers);
    try {
      await connection.setRemoteDescription({ type: "answer", sdp: response.body });
    } catch (error) {
      await session.close().catch(() => undefined);
      throw error;
    }
    if (options.trickle === true) session.#trickle();
    return session;
  }

  /**
   * Restarts ICE (RFC 9725 §4.3.3): new credentials and candidates both ways over the session as it is.
   *
   * @throws ExchangeError as {@link publishMedia}; REFUSED 405 or 501 where the server has no restarts
   */
  restartIce(): Promise<void> {
    return this.#inTurn(() => this.#restart());
  }

  /** Ends the session at the server and closes the connection, whatever the server says. */
  async close(): Promise<void> {
    this.#stopTrickle();
    try {
      const response = await this.#send("DELETE", {});
      // One that is gone already is what was asked for.
      if (response.status >= 400 && response.status !== 404) throw refused(response);
    } finally {
      this.#connection.close();
    }
  }

  #inTurn<T>(use: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(use);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #restart(): Promise<void> {
    const connection = this.#connection;
    const answer = connection.remoteDescription?.sdp ?? "";
    await connection.setLocalDescription(await connection.createOffer({ iceRestart: true }));
    await gatheringComplete(connection, this.#options.gathering);
    const ours = fragmentOf(connection.localDescription?.sdp ?? "");
    const response = await this.#patch(writeFragment(ours, ours.media, ours.mid), "*");
    if (response.status !== 200)
      throw new ExchangeError(
        "BAD_RESPONSE",
        `The server answered the restart with ${response.status}, needed: 200`,
      );
    this.#etag = response.headers.get("etag") ?? undefined;
    await connection.setRemoteDescription({
      type: "answer",
      sdp: restarted(answer, readFragment(response.body)),
    });
  }

  async #patch(body: string, match: string): Promise<HttpResponse> {
    const response = await this.#send("PATCH", { "Content-Type": FRAGMENT_TYPE, "If-Match": match }, body);
    if (response.status >= 400) throw refused(response);
    return response;
  }

  #send(method: string, headers: Record<string, string>, body?: string): Promise<HttpResponse> {
    const init = { method, headers: { ...authorization(this.#options), ...headers } };
    return exchange(this.url, body === undefined ? init : { ...init, body }, limits(this.#options));
  }

  /** Sends candidates in the order they are found; a server that takes none finds ours as peer-reflexive ones. */
  #trickle(): void {
    const connection = this.#connection;
    const sent = new Set<string>();
    const flush = () => {
      void this.#inTurn(() => this.#sendNew(sent)).catch(() => undefined);
    };
    connection.addEventListener("icecandidate", flush);
    this.#stopTrickle = () => connection.removeEventListener("icecandidate", flush);
    flush();
  }

  async #sendNew(sent: Set<string>): Promise<void> {
    const ours = fragmentOf(this.#connection.localDescription?.sdp ?? "");
    const found = ours.candidates.filter(({ candidate }) => !sent.has(candidate));
    if (this.#etag === undefined || (found.length === 0 && !ours.endOfCandidates)) return;
    for (const { candidate } of found) sent.add(candidate);
    if (ours.endOfCandidates) this.#stopTrickle();
    await this.#patch(writeFragment({ ...ours, candidates: found }, ours.media, ours.mid), this.#etag);
  }
}

function readFragment(body: string) {
  try {
    return parseFragment(body);
  } catch (cause) {
    throw new ExchangeError(
      "BAD_RESPONSE",
      `The server's fragment cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** RFC 9725 §4.4: redirects are followed; the token goes to no other origin. */
async function post(
  url: URL,
  sdp: string,
  options: MediaSessionOptions,
): Promise<{ response: HttpResponse; from: URL }> {
  let from = url;
  for (let hops = 0; ; hops++) {
    const login = from.origin === url.origin ? authorization(options) : {};
    const headers = { ...login, "Content-Type": "application/sdp" };
    const response = await exchange(from, { method: "POST", headers, body: sdp }, limits(options));
    const location = response.headers.get("location");
    if (response.status >= 400) throw refused(response);
    if (response.status < 300 || location === null) return { response, from };
    if (hops === MAX_REDIRECTS)
      throw new ExchangeError(
        "BAD_RESPONSE",
        `More than ${MAX_REDIRECTS} redirects, the last to ${location}`,
      );
    from = new URL(location, from);
  }
}

function authorization({ bearerToken }: MediaSessionOptions): Record<string, string> {
  return bearerToken === undefined ? {} : { Authorization: `Bearer ${bearerToken}` };
}

function limits(options: MediaSessionOptions) {
  const { timeoutMs, fetch } = options;
  return {
    maxBytes: MAX_ANSWER_BYTES,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(fetch !== undefined && { fetch }),
  };
}
