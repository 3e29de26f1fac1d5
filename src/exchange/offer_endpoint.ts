/** A minimal HTTP endpoint: POST an offer as JSON, get the answer. All candidates are in it (non-trickle ICE). */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import type { RTCSessionDescriptionInit } from "../webrtc/rtc_session_description.js";
import { ConnectionLimit } from "./connection_limit.js";
import { parseDescription } from "./description_text.js";
import {
  type EndpointOptions,
  type EndpointServer,
  type EndpointServerOptions,
  MAX_BODY_BYTES,
  serveEndpoint,
} from "./endpoint.js";
import { ExchangeError } from "./exchange_error.js";
import { type GatheringOptions, gatheringComplete } from "./gathering.js";
import {
  type HttpAnswer,
  HttpRefusal,
  pathOf,
  readBody,
  requireMediaType,
  requireMethod,
  respond,
} from "./http/answer.js";
import { type CorsPolicy, corsHeaders } from "./http/cors.js";
import type { RequestListener } from "./http/http_listener.js";

export interface OfferEndpointOptions extends EndpointOptions {
  /**
   * Makes the connection that answers an offer, with what it is to send; the offer is applied afterwards. The connection
   * is closed when its offer cannot be answered and when it fails.
   */
  connect(request: IncomingMessage): RTCPeerConnection | Promise<RTCPeerConnection>;
  /** Connections at once; 16 by default. More are refused with 503. */
  readonly maxConnections?: number;
}

/** Answers offers. Give its {@link handle} the requests of one path of any HTTP or HTTPS server. */
export class OfferEndpoint {
  readonly #options: OfferEndpointOptions;
  readonly #cors: CorsPolicy;
  readonly #limit: ConnectionLimit;

  constructor(options: OfferEndpointOptions) {
    this.#options = options;
    this.#limit = new ConnectionLimit("maxConnections", options.maxConnections ?? 16);
    this.#cors = {
      allowedOrigins: options.allowedOrigins ?? [],
      methods: ["POST"],
      requestHeaders: ["Content-Type"],
      exposedHeaders: [],
    };
  }

  /** The connections that were answered and are not over. */
  get connections(): readonly RTCPeerConnection[] {
    return this.#limit.open;
  }

  /** Answers one request, whatever its path. */
  readonly handle: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    const headers: OutgoingHttpHeaders = corsHeaders(request, this.#cors);
    void respond(response, headers, () => this.#answer(request), this.#options.onError);
  };

  /** Closes every connection. */
  close(): void {
    for (const connection of this.#limit.open) connection.close();
  }

  async #answer(request: IncomingMessage): Promise<HttpAnswer> {
    requireMethod(request, ["POST", "OPTIONS"]);
    if (request.method === "OPTIONS") return { status: 204, headers: { Allow: "POST, OPTIONS" } };
    // A page elsewhere can send this type only with the browser's preflight, which is refused unless allowed.
    requireMediaType(request, "application/json");
    const offer = readOffer(await readBody(request, this.#options.maxBodyBytes ?? MAX_BODY_BYTES));
    const answer = await this.#limit.hold(
      () => this.#options.connect(request),
      async (connection) => {
        const description = await answerOffer(connection, offer, this.#options.gathering);
        this.#options.answered?.(connection, request);
        return description;
      },
    );
    return {
      status: 200,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(answer),
    };
  }
}

function readOffer(body: string): RTCSessionDescriptionInit {
  let description: RTCSessionDescriptionInit;
  try {
    description = parseDescription(body);
  } catch (error) {
    throw new HttpRefusal(400, (error as Error).message);
  }
  if (description.type === "offer") return description;
  throw new HttpRefusal(400, `The description is of type ${description.type}, needed: offer`);
}

/**
 * Applies an offer to a fresh connection and resolves to the answer, with all candidates.
 *
 * @throws HttpRefusal 400 when the offer cannot be applied, 504 when gathering takes too long
 */
export async function answerOffer(
  connection: RTCPeerConnection,
  offer: RTCSessionDescriptionInit,
  gathering: GatheringOptions | undefined,
): Promise<RTCSessionDescriptionInit> {
  try {
    await connection.setRemoteDescription(offer);
  } catch (error) {
    throw new HttpRefusal(400, `The offer cannot be taken: ${(error as Error).message}`);
  }
  await connection.setLocalDescription();
  try {
    await gatheringComplete(connection, gathering);
  } catch (error) {
    throw new HttpRefusal(504, (error as Error).message);
  }
  const { localDescription } = connection;
  if (localDescription === null)
    throw new ExchangeError("CLOSED", "The connection was closed before its answer");
  return localDescription;
}

export interface OfferServerOptions extends OfferEndpointOptions, EndpointServerOptions {
  /** "/offer" by default. */
  readonly path?: string;
}

export interface OfferServer extends EndpointServer<OfferEndpoint> {}

/**
 * An {@link OfferEndpoint} with a plain HTTP server of its own, on the loopback address unless told otherwise.
 *
 * @throws ExchangeError BAD_OPTION
 */
export async function serveOffers(options: OfferServerOptions): Promise<OfferServer> {
  const { path = "/offer" } = options;
  if (!path.startsWith("/"))
    throw new ExchangeError("BAD_OPTION", `path is ${path}, needed: one that begins with /`);
  const endpoint = new OfferEndpoint(options);
  return serveEndpoint(endpoint, path, (request) => pathOf(request) === path, options);
}
