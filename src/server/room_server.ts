/** The signaling server as a whole: users file, certificate, the TLS door and the plain loopback door. */
import { mkdir } from "node:fs/promises";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type CertificateMaker, loadOrCreateCertificate, type ServerCertificate } from "./certificate.js";
import { ServerError } from "./errors.js";
import { HttpDoor } from "./http_door.js";
import { DEFAULT_LIMITS, type Limits } from "./limits.js";
import { serveLines } from "./line_transport.js";
import { listen, withFreePort } from "./listen.js";
import { type Logger, silentLogger } from "./logger.js";
import type { ScryptCost } from "./password.js";
import { SignalingService } from "./signaling_service.js";
import { StaticSite } from "./static_site.js";
import { createTlsDoor, type TlsDoor } from "./tls_door.js";
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
  /** First name in a certificate that is made; "localhost" by default. */
  readonly serverName?: string;
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

/** What a server is made of, before it listens. */
interface Parts {
  readonly options: RoomServerOptions;
  readonly host: string;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly users: UsersFile;
  readonly certificate: ServerCertificate;
  readonly service: SignalingService;
  readonly http: HttpDoor;
}

/** A server that listens, or is about to. */
class ListeningServer implements RoomServer {
  readonly fingerprint: string;
  readonly certificateCreated: boolean;
  readonly #servers = new OpenServers();
  readonly #tlsDoor: TlsDoor;
  #address: RoomServerAddress;
  #closing: Promise<void> | undefined;

  constructor(private readonly parts: Parts) {
    const { certificate, service, http, limits, logger, host } = parts;
    this.fingerprint = certificate.fingerprint;
    this.certificateCreated = certificate.created;
    this.#address = { host, port: 0, httpPort: null };
    this.#tlsDoor = createTlsDoor({
      ...certificate,
      limits,
      maxSockets: 4 * service.maxConnections,
      onHttp: (socket) => http.accept(socket),
      onLines: (socket) => serveLines(socket, service),
      onRefused: (why, from) => logger.debug({ why, from }, "TLS connection refused"),
    });
  }

  /** Opens both doors, or neither. */
  async open(): Promise<void> {
    const { options, host, http } = this.parts;
    const next = options.takeNextFreePort ?? false;
    const { server } = this.#tlsDoor;
    const port = await withFreePort(options.port ?? 8443, next, (wanted) => listen(server, host, wanted));
    this.#servers.add(server);
    this.#address = { host, port, httpPort: null };
    if (options.httpPort === false) return;
    try {
      const plain = await withFreePort(options.httpPort ?? 8080, next, (wanted) =>
        listenOnLoopback(http, wanted),
      );
      this.#servers.add(...plain.servers);
      this.#address = { host, port, httpPort: plain.port };
    } catch (error) {
      await this.#servers.close(0);
      throw error;
    }
  }

  address(): RoomServerAddress {
    return this.#address;
  }

  counts(): ReturnType<RoomServer["counts"]> {
    const { service } = this.parts;
    return {
      connections: service.connectionCount,
      users: service.state.loggedInCount,
      calls: service.state.callCount,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    const { service, http, users, limits, logger } = this.parts;
    const closed = this.#servers.close(limits.lingerMs);
    service.close();
    http.close();
    this.#tlsDoor.dropWaiting();
    await closed;
    await users.flushed();
    logger.info({}, "server closed");
  }
}

/** Starts a server. Throws {@link ServerError} with nothing left open. */
export async function createServer(options: RoomServerOptions): Promise<RoomServer> {
  checkOptions(options);
  const { logger = silentLogger, host = "0.0.0.0", maxClients = 100, registration = true } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  await mkdir(dirname(options.usersFile), { recursive: true, mode: 0o700 });
  const users = await UsersFile.open(options.usersFile, options.scryptCost);
  const names = { host, serverName: options.serverName ?? "localhost" };
  const certificate = await loadOrCreateCertificate(options, names, logger, options.makeCertificate);
  const site = await StaticSite.load(options.webRoot ?? DEFAULT_WEB_ROOT);
  const service = new SignalingService({ users, maxClients, registration, limits, logger });
  const http = new HttpDoor(site, service);
  const server = new ListeningServer({ options, host, limits, logger, users, certificate, service, http });
  await server.open();
  const { fingerprint } = certificate;
  logger.info({ ...server.address(), fingerprint, maxClients }, "server listening");
  return server;
}
