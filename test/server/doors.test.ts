import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { WebSocket } from "ws";
import { originAllowed } from "../../src/server/http_door.js";
import { createServer, type RoomServer } from "../../src/server/room_server.js";
import { recognizeProtocol } from "../../src/server/tls_door.js";
import {
  BareLineClient,
  CHEAP,
  cleanUp,
  filesIn,
  jsonClient,
  lineClient,
  onCleanUp,
  openTls,
  startServer,
  temporaryFolder,
} from "./harness.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function site(): Promise<RoomServer> {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "web"));
  writeFileSync(join(folder, "web", "index.html"), "<p>hello</p>");
  writeFileSync(join(folder, "web", "app.js"), "x();".repeat(1000));
  return startServer([], {}, folder);
}

describe("first bytes", () => {
  const cases: [string, string][] = [
    ["GET / HTTP/1.1", "http"],
    ["OPTIONS * HTTP/1.1", "http"],
    ["G", "more"],
    ["GET", "more"],
    ["GET_USERS", "line"],
    ["GETS x", "line"],
    ["GET|", "line"],
    ["LOGIN|username", "line"],
    ["REGISTER", "line"],
    ["get / HTTP/1.1", "line"],
    ["\n", "line"],
    [" ", "line"],
    ["", "more"],
  ];
  for (const [first, expected] of cases) {
    it(`${JSON.stringify(first)} → ${expected}`, () =>
      assert.equal(recognizeProtocol(bytes(first)), expected));
  }
});

