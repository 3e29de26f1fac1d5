/** One TLS connection with the line protocol, from the client's side: trusted before the first byte is written. */
import { isIP } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { SignalingClientError, SignalingError } from "./errors.js";
import { decodeLine, encodeLine, LineSplitter } from "./line_codec.js";
import type { ClientMessage, ServerMessage } from "./messages.js";
import { decideTrust, type TrustDecision, type TrustFile } from "./trust.js";

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Normalized fingerprint the server must show. */
  readonly fingerprint: string | undefined;
  readonly trustFile: TrustFile | undefined;
  readonly timeoutMs: number;
}

export interface LineConnectionHandler {
  message(message: ServerMessage): void;
  /** The connection ended; called once. */
  closed(error: SignalingClientError): void;
}

/** "host:port", with brackets around IPv6, as the trust file names servers. */
export const serverName = (host: string, port: number): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;

/** Connects and finishes the handshake; the certificate is not judged yet. */
function openTls(options: ConnectOptions): Promise<TLSSocket> {
  const { host, port, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      // The certificate is self-signed: the pin takes the place of the authorities, before anything is sent.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ...(isIP(host) === 0 ? { servername: host } : {}),
    });
    const fail = (why: string, cause?: unknown): void => {
      socket.destroy();
      const message = `cannot connect to ${serverName(host, port)}: ${why}`;
      reject(new SignalingClientError("CONNECT_FAILED", message, { cause }));
    };
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const onError = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      fail(error.code === "ECONNREFUSED" ? "nothing listens there" : error.message, error);
    };
    socket.once("error", onError);
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.off("error", onError);
      resolve(socket);
    });
  });
}

export class LineConnection {
  readonly #splitter = new LineSplitter();
  #closed = false;
  #why = "the server closed the connection";

  private constructor(
    private readonly socket: TLSSocket,
    readonly trust: TrustDecision,
    private readonly handler: LineConnectionHandler,
  ) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => {
      this.#why = error.message;
    });
    socket.on("close", () => this.#end());
  }

  /** Throws {@link SignalingClientError}; nothing was sent to a server that is not trusted. */
  static async open(options: ConnectOptions, handler: LineConnectionHandler): Promise<LineConnection> {
    const socket = await openTls(options);
    const keepError = (): void => {};
    socket.on("error", keepError);
    try {
      const shown = socket.getPeerX509Certificate()?.fingerprint256 ?? "none";
      const server = serverName(options.host, options.port);
      const trust = await decideTrust(server, shown, options.fingerprint, options.trustFile);
      if (socket.destroyed)
        throw new SignalingClientError("CONNECT_FAILED", `${server} closed the connection`);
      return new LineConnection(socket, trust, handler);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(message: ClientMessage): void {
    if (this.#closed || !this.socket.writable) {
      throw new SignalingClientError("NOT_CONNECTED", "not connected to the server");
    }
    this.socket.write(encodeLine("client", message));
  }

  answerPing(): void {
    if (this.socket.writable) this.send({ type: "PONG" });
  }

  /** Sends what waits and closes; `handler.closed` follows. */
  close(): void {
    this.#why = "closed";
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), 1000);
    this.socket.once("close", () => clearTimeout(timer));
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#splitter.push(chunk)) {
        const message = decodeServerLine(line);
        if (message !== undefined) this.handler.message(message);
      }
    } catch (error) {
      if (!(error instanceof SignalingError)) throw error;
      this.#why = `the server broke the protocol: ${error.message}`;
      this.socket.destroy();
    }
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.handler.closed(new SignalingClientError("CONNECTION_LOST", this.#why));
  }
}

/** A message type of a later version is skipped. */
function decodeServerLine(line: Uint8Array): ServerMessage | undefined {
  try {
    return decodeLine("server", line);
  } catch (error) {
    if (error instanceof SignalingError && error.code === "UNKNOWN_TYPE") return undefined;
    throw error;
  }
}
