/**
 * HTTP with the web client and the WebSocket at /ws, for sockets from either door: TLS, or plain on the loopback
 * address. Guards against slow requests, foreign origins and DNS rebinding.
 */
import { createServer, type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import { pathOf } from "../exchange/http/answer.js";
import { namesLoopback } from "../exchange/http/loopback_host.js";
import type { SignalingService } from "./signaling_service.js";
import { refuse, type StaticSite } from "./static_site.js";
import { serveWebSocket } from "./websocket_transport.js";

export const WEBSOCKET_PATH = "/ws";
/** Above the 64 KiB of a message for what JSON adds; the message's own limit is checked after decoding. */
const MAX_FRAME_BYTES = 131_072;
const MAX_HEADER_BYTES = 16_384;

const isSecure = (request: IncomingMessage): boolean => request.socket instanceof TLSSocket;

/** The plain door serves names of this machine alone. */
const hostAllowed = (request: IncomingMessage): boolean => isSecure(request) || namesLoopback(request);

/** A browser says which page opens a WebSocket (RFC 6455 §10.2): it must be ours. Other clients send no Origin. */
export function originAllowed(
  origin: string | undefined,
  host: string | undefined,
  secure: boolean,
): boolean {
  if (origin === undefined) return true;
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  return url.protocol === (secure ? "https:" : "http:") && url.host === host.toLowerCase();
}

function refuseUpgrade(socket: Duplex, status: number): void {
  const text = STATUS_CODES[status] ?? "";
  socket.on("error", () => {});
  socket.end(`HTTP/1.1 ${status} ${text}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Destroys a socket whose next request is not complete in time, counted from its start or its last response. */
class RequestDeadlines {
  readonly #timers = new Map<Duplex, NodeJS.Timeout>();

  constructor(private readonly requestMs: number) {}

  start(socket: Duplex): void {
    this.stop(socket);
    if (socket.destroyed) return;
    this.#timers.set(
      socket,
      setTimeout(() => socket.destroy(), this.requestMs),
    );
  }

  stop(socket: Duplex): void {
    clearTimeout(this.#timers.get(socket));
    this.#timers.delete(socket);
  }
}

export class HttpDoor {
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #deadlines: RequestDeadlines;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });

  constructor(
    private readonly site: StaticSite,
    private readonly service: SignalingService,
  ) {
    this.#deadlines = new RequestDeadlines(service.limits.requestMs);
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      keepAliveTimeout: service.limits.requestMs,
    });
    this.#server.on("connection", (socket) => this.#track(socket));
    this.#server.on("request", (request, response) => {
      this.#deadlines.stop(request.socket);
      response.once("close", () => this.#deadlines.start(request.socket));
      request.resume();
      if (hostAllowed(request)) this.site.handle(request, response);
      else refuse(response, 421, "this address serves localhost only");
    });
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("clientError", (_error, socket) => refuseUpgrade(socket, 400));
  }

  /** Serves HTTP on a socket that another listener accepted. */
  accept(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  /** Ends idle connections at once, those under way when they are done; WebSockets belong to the service. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #track(socket: Duplex): void {
    if (this.#sockets.size >= 2 * this.service.maxConnections) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#deadlines.start(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#deadlines.stop(socket);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (pathOf(request) !== WEBSOCKET_PATH) {
      refuseUpgrade(socket, 404);
      return;
    }
    const { origin, host } = request.headers;
    if (!hostAllowed(request) || !originAllowed(origin, host, isSecure(request))) {
      this.service.logger.warn({ origin, host }, "WebSocket from a foreign page refused");
      refuseUpgrade(socket, 403);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#deadlines.stop(socket);
      this.#sockets.delete(socket);
      serveWebSocket(webSocket, request.socket.remoteAddress ?? "", this.service);
    });
  }
}