describe("TLS door", () => {
  afterEach(cleanUp);

  it("serves lines, HTTPS and WebSocket on one port", async () => {
    const server = await site();
    const line = await lineClient(server);
    line.send({ type: "PING" });
    const json = await jsonClient(server, true);
    json.send({ type: "PING" });
    await Promise.all([line.next("PONG"), json.next("PONG")]);
    const http = await openTls(server);
    http.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    const text = String(Buffer.concat(await http.toArray()));
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(text, /<p>hello<\/p>$/);
  });

  it("recognizes the protocol when the bytes come one by one", async () => {
    const server = await site();
    const http = await openTls(server);
    for (const byte of "GET /app.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
      http.write(byte);
    assert.match(String(Buffer.concat(await http.toArray())), /^HTTP\/1\.1 200 OK/);
    const line = await lineClient(server);
    for (const byte of "GET_USERS\n") line.raw(byte);
    assert.equal(await line.nextError(), "NOT_LOGGED_IN");
  });

  it("answers two requests on one connection, and many lines in one write", async () => {
    const server = await site();
    const http = await openTls(server);
    const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
    http.write(get("/") + get("/nothing", "Connection: close\r\n"));
    const text = String(Buffer.concat(await http.toArray()));
    assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 404"]);
    const line = await lineClient(server);
    line.raw("PING\nPING\nPING\n");
    for (let count = 0; count < 3; count++) await line.next("PONG");
  });

  it("closes a connection that says nothing, and one whose request never ends", async () => {
    const folder = temporaryFolder();
    const server = await startServer([], { limits: { firstBytesMs: 40, requestMs: 40 } }, folder);
    const silent = await openTls(server);
    silent.on("error", () => {});
    silent.resume();
    await once(silent, "close");
    const slow = await openTls(server);
    slow.on("error", () => {});
    slow.resume();
    slow.write("GET / HTTP/1.1\r\nHost: ");
    await once(slow, "close");
    const idle = await openTls(server);
    idle.on("error", () => {});
    idle.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    idle.resume();
    await once(idle, "close");
  });

  it("survives garbage instead of TLS", async () => {
    const server = await site();
    const socket = connectTcp(server.address().port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await once(socket, "close");
    await (await lineClient(server)).settle();
  });

  it("closes at once although somebody holds a silent connection", async () => {
    const server = await startServer([], { limits: { lingerMs: 30 } });
    const silent = await openTls(server);
    silent.on("error", () => {});
    await server.close();
  });
});

describe("HTTP door", () => {
  afterEach(cleanUp);

  interface Answer {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly body: string;
  }
  async function get(server: RoomServer, path: string, headers = {}, method = "GET"): Promise<Answer> {
    const port = server.address().httpPort ?? 0;
    const sent = request({ host: "127.0.0.1", port, path, headers, method }).end();
    const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
    const body = Buffer.concat(await response.toArray()).toString();
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  }

  it("serves the page with its security headers, packed when asked, unchanged when known", async () => {
    const server = await site();
    const page = await get(server, "/?x=1");
    assert.equal(page.status, 200);
    assert.match(String(page.headers["content-security-policy"]), /default-src 'none'; script-src 'self'/);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
    const etag = String(page.headers.etag);
    assert.equal((await get(server, "/", { "If-None-Match": etag })).status, 304);
    const script = await get(server, "/app.js", { "Accept-Encoding": "gzip" });
    assert.equal(script.headers["content-encoding"], "gzip");
    assert.equal((await get(server, "/", {}, "HEAD")).body, "");
  });

  for (const path of [
    "/../users.txt",
    "/%2e%2e/users.txt",
    "/..%2fusers.txt",
    "//etc/passwd",
    "/users.txt",
  ]) {
    it(`serves nothing outside its folder: ${path}`, async () => {
      assert.equal((await get(await site(), path)).status, 404);
    });
  }

  it("refuses other methods, and other names than this machine's (DNS rebinding)", async () => {
    const server = await site();
    assert.equal((await get(server, "/", {}, "POST")).status, 405);
    assert.equal((await get(server, "/", { Host: "evil.example" })).status, 421);
    assert.equal((await get(server, "/", { Host: "localhost:8080" })).status, 200);
  });

  it("says that the page is not built", async () => {
    const answer = await get(await startServer(), "/");
    assert.equal(answer.status, 404);
    assert.match(answer.body, /npm run build/);
  });

  async function upgradeStatus(
    server: RoomServer,
    options: { origin?: string; path?: string; host?: string },
  ) {
    const { httpPort } = server.address();
    const socket = new WebSocket(`ws://127.0.0.1:${httpPort}${options.path ?? "/ws"}`, {
      ...(options.origin === undefined ? {} : { origin: options.origin }),
      headers: options.host === undefined ? {} : { Host: options.host },
    });
    onCleanUp(() => socket.terminate());
    socket.on("error", () => {});
    return new Promise<number>((resolve) => {
      socket.on("open", () => resolve(101));
      socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    });
  }

  it("opens WebSockets for its own page and for programs, not for other pages", async () => {
    const server = await site();
    const own = `127.0.0.1:${server.address().httpPort}`;
    assert.equal(await upgradeStatus(server, {}), 101);
    assert.equal(await upgradeStatus(server, { origin: `http://${own}` }), 101);
    assert.equal(await upgradeStatus(server, { origin: `https://${own}` }), 403);
    assert.equal(await upgradeStatus(server, { origin: "http://evil.example" }), 403);
    assert.equal(await upgradeStatus(server, { origin: "null" }), 403);
    assert.equal(await upgradeStatus(server, { origin: "http://evil.example", host: "evil.example" }), 403);
    assert.equal(await upgradeStatus(server, { path: "/other" }), 404);
  });

  it("compares origins by scheme, name and port", () => {
    assert.equal(originAllowed("https://room.example", "room.example", true), true);
    assert.equal(originAllowed("https://room.example:443", "ROOM.example", true), true);
    assert.equal(originAllowed("https://room.example:8443", "room.example", true), false);
    assert.equal(originAllowed("http://room.example", "room.example", true), false);
    assert.equal(originAllowed("https://room.example", undefined, true), false);
    assert.equal(originAllowed("", "room.example", true), false);
  });
});

describe("starting", () => {
  afterEach(cleanUp);

  async function taken(host: string): Promise<number> {
    const other = createTcpServer().listen(0, host);
    await once(other, "listening");
    onCleanUp(() => {
      other.close();
    });
    return (other.address() as AddressInfo).port;
  }

  it("says which port is taken, and leaves nothing open", async () => {
    const port = await taken("127.0.0.1");
    await assert.rejects(startServer([], { port }), {
      code: "PORT_TAKEN",
      message: `cannot listen on 127.0.0.1 port ${port}: another program listens there; stop it or choose another port`,
    });
    await assert.rejects(startServer([], { httpPort: port }), { code: "PORT_TAKEN" });
  });

  it("takes the next free port when told so, for both", async () => {
    const port = await taken("127.0.0.1");
    const server = await startServer([], { port, httpPort: port, takeNextFreePort: true });
    const address = server.address();
    assert.ok(address.port > port);
    assert.ok(address.httpPort !== null && address.httpPort > port);
    await (await lineClient(server)).settle();
  });

  it("opens no plain port when told so", async () => {
    const server = await startServer([], { httpPort: false });
    assert.equal(server.address().httpPort, null);
  });

  it("names bad options", async () => {
    await assert.rejects(startServer([], { port: 70_000 }), { code: "BAD_OPTION", message: /port is 70000/ });
    await assert.rejects(startServer([], { maxClients: 0 }), {
      code: "BAD_OPTION",
      message: /maxClients is 0/,
    });
    await assert.rejects(startServer([], { host: "203.0.113.1" }), { code: "ADDRESS_NOT_AVAILABLE" });
  });

  it("makes the certificate once, for localhost, and refuses half of it or a wrong one", async () => {
    const folder = temporaryFolder();
    const files = filesIn(folder);
    const first = await startServer([], {}, folder);
    assert.match(first.fingerprint, /^[0-9A-F]{2}(:[0-9A-F]{2}){31}$/);
    assert.equal(statSync(files.keyFile).mode & 0o777, 0o600);
    const socket = await openTls(first);
    const x509 = socket.getPeerX509Certificate();
    assert.equal(x509?.fingerprint256, first.fingerprint);
    assert.ok(x509?.checkHost("localhost"));
    assert.ok(x509?.checkIP("127.0.0.1") && x509?.checkIP("::1"));
    await first.close();
    rmSync(files.certFile);
    const again = { ...files, port: 0, httpPort: false, host: "127.0.0.1", scryptCost: CHEAP } as const;
    await assert.rejects(createServer(again), {
      code: "CERTIFICATE_INCOMPLETE",
      message: /key\.pem is there but/,
    });
    writeFileSync(files.certFile, "nonsense");
    await assert.rejects(createServer(again), { code: "CERTIFICATE_INVALID" });
  });

  it("does not start on a damaged users file", async () => {
    const folder = temporaryFolder();
    writeFileSync(filesIn(folder).usersFile, "ana:plain password\n");
    await assert.rejects(startServer([], {}, folder), {
      code: "USERS_FILE_DAMAGED",
      message: /users\.txt:1: /,
    });
  });

  it("lets a client in again after it broke its line", async () => {
    const server = await startServer();
    const client = new BareLineClient(await openTls(server));
    client.raw(new Uint8Array(70_000).fill(0x41));
    assert.equal(await client.nextError(), "MESSAGE_TOO_LARGE");
    await (await lineClient(server)).settle();
  });
});
