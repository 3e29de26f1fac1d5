/** What the tests of the server share: a server in a folder of its own, and bare clients of both encodings. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import { formatHash, hashPassword } from "../../src/server/password.js";
import { createServer, type RoomServer, type RoomServerOptions } from "../../src/server/room_server.js";
import { decodeJson, encodeJson } from "../../src/signaling/json_codec.js";
import { decodeLine, encodeLine, LineSplitter } from "../../src/signaling/line_codec.js";
import type { ClientMessage, ServerMessage, ServerMessageOf } from "../../src/signaling/messages.js";

export const CHEAP = { ln: 4, r: 8, p: 1 };
export const PASSWORD = "correct horse";
const FINGERPRINT = Array.from({ length: 32 }, () => "AB").join(":");
export const SDP = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 ${FINGERPRINT}\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n`;

const cleanups: (() => Promise<void> | void)[] = [];

/** Closes all that the test opened, newest first; for `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (let clean = cleanups.pop(); clean !== undefined; clean = cleanups.pop()) await clean();
}

export function onCleanUp(clean: () => Promise<void> | void): void {
  cleanups.push(clean);
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "roomrtc-"));
  onCleanUp(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function filesIn(folder: string): Pick<RoomServerOptions, "usersFile" | "certFile" | "keyFile"> {
  return {
    usersFile: join(folder, "users.txt"),
    certFile: join(folder, "cert.pem"),
    keyFile: join(folder, "key.pem"),
  };
}

/** A server on loopback, any ports, cheap hashes; `users` are registered before it starts, all with {@link PASSWORD}. */
export async function startServer(
  users: readonly string[] = [],
  options: Partial<RoomServerOptions> = {},
  folder = temporaryFolder(),
): Promise<RoomServer> {
  const files = filesIn(folder);
  if (users.length > 0) {
    const hash = formatHash(await hashPassword(PASSWORD, CHEAP));
    writeFileSync(files.usersFile, users.map((user) => `${user}:${hash}\n`).join(""));
  }
  const server = await createServer({
    ...files,
    host: "127.0.0.1",
    port: 0,
    httpPort: 0,
    webRoot: join(folder, "web"),
    scryptCost: CHEAP,
    ...options,
  });
  onCleanUp(() => server.close());
  return server;
}

/** A client without any cleverness: sends what it is told, hands out what comes. */
export abstract class BareClient {
  readonly #received: ServerMessage[] = [];
  #wake: (() => void) | undefined;
  /** Why the connection ended, once it has. */
  ended = false;

  abstract send(message: ClientMessage): void;
  abstract destroy(): void;

  protected push(message: ServerMessage): void {
    this.#received.push(message);
    this.#wake?.();
  }

  protected end(): void {
    this.ended = true;
    this.#wake?.();
  }

  /** The next message of one of the types; those of other types before it are dropped. */
  async next<K extends ServerMessage["type"]>(...types: K[]): Promise<ServerMessageOf<K>> {
    for (;;) {
      for (let message = this.#received.shift(); message !== undefined; message = this.#received.shift()) {
        if ((types as string[]).includes(message.type)) return message as ServerMessageOf<K>;
      }
      if (this.ended) throw new Error(`the connection ended while ${types.join(" or ")} was awaited`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the server has closed the connection. */
  async untilEnded(): Promise<void> {
    while (!this.ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async nextError(): Promise<string> {
    return (await this.next("ERROR")).code;
  }

  /** Waits until everything sent so far was handled; drops what came before. */
  async settle(): Promise<void> {
    this.send({ type: "PING" });
    await this.next("PONG");
  }

  async nextStatus(username: string): Promise<string> {
    for (;;) {
      const message = await this.next("USER_STATUS_CHANGED");
      if (message.username === username) return message.status;
    }
  }

  async login(username: string, password = PASSWORD): Promise<this> {
    this.send({ type: "LOGIN", username, password });
    await this.next("LOGIN_SUCCESS");
    return this;
  }
}

export class BareLineClient extends BareClient {
  readonly #splitter = new LineSplitter();

  constructor(readonly socket: TLSSocket) {
    super();
    socket.on("data", (chunk: Buffer) => {
      for (const line of this.#splitter.push(chunk)) this.push(decodeLine("server", line));
    });
    socket.on("error", () => {});
    socket.on("close", () => this.end());
  }

  send(message: ClientMessage): void {
    this.socket.write(encodeLine("client", message));
  }

  raw(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export class BareJsonClient extends BareClient {
  constructor(readonly socket: WebSocket) {
    super();
    socket.on("message", (data: Buffer) => this.push(decodeJson("server", data.toString())));
    socket.on("error", () => {});
    socket.on("close", () => this.end());
  }

  send(message: ClientMessage): void {
    this.socket.send(encodeJson("client", message));
  }

  destroy(): void {
    this.socket.terminate();
  }
}

export async function openTls(server: RoomServer): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: server.address().port, rejectUnauthorized: false });
  onCleanUp(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}

export async function lineClient(server: RoomServer): Promise<BareLineClient> {
  return new BareLineClient(await openTls(server));
}

export async function jsonClient(server: RoomServer, secure = false): Promise<BareJsonClient> {
  const { port, httpPort } = server.address();
  const url = secure ? `wss://127.0.0.1:${port}/ws` : `ws://127.0.0.1:${httpPort}/ws`;
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  onCleanUp(() => socket.terminate());
  const client = new BareJsonClient(socket);
  await once(socket, "open");
  return client;
}
