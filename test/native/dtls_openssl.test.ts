/** Our transport against OpenSSL's own programs: another copy, another process, real sockets. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DtlsTransport, native } from "../../native/addon.js";

const label = "EXTRACTOR-dtls_srtp";

/** Runs a transport on a socket until `settled` holds; the event loop delivers datagrams and timers. */
class Runner {
  #peer: { address: string; port: number } | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #out = new Uint8Array(4096);

  constructor(
    readonly transport: DtlsTransport,
    readonly socket: Socket,
    private readonly changed: () => void,
  ) {
    socket.on("message", (datagram, from) => {
      this.#peer ??= { address: from.address, port: from.port };
      transport.handleDatagram(datagram, native.monotonicUs());
      this.flush();
    });
  }

  start(peer?: { address: string; port: number }): void {
    this.#peer = peer;
    this.transport.start(native.monotonicUs());
    this.flush();
  }

  flush(): void {
    for (let n = this.transport.takeDatagram(this.#out); n > 0; n = this.transport.takeDatagram(this.#out)) {
      if (this.#peer) this.socket.send(this.#out.slice(0, n), this.#peer.port, this.#peer.address);
    }
    clearTimeout(this.#timer);
    const waitUs = this.transport.nextDeadlineUs - native.monotonicUs();
    if (waitUs < 60e6) {
      this.#timer = setTimeout(
        () => {
          this.transport.handleTimeout(native.monotonicUs());
          this.flush();
        },
        Math.max(0, waitUs / 1000),
      );
    }
    this.changed();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.socket.close();
    this.transport.destroy();
  }
}

/** A child's output as it grows. */
class Output {
  text = "";
  #waiters: (() => void)[] = [];
  constructor(child: ChildProcess) {
    const grow = (chunk: Buffer) => {
      this.text += chunk.toString();
      this.wake();
    };
    child.stdout?.on("data", grow);
    child.stderr?.on("data", grow);
    child.once("exit", () => this.wake());
  }
  wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }
}

describe("DtlsTransport against the openssl program", function () {
  this.timeout(120_000);
  let folder: string;
  const cleanUps: (() => void)[] = [];

  before(function () {
    if (spawnSync("openssl", ["version"]).status !== 0) this.skip();
    folder = mkdtempSync(join(tmpdir(), "roomrtc-dtls-"));
  });
  afterEach(() => {
    for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  async function boundSocket(): Promise<Socket> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return socket;
  }

  function openssl(...args: string[]): { child: ChildProcess; output: Output } {
    const child = spawn("openssl", args, { stdio: ["pipe", "pipe", "pipe"] });
    cleanUps.push(() => child.kill());
    return { child, output: new Output(child) };
  }

  function pemFiles(name: string, kind: "ecdsa" | "rsa") {
    const cert = join(folder, `${name}.pem`);
    const key = join(folder, `${name}.key`);
    if (kind === "ecdsa") {
      const made = native.Certificate.generate();
      writeFileSync(cert, made.certificatePem);
      writeFileSync(key, made.privateKeyPem);
    } else {
      execFileSync(
        "openssl",
        [
          "req",
          "-x509",
          "-newkey",
          "rsa:2048",
          "-nodes",
          "-days",
          "2",
          "-subj",
          "/CN=rsa",
          "-keyout",
          key,
          "-out",
          cert,
        ],
        { stdio: "ignore" },
      );
    }
    return { cert, key, fingerprint: new X509Certificate(readFileSync(cert)).fingerprint256 };
  }

  const srtp = (profile: string) => ["-use_srtp", profile, "-keymatexport", label, "-keymatexportlen", "60"];
  const material = (text: string) => /Keying material: ([0-9A-F]+)/.exec(text)?.[1];

  function assertAgreed(transport: DtlsTransport, output: Output, fingerprint: string) {
    const ours = Buffer.from(transport.exportKeyingMaterial(label, 60)).toString("hex").toUpperCase();
    assert.equal(material(output.text), ours);
    assert.equal(transport.remoteFingerprint("sha-256"), fingerprint);
  }

  for (const kind of ["ecdsa", "rsa"] as const) {
    it(`serves s_client with an ${kind} certificate: same keys, same data`, async () => {
      const peer = pemFiles("client", kind);
      const socket = await boundSocket();
      const transport = new native.DtlsTransport({
        role: "server",
        certificate: native.Certificate.generate(),
      });
      const { child, output } = openssl(
        ...["s_client", "-dtls1_2", "-connect", `127.0.0.1:${socket.address().port}`],
        ...["-cert", peer.cert, "-key", peer.key, ...srtp("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM")],
      );
      const runner = new Runner(transport, socket, () => output.wake());
      cleanUps.push(() => runner.stop());
      runner.start();
      await output.until(() => transport.state !== "connecting" && material(output.text) !== undefined);
      assert.equal(transport.state, "connected", transport.failure);
      assert.equal(transport.srtpProfile, "AEAD_AES_128_GCM");
      assertAgreed(transport, output, peer.fingerprint);

      transport.sendApplicationData(Buffer.from("from us to s_client\n"));
      runner.flush();
      await output.until(() => output.text.includes("from us to s_client"));
      const received = new Uint8Array(64);
      let length = 0;
      child.stdin?.write("from s_client to us\n");
      await output.until(() => {
        length ||= transport.takeApplicationData(received);
        return length > 0;
      });
      assert.equal(Buffer.from(received.subarray(0, length)).toString(), "from s_client to us\n");
    });

    it(`connects to s_server with an ${kind} certificate: same keys`, async () => {
      const peer = pemFiles("server", kind);
      const spare = await boundSocket();
      const port = spare.address().port;
      spare.close();
      const { output } = openssl(
        ...["s_server", "-dtls1_2", "-accept", `127.0.0.1:${port}`, "-Verify", "1"],
        ...["-cert", peer.cert, "-key", peer.key, ...srtp("SRTP_AEAD_AES_256_GCM")],
      );
      await output.until(() => output.text.includes("ACCEPT"));
      const transport = new native.DtlsTransport({
        role: "client",
        certificate: native.Certificate.generate(),
      });
      const runner = new Runner(transport, await boundSocket(), () => output.wake());
      cleanUps.push(() => runner.stop());
      runner.start({ address: "127.0.0.1", port });
      await output.until(() => transport.state !== "connecting" && material(output.text) !== undefined);
      assert.equal(transport.state, "connected", transport.failure);
      assert.equal(transport.srtpProfile, "AEAD_AES_256_GCM");
      assert.match(transport.cipher, kind === "rsa" ? /ECDHE-RSA/ : /ECDHE-ECDSA/);
      assertAgreed(transport, output, peer.fingerprint);
    });
  }

  it("refuses a client without a certificate, saying so", async () => {
    const socket = await boundSocket();
    const transport = new native.DtlsTransport({
      role: "server",
      certificate: native.Certificate.generate(),
    });
    const { output } = openssl("s_client", "-dtls1_2", "-connect", `127.0.0.1:${socket.address().port}`);
    const runner = new Runner(transport, socket, () => output.wake());
    cleanUps.push(() => runner.stop());
    runner.start();
    await output.until(() => transport.state !== "connecting");
    assert.equal(transport.state, "failed");
    assert.match(transport.failure, /peer did not return a certificate/);
  });
});
