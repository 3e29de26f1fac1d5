/** Connections to the TURN server, over TCP and TLS (RFC 8489 §6.2.2, §6.2.3). */
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { makeTransportAddress } from "../protocol/primitives/address.js";
import { LAST_OLD_CHANNEL, TurnStreamFramer } from "../protocol/turn/index.js";
import type { ClientFlow } from "../protocol/turn_server/index.js";

/** Relayed data beyond this is lost: late media is worth nothing, and somebody who does not read must cost nothing. */
const MAX_DATA_QUEUE_BYTES = 262_144;
/** With this much unread, even answers are too much. */
const MAX_QUEUE_BYTES = 1_048_576;
/** RFC 7443. */
const ALPN = ["stun.turn", "stun.nat-discovery"];

export interface TlsFiles {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface StreamDoorOptions {
  /** Absent: TCP. */
  readonly tls?: TlsFiles;
  readonly maxConnections: number;
  readonly handshakeMs: number;
  /** A connection that has no allocation is looked at this often, and closed the second time. */
  readonly idleMs: number;
  nextDoor(): number;
  hasAllocation(flow: ClientFlow): boolean;
  onFrame(flow: ClientFlow, frame: Uint8Array): void;
  onClose(flow: ClientFlow): void;
}

interface Connection {
  readonly flow: ClientFlow;
  readonly socket: Socket;
  idle: boolean;
}

/** One listener and its connections. */
export class StreamDoor {
  readonly server: Server;
  readonly #o: StreamDoorOptions;
  readonly #connections = new Map<number, Connection>();
  readonly #watch: NodeJS.Timeout;
  /** Relayed datagrams that a full connection lost. */
  lost = 0;

  constructor(options: StreamDoorOptions) {
    this.#o = options;
    this.server = options.tls ? this.#tlsServer(options.tls) : createTcpServer();
    this.server.maxConnections = options.maxConnections;
    this.server.on(options.tls ? "secureConnection" : "connection", (socket: Socket) => this.#accept(socket));
    this.#watch = setInterval(() => this.#closeIdle(), options.idleMs);
    this.#watch.unref();
  }

  #tlsServer({ certificatePem: cert, privateKeyPem: key }: TlsFiles): Server {
    const server = createTlsServer({
      cert,
      key,
      minVersion: "TLSv1.2",
      ALPNProtocols: ALPN,
      handshakeTimeout: this.#o.handshakeMs,
    });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  #accept(socket: Socket): void {
    socket.on("error", () => {});
    const remote = makeTransportAddress(socket.remoteAddress ?? "", socket.remotePort ?? 0);
    if (!remote) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    const flow: ClientFlow = { door: this.#o.nextDoor(), transport: this.#o.tls ? "tls" : "tcp", remote };
    this.#connections.set(flow.door, { flow, socket, idle: false });
    const framer = new TurnStreamFramer(LAST_OLD_CHANNEL);
    socket.on("data", (bytes) => {
      for (const frame of framer.push(bytes)) this.#o.onFrame(flow, frame);
      if (framer.broken) socket.destroy();
    });
    socket.once("close", () => {
      this.#connections.delete(flow.door);
      this.#o.onClose(flow);
    });
  }

  #closeIdle(): void {
    for (const connection of this.#connections.values()) {
      if (this.#o.hasAllocation(connection.flow)) connection.idle = false;
      else if (connection.idle) connection.socket.destroy();
      else connection.idle = true;
    }
  }

  /** @returns whether the connection is one of this door's. */
  send(flow: ClientFlow, data: Uint8Array, droppable: boolean): boolean {
    const socket = this.#connections.get(flow.door)?.socket;
    if (!socket) return false;
    if (droppable && socket.writableLength > MAX_DATA_QUEUE_BYTES) this.lost++;
    else if (socket.writableLength > MAX_QUEUE_BYTES) socket.destroy();
    else socket.write(data);
    return true;
  }

  /** Lets what was written last go out, then cuts what is still open. */
  async close(lingerMs: number): Promise<void> {
    clearInterval(this.#watch);
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const { socket } of this.#connections.values()) socket.end();
    const cut = setTimeout(() => {
      for (const { socket } of this.#connections.values()) socket.destroy();
    }, lingerMs);
    await closed;
    clearTimeout(cut);
  }
}
