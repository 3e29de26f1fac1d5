import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ExchangeError } from "../exchange_error.js";
import { HttpRefusal, respond } from "./answer.js";
import { namesLoopback } from "./loopback_host.js";

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

export interface ListenOptions {
  /** Address to bind; "127.0.0.1" by default, so that nobody outside this machine gets in. */
  readonly host?: string;
  /** 0, the default: any free one. */
  readonly port?: number;
}

export interface HttpListener {
  /** `http://HOST:PORT`, without a slash at its end. */
  readonly origin: string;
  readonly port: number;
  /** Ends connections too. */
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 16_384;
/** A request must be complete by then. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_SOCKETS = 256;
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/;

/**
 * A plain HTTP server with limits on sockets, headers and time. On a loopback address it answers only requests that name
 * one (421 otherwise).
 *
 * @throws ExchangeError BAD_OPTION when it cannot listen there
 */
export async function listenHttp(
  handler: RequestListener,
  { host = "127.0.0.1", port = 0 }: ListenOptions = {},
): Promise<HttpListener> {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: 1000,
  });
  server.maxConnections = MAX_SOCKETS;
  const guarded = LOOPBACK.test(host);
  server.on("request", (request, response) => {
    if (!guarded || namesLoopback(request)) handler(request, response);
    else
      void respond(response, {}, () => Promise.reject(new HttpRefusal(421, "Only localhost is served here")));
  });
  const bound = await bind(server, host, port);
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    origin: `http://${name}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new ExchangeError("BAD_OPTION", `Cannot listen on ${host} port ${port}: ${cause.message}`, { cause }),
      ),
    );
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}
