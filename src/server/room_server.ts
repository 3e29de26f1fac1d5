/** The signaling server as a whole: users file, certificate, the TLS door and the plain loopback door. */
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { type CertificateMaker, loadOrCreateCertificate } from "./certificate.js";
import { ServerError } from "./errors.js";
import { HttpDoor } from "./http_door.js";
import { DEFAULT_LIMITS, type Limits } from "./limits.js";
import { serveLines } from "./line_transport.js";
import { listen, withFreePort } from "./listen.js";
import { type Logger, silentLogger } from "./logger.js";
import type { ScryptCost } from "./password.js";
import { SignalingService } from "./signaling_service.js";
import { StaticSite } from "./static_site.js";
import { createTlsDoor } from "./tls_door.js";
import { UsersFile } from "./users_file.js";

export interface RoomServerOptions {
  /** Address the TLS port binds; "0.0.0.0" by default. */
  readonly host?: string;
  /** TLS port; 8443 by default, 0: any. */
  readonly port?: number;
  /** Plain HTTP on 127.0.0.1 and ::1; 8080 by default, 0: any, false: none. */
  readonly httpPort?: number | false;
  /** Takes the next free port instead of a taken one, for both ports. */
  readonly takeNextFreePort?: boolean;
  readonly usersFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Most users logged in at once; 100 by default. */
  readonly maxClients?: number;
  /** Whether REGISTER is allowed; true by default. */
  readonly registration?: boolean;
  /** Folder of the built web client; dist/web by default. */
  readonly webRoot?: string;
  readonly logger?: Logger;
  readonly limits?: Partial<Limits>;
  readonly scryptCost?: ScryptCost;
  readonly makeCertificate?: CertificateMaker;
}

export interface RoomServerAddress {
  readonly host: string;
  readonly port: number;
  /** Null when there is no plain HTTP. */
  readonly httpPort: number | null;
}

export interface RoomServer {
  address(): RoomServerAddress;
  /** Of the certificate: SHA-256, upper-case hex pairs joined by colons. */
  readonly fingerprint: string;
  /** Whether this start made the certificate. */
  readonly certificateCreated: boolean;
  /** Users logged in and calls under way. */
  counts(): { readonly connections: number; readonly users: number; readonly calls: number };
  /** Tells every client, closes every connection and port; resolves when all are closed. Safe to call twice. */
  close(): Promise<void>;
}

const DEFAULT_WEB_ROOT = fileURLToPath(new URL("../../web", import.meta.url));

function checkPort(name: string, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new ServerError("BAD_OPTION", `${name} is ${port}, expected 0 to 65535`);
  }
}

function checkOptions(options: RoomServerOptions): void {
  checkPort("port", options.port ?? 0);
  if (options.httpPort !== undefined && options.httpPort !== false) checkPort("httpPort", options.httpPort);
  const { maxClients } = options;
  if (maxClients !== undefined && (!Number.isInteger(maxClients) || maxClients < 1)) {
    throw new ServerError("BAD_OPTION", `maxClients is ${maxClients}, expected a whole number above 0`);
  }
}

/** Closes servers and resolves when their last connections are gone; those left after `lingerMs` are cut. */
class OpenServers {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  add(...servers: Server[]): void {
    for (const server of servers) {
      this.#servers.push(server);
      server.on("connection", (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
      });
    }
  }

  async close(lingerMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, lingerMs);
    await Promise.all(this.#servers.map(closed));
    clearTimeout(timer);
  }
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** A listener for the plain door; half-open sockets end as HTTP expects. */
function plainListener(door: HttpDoor): Server {
  return createTcpServer({ allowHalfOpen: true, noDelay: true }, (socket) => door.accept(socket));
}

/**
 * Both loopback addresses on one port: a browser that is sent to "localhost" may try either. Where there is no IPv6,
 * IPv4 alone; where the port is taken on one of them, it counts as taken.
 */
async function listenOnLoopback(door: HttpDoor, port: number): Promise<{ port: number; servers: Server[] }> {
  const four = plainListener(door);
  const six = plainListener(door);
  const actual = await listen(four, "127.0.0.1", port);
  try {
    await listen(six, "::1", actual);
  } catch (error) {
    if (error instanceof ServerError && error.code === "ADDRESS_NOT_AVAILABLE")
      return { port: actual, servers: [four] };
    await closed(four);
    throw error;
  }
  return { port: actual, servers: [four, six] };
}

/** Starts a server. Throws {@link ServerError} with nothing left open. */
export async function createServer(options: RoomServerOptions): Promise<RoomServer> {
  checkOptions(options);
  const logger = options.logger ?? silentLogger;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const host = options.host ?? "0.0.0.0";
  const users = await UsersFile.open(options.usersFile, options.scryptCost);
  const certificate = await loadOrCreateCertificate(options, host, logger, options.makeCertificate);
  const site = await StaticSite.load(options.webRoot ?? DEFAULT_WEB_ROOT);
  const service = new SignalingService({
    users,
    maxClients: options.maxClients ?? 100,
    registration: options.registration ?? true,
    limits,
    logger,
  });
  const door = new HttpDoor(site, service);
  const next = options.takeNextFreePort ?? false;
  const makeTlsDoor = (): Server =>
    createTlsDoor({
      ...certificate,
      limits,
      maxSockets: 4 * service.maxConnections,
      onHttp: (socket) => door.accept(socket),
      onLines: (socket) => serveLines(socket, service),
      onRefused: (why, from) => logger.debug({ why, from }, "TLS connection refused"),
    });
  const servers = new OpenServers();
  const address = await openDoors();
  logger.info(
    { ...address, fingerprint: certificate.fingerprint, maxClients: options.maxClients ?? 100 },
    "server listening",
  );

  async function openDoors(): Promise<RoomServerAddress> {
    const port = await withFreePort(options.port ?? 8443, next, async (wanted) => {
      const server = makeTlsDoor();
      const actual = await listen(server, host, wanted);
      servers.add(server);
      return actual;
    });
    if (options.httpPort === false) return { host, port, httpPort: null };
    try {
      const plain = await withFreePort(options.httpPort ?? 8080, next, (wanted) =>
        listenOnLoopback(door, wanted),
      );
      servers.add(...plain.servers);
      return { host, port, httpPort: plain.port };
    } catch (error) {
      await servers.close(0);
      throw error;
    }
  }

  let closing: Promise<void> | undefined;
  async function shutDown(): Promise<void> {
    const done = servers.close(limits.lingerMs);
    service.close();
    door.close();
    await done;
    await users.flushed();
    logger.info({}, "server closed");
  }
  return {
    address: () => address,
    fingerprint: certificate.fingerprint,
    certificateCreated: certificate.created,
    counts: () => ({
      connections: service.connectionCount,
      users: service.state.loggedInCount,
      calls: service.state.callCount,
    }),
    close: () => {
      closing ??= shutDown();
      return closing;
    },
  };
}
