/** What the endpoints that answer offers have in common, whatever they speak over HTTP. */
import type { IncomingMessage } from "node:http";
import type { RTCPeerConnection } from "../webrtc/rtc_peer_connection.js";
import type { GatheringOptions } from "./gathering.js";
import { HttpRefusal, respond } from "./http/answer.js";
import {
  type HttpListener,
  type ListenOptions,
  listenHttp,
  type RequestListener,
} from "./http/http_listener.js";

/** Largest body that is read where no option says otherwise. */
export const MAX_BODY_BYTES = 262_144;

export interface EndpointOptions {
  /** The connection is answered; it connects from now on. */
  answered?(connection: RTCPeerConnection, request: IncomingMessage): void;
  /** Largest body of a request; 262144 by default. */
  readonly maxBodyBytes?: number;
  /** Origins of foreign pages that may use the endpoint, "*" for all; none by default. */
  readonly allowedOrigins?: readonly string[];
  readonly gathering?: GatheringOptions;
  /** Hears of errors in `connect`, which the client learns as 500. */
  onError?(error: unknown): void;
}

export interface EndpointServerOptions extends ListenOptions {
  /** Takes requests to other paths, such as for a page; without it they are answered with 404. */
  readonly otherwise?: RequestListener;
}

interface Endpoint {
  readonly handle: RequestListener;
  close(): void;
}

export interface EndpointServer<E> extends HttpListener {
  /** Where to POST offers. */
  readonly url: string;
  readonly endpoint: E;
}

/**
 * Gives an endpoint a plain HTTP server of its own.
 *
 * @param owns whether a request is for the endpoint
 * @throws ExchangeError BAD_OPTION when it cannot listen
 */
export async function serveEndpoint<E extends Endpoint>(
  endpoint: E,
  path: string,
  owns: (request: IncomingMessage) => boolean,
  { otherwise = notFound, ...options }: EndpointServerOptions,
): Promise<EndpointServer<E>> {
  const listener = await listenHttp((request, response) => {
    const handler = owns(request) ? endpoint.handle : otherwise;
    handler(request, response);
  }, options);
  const close = () => {
    endpoint.close();
    return listener.close();
  };
  return { ...listener, url: listener.origin + path, endpoint, close };
}

const notFound: RequestListener = (_, response) => {
  void respond(response, {}, () => Promise.reject(new HttpRefusal(404, "Nothing is here")));
};
