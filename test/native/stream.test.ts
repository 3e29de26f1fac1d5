import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { createServer as createTlsServer } from "node:tls";
import { native, type StreamConnectOptions, type StreamSocket, type UdpPoller } from "../../native/addon.js";
import { Datagrams } from "./datagrams.js";

const SLAB_BYTES = 1 << 17;

/** A stream whose poller is served between turns of the event loop, where its peer lives. */
class Client {
  readonly poller: UdpPoller = new native.UdpPoller();
  readonly socket: StreamSocket;
  readonly messages: Buffer[] = [];
  readonly #room = new Datagrams(SLAB_BYTES, 256);

  constructor(options: StreamConnectOptions) {
    this.socket = native.StreamSocket.connect(options);
    this.poller.add(this.socket);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.poller.wait(500);
      if (this.poller.isReadable(this.socket)) this.#take();
      await setImmediate();
    }
  }

  #take(): void {
    const count = this.socket.receive(this.#room.slab, this.#room.table);
    for (let i = 0; i < count; i++) this.messages.push(this.#room.bytes(i));
  }

  send(...messages: Buffer[]): number {
    const out = new Datagrams(SLAB_BYTES, messages.length);
    for (const message of messages) out.add(message, "127.0.0.1", 1);
    return this.socket.send(out.slab, out.table, 0, messages.length);
  }

  close(): void {
    this.socket.close();
    this.poller.close();
  }
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message]);
}

async function listen(server: Server, host = "127.0.0.1"): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return (server.address() as AddressInfo).port;
}

