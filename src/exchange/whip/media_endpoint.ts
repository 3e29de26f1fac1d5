/** WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) on the server's side: the two differ only in who sends. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RTCIceServer } from "../../webrtc/rtc_configuration.js";
import type { RTCPeerConnection } from "../../webrtc/rtc_peer_connection.js";
import { ConnectionLimit } from "../connection_limit.js";
import {
  type EndpointOptions,
  type EndpointServer,
  type EndpointServerOptions,
  MAX_BODY_BYTES,
  serveEndpoint,
} from "../endpoint.js";
import { ExchangeError } from "../exchange_error.js";
import {
  type HttpAnswer,
  HttpRefusal,
  pathOf,
  readBody,
  requireMediaType,
  requireMethod,
  respond,
} from "../http/answer.js";
import { type CorsPolicy, corsHeaders } from "../http/cors.js";
import type { RequestListener } from "../http/http_listener.js";
import { answerOffer } from "../offer_endpoint.js";
import { iceServerLinks } from "./ice_server_links.js";
import {
  FRAGMENT_TYPE,
  fragmentOf,
  parseFragment,
  restarted,
  type SdpFragment,
  writeFragment,
} from "./sdp_fragment.js";

export interface MediaEndpointOptions extends EndpointOptions {
  /** Path of the endpoint, "/whip" by default; sessions lie below it. */
  readonly path?: string;
  /**
   * Makes the connection of a session: with tracks to send for WHEP, without for WHIP, whose tracks come by `track` events. The offer is applied
   * afterwards. The connection is closed with its session, when its offer cannot be answered and when it fails.
   */
  connect(request: IncomingMessage): RTCPeerConnection | Promise<RTCPeerConnection>;
  /** Tokens that are let in (`Authorization: Bearer …`); without it everybody is. */
  readonly bearerTokens?: readonly string[];
  /** STUN and TURN servers to tell the clients of. */
  readonly iceServers?: readonly RTCIceServer[];
  /** Sessions at once; 16 by default. More are refused with 503. */
  readonly maxSessions?: number;
}

interface Session {
  readonly connection: RTCPeerConnection;
  /** The client's offer as it stands. */
  offer: string;
  /** Of the ICE session (RFC 9725 §4.3.1). */
  etag: string;
  /** Requests to one session take turns. */
  turn: Promise<unknown>;
}

/** Give its {@link handle} the requests of its path and below of any HTTP or HTTPS server. */
export class MediaEndpoint {
  readonly path: string;
  readonly #options: MediaEndpointOptions;
  readonly #cors: CorsPolicy;
  readonly #limit: ConnectionLimit;
  readonly #sessions = new Map<string, Session>();
  readonly #tokens: readonly Buffer[] | undefined;

