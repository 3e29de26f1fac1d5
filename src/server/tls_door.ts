/**
 * One TLS port for three protocols, told apart by the first bytes after the handshake: an HTTP method and a space is
 * HTTP (with the WebSocket inside), anything else the line protocol.
 */
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Limits } from "./limits.js";

const HTTP_METHODS = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "DELETE",
  "OPTIONS",
  "CONNECT",
  "TRACE",
  "PATCH",
]);
const LONGEST_METHOD = 7;

/** What the first bytes say; "more" when a longer beginning could still be either. */
export function recognizeProtocol(first: Uint8Array): "http" | "line" | "more" {
  let letters = "";
  for (const byte of first.subarray(0, LONGEST_METHOD + 1)) {
    if (byte < 0x41 || byte > 0x5a) return byte === 0x20 && HTTP_METHODS.has(letters) ? "http" : "line";
    letters += String.fromCharCode(byte);
  }
  return letters.length > LONGEST_METHOD ? "line" : "more";
}

export interface TlsDoorOptions {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly limits: Limits;
  readonly maxSockets: number;
  onHttp(socket: TLSSocket): void;
  onLines(socket: TLSSocket): void;
  onRefused(why: string, remoteAddress: string | undefined): void;
}

export interface TlsDoor {
  /** Not listening yet. */
  readonly server: Server;
  /** Drops the connections that have not said what they want. */
  dropWaiting(): void;
}

/** A TLS server that hands each connection on once its protocol is known. */
export function createTlsDoor(options: TlsDoorOptions): TlsDoor {
  const waiting = new Set<TLSSocket>();
  const server = createServer({
    cert: options.certificatePem,
    key: options.privateKeyPem,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: options.limits.handshakeMs,
  });
  server.maxConnections = options.maxSockets;
  server.on("secureConnection", (socket) => {
    // Handshakes under way end also after the server stopped listening.
    if (server.listening) awaitFirstBytes(socket, options, waiting);
    else socket.destroy();
  });
  server.on("tlsClientError", (error, socket) => {
    options.onRefused(error.message, socket.remoteAddress);
    socket.destroy();
  });
  return {
    server,
    dropWaiting: () => {
      for (const socket of waiting) socket.destroy();
    },
  };
}

function awaitFirstBytes(socket: TLSSocket, options: TlsDoorOptions, waiting: Set<TLSSocket>): void {
  let first: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => {
    options.onRefused("no bytes after the handshake", socket.remoteAddress);
    socket.destroy();
  }, options.limits.firstBytesMs);
  const stop = (): void => {
    clearTimeout(timer);
    waiting.delete(socket);
    socket.off("data", onData);
    socket.off("close", stop);
    socket.off("error", onError);
  };
  const onError = (error: Error): void => options.onRefused(error.message, socket.remoteAddress);
  const onData = (chunk: Buffer): void => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk]);
    const protocol = recognizeProtocol(first);
    if (protocol === "more") return;
    stop();
    socket.pause();
    if (protocol === "http") options.onHttp(socket);
    else options.onLines(socket);
    socket.unshift(first);
    process.nextTick(() => socket.resume());
  };
  waiting.add(socket);
  socket.on("data", onData);
  socket.on("close", stop);
  socket.on("error", onError);
}