describe("StreamSocket", () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const clean of cleanups.splice(0).reverse()) clean();
  });

  async function serve(server: Server, host?: string): Promise<number> {
    const port = await listen(server, host);
    cleanups.push(() => void server.close());
    return port;
  }

  function connect(options: StreamConnectOptions): Client {
    const client = new Client(options);
    cleanups.push(() => client.close());
    return client;
  }

  for (const address of ["127.0.0.1", "::1"]) {
    it(`carries messages both ways on ${address}, in whatever pieces they come`, async () => {
      const got: Buffer[] = [];
      let peer: Socket | undefined;
      const port = await serve(
        createServer((socket) => {
          peer = socket.on("data", (data) => got.push(data));
          cleanups.push(() => void socket.destroy());
        }),
        address,
      );
      const client = connect({ address, port, framing: "rfc4571", localAddress: address });
      assert.equal(client.socket.state, "connecting");
      await client.until(() => client.socket.state === "open" && peer !== undefined);
      assert.equal(client.socket.remoteAddress, address);
      assert.ok(client.socket.localPort > 0);
      assert.equal(client.send(Buffer.from("first"), Buffer.alloc(1200, 7)), 2);
      const wanted = Buffer.concat([framed(Buffer.from("first")), framed(Buffer.alloc(1200, 7))]);
      await client.until(() => Buffer.concat(got).length === wanted.length);
      assert.deepEqual(Buffer.concat(got), wanted);
      const back = Buffer.concat([framed(Buffer.from("back")), framed(Buffer.alloc(3000, 1))]);
      for (let at = 0; at < back.length; at += 7) peer?.write(back.subarray(at, at + 7));
      await client.until(() => client.messages.length === 2);
      assert.deepEqual(client.messages, [Buffer.from("back"), Buffer.alloc(3000, 1)]);
    });
  }

  it("pads ChannelData on a TURN stream and takes it without its padding", async () => {
    const got: Buffer[] = [];
    const port = await serve(
      createServer((socket) => socket.on("data", (data) => got.push(data)).pipe(socket)),
    );
    const client = connect({ address: "127.0.0.1", port, framing: "turn" });
    await client.until(() => client.socket.state === "open");
    const channelData = Buffer.from([0x40, 0, 0, 5, 1, 2, 3, 4, 5]);
    client.send(channelData);
    await client.until(() => client.messages.length === 1);
    assert.deepEqual(Buffer.concat(got), Buffer.concat([channelData, Buffer.alloc(3)]));
    assert.deepEqual(client.messages, [channelData]);
  });

  it("says how it ended: closed, reset, refused", async () => {
    const port = await serve(
      createServer((socket) => {
        socket.once("data", (data) => (data[2] === 1 ? socket.end() : socket.resetAndDestroy()));
      }),
    );
    for (const [word, state] of [
      [1, "closed"],
      [2, "failed"],
    ] as const) {
      const client = connect({ address: "127.0.0.1", port, framing: "rfc4571" });
      await client.until(() => client.socket.state === "open");
      client.send(Buffer.from([word]));
      await client.until(() => client.socket.state !== "open");
      assert.equal(client.socket.state, state);
      assert.match(client.socket.failure, word === 1 ? /closed/ : /reset/i);
      assert.equal(client.send(Buffer.from("late")), 0);
    }
  });

  it("accepts connections at a listener", async () => {
    const listener = native.StreamListener.listen({
      address: "127.0.0.1",
      port: 0,
      backlog: 4,
      framing: "rfc4571",
    });
    cleanups.push(() => listener.close());
    assert.equal(native.StreamSocket.accept(listener), null);
    const client = connect({ address: "127.0.0.1", port: listener.port, framing: "rfc4571" });
    let far: StreamSocket | null = null;
    await client.until(() => {
      far ??= native.StreamSocket.accept(listener);
      return far !== null && client.socket.state === "open";
    });
    const accepted = far as unknown as StreamSocket;
    cleanups.push(() => accepted.close());
    assert.equal(accepted.remotePort, client.socket.localPort);
    const out = new Datagrams(64, 1).add(Buffer.from("hello"), "127.0.0.1", 1);
    assert.equal(accepted.send(out.slab, out.table, 0, 1), 1);
    await client.until(() => client.messages.length === 1);
    assert.deepEqual(client.messages, [Buffer.from("hello")]);
  });

  it("refuses what makes no sense, by name", () => {
    const options = { address: "127.0.0.1", port: 1, framing: "rfc4571" } as const;
    assert.throws(() => native.StreamSocket.connect({ ...options, port: 0 }), /option port/);
    assert.throws(
      () => native.StreamSocket.connect({ ...options, framing: "lines" as never }),
      /option framing/,
    );
    assert.throws(() => native.StreamSocket.connect({ ...options, address: "a.example" }), /INVALID|numeric/);
    assert.throws(() => native.StreamSocket.attach(4_000_000_000), { code: "SOCKET_FAILURE" });
    assert.throws(
      () => native.StreamSocket.connect({ ...options, tls: { serverName: "a", extraCaPem: "nothing" } }),
      { code: "INVALID_ARGUMENT" },
    );
  });

  describe("under TLS", function () {
    this.timeout(120_000);
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), "roomrtc-tls-"));
      makeCertificates(folder);
    });
    after(() => rmSync(folder, { recursive: true }));

    const pem = (name: string) => readFileSync(join(folder, name), "utf8");

    async function connectTo(certificate: string, serverName: string, trust = true): Promise<Client> {
      const server = createTlsServer({ cert: pem(`${certificate}.pem`), key: pem("key.pem") }, (socket) => {
        socket.on("error", () => {}).pipe(socket);
        cleanups.push(() => void socket.destroy());
      });
      server.on("tlsClientError", () => {});
      const port = await serve(server);
      const tls = { serverName, ...(trust && { extraCaPem: pem("ca.pem") }) };
      const client = connect({ address: "127.0.0.1", port, framing: "turn", tls });
      await client.until(() => client.socket.state === "open" || client.socket.state === "failed");
      return client;
    }

    for (const name of ["turn.example", "127.0.0.1"]) {
      it(`trusts a certificate for ${name} of an authority it was told, and carries messages`, async () => {
        const client = await connectTo("good", name);
        assert.equal(client.socket.failure, "");
        const messages = Array.from({ length: 30 }, (_, i) =>
          Buffer.concat([Buffer.from([0x40, 0, 4, 0]), Buffer.alloc(1024, i)]),
        );
        assert.equal(client.send(...messages), 30);
        await client.until(() => client.messages.length === 30);
        assert.deepEqual(client.messages, messages);
      });
    }

    for (const [what, certificate, name, trust, reason] of [
      [
        "another name",
        "good",
        "other.example",
        true,
        /certificate of other\.example is refused: hostname mismatch/,
      ],
      ["another address", "good", "127.0.0.2", true, /refused: IP address mismatch/],
      ["an expired one", "expired", "turn.example", true, /refused: certificate has expired/],
      ["an unknown authority", "good", "turn.example", false, /refused: unable to get local issuer/],
    ] as const) {
      it(`refuses a certificate for ${what}, and says so`, async () => {
        const client = await connectTo(certificate, name, trust);
        assert.equal(client.socket.state, "failed");
        assert.match(client.socket.failure, reason);
      });
    }

    it("fails, and says so, where the server does not speak TLS", async () => {
      const port = await serve(
        createServer((socket) => void socket.on("error", () => {}).end("HTTP/1.1 400\r\n\r\n")),
      );
      const client = connect({
        address: "127.0.0.1",
        port,
        framing: "turn",
        tls: { serverName: "turn.example" },
      });
      await client.until(() => client.socket.state === "failed");
      assert.match(client.socket.failure, /TLS with turn\.example: wrong version number|closed/);
    });
  });
});

/** An authority, a certificate of it for turn.example and 127.0.0.1, and one that has expired. */
function makeCertificates(folder: string): void {
  const openssl = (...words: string[]) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test", "-days", "2");
  const names = "subjectAltName=DNS:turn.example,IP:127.0.0.1";
  openssl(
    "req",
    "-new",
    ...key,
    "-keyout",
    "key.pem",
    "-out",
    "r.csr",
    "-subj",
    "/CN=turn",
    "-addext",
    names,
  );
  const sign = [
    "x509",
    "-req",
    "-in",
    "r.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-copy_extensions",
    "copy",
  ];
  openssl(...sign, "-out", "good.pem", "-days", "2");
  openssl(...sign, "-out", "expired.pem", "-days", "-1");
}