  /** @throws ExchangeError BAD_OPTION */
  constructor(options: MediaEndpointOptions) {
    const { path = "/whip" } = options;
    if (!/^\/.*[^/]$/.test(path))
      throw new ExchangeError(
        "BAD_OPTION",
        `path is ${path}, needed: one that begins with / and does not end with it`,
      );
    this.path = path;
    this.#options = options;
    this.#limit = new ConnectionLimit("maxSessions", options.maxSessions ?? 16);
    this.#tokens = options.bearerTokens?.map(digest);
    this.#cors = {
      allowedOrigins: options.allowedOrigins ?? [],
      methods: ["POST", "PATCH", "DELETE"],
      requestHeaders: ["Authorization", "Content-Type", "If-Match"],
      exposedHeaders: ["ETag", "Link", "Location", "Accept-Patch"],
    };
  }

  /** Connections of sessions that are not over. */
  get connections(): readonly RTCPeerConnection[] {
    return this.#limit.open;
  }

  /** Whether a request is meant for this endpoint or one of its sessions. */
  owns(request: IncomingMessage): boolean {
    const path = pathOf(request);
    return path === this.path || path.startsWith(`${this.path}/`);
  }

  readonly handle: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    const headers: OutgoingHttpHeaders = corsHeaders(request, this.#cors);
    void respond(response, headers, () => this.#answer(request), this.#options.onError);
  };

  /** Ends every session. */
  close(): void {
    for (const { connection } of this.#sessions.values()) connection.close();
    this.#sessions.clear();
    for (const connection of this.#limit.open) connection.close();
  }

  #answer(request: IncomingMessage): HttpAnswer | Promise<HttpAnswer> {
    const id = pathOf(request).slice(this.path.length + 1);
    const methods = id === "" ? ["POST", "OPTIONS"] : ["PATCH", "DELETE", "OPTIONS"];
    requireMethod(request, methods);
    if (request.method === "OPTIONS") return this.#describe(id, methods);
    this.#requireToken(request);
    if (id === "") return this.#create(request);
    const session = this.#sessionOf(id);
    return request.method === "DELETE" ? this.#delete(id, session) : this.#patch(request, session);
  }

  #describe(id: string, methods: readonly string[]): HttpAnswer {
    const accept = id === "" ? { "Accept-Post": "application/sdp" } : { "Accept-Patch": FRAGMENT_TYPE };
    return { status: 204, headers: { Allow: methods.join(", "), ...accept } };
  }

  /** RFC 9725 §4.5, RFC 6750 §3. */
  #requireToken(request: IncomingMessage): void {
    if (this.#tokens === undefined) return;
    const [, token] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "") ?? [];
    if (token === undefined)
      throw new HttpRefusal(401, "A bearer token is needed", { "WWW-Authenticate": "Bearer" });
    const given = digest(token);
    // Every token is compared, and whole: the time tells nothing.
    const known = this.#tokens.filter((each) => timingSafeEqual(each, given)).length > 0;
    if (!known)
      throw new HttpRefusal(401, "The token is not known here", {
        "WWW-Authenticate": 'Bearer error="invalid_token"',
      });
  }

  #sessionOf(id: string): Session {
    const session = this.#sessions.get(id);
    if (session !== undefined && session.connection.signalingState !== "closed") return session;
    this.#sessions.delete(id);
    throw new HttpRefusal(404, "There is no such session, or it is over");
  }

  async #create(request: IncomingMessage): Promise<HttpAnswer> {
    requireMediaType(request, "application/sdp");
    const { connect, gathering, maxBodyBytes = MAX_BODY_BYTES, answered, iceServers = [] } = this.#options;
    const sdp = await readBody(request, maxBodyBytes);
    return this.#limit.hold(
      () => connect(request),
      async (connection) => {
        const { sdp: answer } = await answerOffer(connection, { type: "offer", sdp }, gathering);
        const id = randomBytes(16).toString("hex");
        const session = { connection, offer: sdp, etag: newTag(), turn: Promise.resolve() };
        this.#forgetClosed();
        this.#sessions.set(id, session);
        answered?.(connection, request);
        return {
          status: 201,
          headers: {
            "Content-Type": "application/sdp",
            "Accept-Patch": FRAGMENT_TYPE,
            ETag: session.etag,
            Location: `${this.path}/${id}`,
            ...(iceServers.length > 0 && { Link: iceServerLinks(iceServers) }),
          },
          body: answer ?? "",
        };
      },
    );
  }

  #forgetClosed(): void {
    for (const [id, { connection }] of this.#sessions)
      if (connection.signalingState === "closed") this.#sessions.delete(id);
  }

  #delete(id: string, { connection }: Session): HttpAnswer {
    connection.close();
    this.#sessions.delete(id);
    return { status: 200 };
  }

  async #patch(request: IncomingMessage, session: Session): Promise<HttpAnswer> {
    requireMediaType(request, FRAGMENT_TYPE);
    const match = request.headers["if-match"];
    const body = await readBody(request, this.#options.maxBodyBytes ?? MAX_BODY_BYTES);
    const fragment = parseFragment(body);
    const answer = session.turn.then(() => this.#apply(session, fragment, match));
    session.turn = answer.catch(() => undefined);
    return answer;
  }

  /** RFC 9725 §4.3.2: candidates name the ICE session they belong to; §4.3.3: other credentials begin a new one. */
  async #apply(session: Session, fragment: SdpFragment, match: string | undefined): Promise<HttpAnswer> {
    if (match === undefined) throw new HttpRefusal(428, "If-Match is needed: the ETag, or * to restart ICE");
    const current = fragmentOf(session.offer);
    const restarts = fragment.ufrag !== undefined && fragment.ufrag !== current.ufrag;
    const fits = match === session.etag || (restarts && match === "*");
    if (!fits) throw new HttpRefusal(412, "The ETag is not that of the ICE session");
    return restarts ? this.#restart(session, fragment) : this.#trickle(session, fragment, current.mid);
  }

  async #trickle({ connection }: Session, fragment: SdpFragment, mid: string): Promise<HttpAnswer> {
    for (const { candidate, mid: sdpMid = mid } of fragment.candidates) {
      // One that cannot be read or placed is passed over, as browsers do with their peers' odd ones.
      await connection.addIceCandidate({ candidate, sdpMid }).catch(() => undefined);
    }
    if (fragment.endOfCandidates)
      await connection.addIceCandidate({ candidate: "", sdpMid: mid }).catch(() => undefined);
    return { status: 204 };
  }

  async #restart(session: Session, fragment: SdpFragment): Promise<HttpAnswer> {
    const { connection } = session;
    const offer = restarted(session.offer, fragment);
    const { sdp = "" } = await answerOffer(
      connection,
      { type: "offer", sdp: offer },
      this.#options.gathering,
    );
    session.offer = offer;
    session.etag = newTag();
    const ours = fragmentOf(sdp);
    return {
      status: 200,
      headers: { "Content-Type": FRAGMENT_TYPE, ETag: session.etag },
      body: writeFragment(ours, ours.media, ours.mid),
    };
  }
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function newTag(): string {
  return `"${randomBytes(8).toString("hex")}"`;
}

export interface MediaServerOptions extends MediaEndpointOptions, EndpointServerOptions {}

export interface MediaServer extends EndpointServer<MediaEndpoint> {}

/**
 * A {@link MediaEndpoint} with a plain HTTP server of its own, on the loopback address unless told otherwise.
 *
 * @throws ExchangeError BAD_OPTION
 */
export async function serveMedia(options: MediaServerOptions): Promise<MediaServer> {
  const endpoint = new MediaEndpoint(options);
  return serveEndpoint(endpoint, endpoint.path, (request) => endpoint.owns(request), options);
}
