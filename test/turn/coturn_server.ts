/** coturn's `turnserver` on loopback, with TLS and a certificate of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/ports.js";
import { makeCertificate, PASSWORD, USER } from "./rig.js";

export const installed = (program: string) => !spawnSync(program, ["-h"], { stdio: "ignore" }).error;

export class Coturn {
  private constructor(
    /** For UDP and TCP. */
    readonly port: number,
    readonly tlsPort: number,
    readonly certificatePem: string,
    private readonly folder: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(): Promise<Coturn> {
    const folder = mkdtempSync(join(tmpdir(), "roomrtc-coturn-"));
    const { certificatePem, privateKeyPem } = makeCertificate();
    writeFileSync(join(folder, "cert.pem"), certificatePem);
    writeFileSync(join(folder, "key.pem"), privateKeyPem);
    const port = await freePort();
    const tlsPort = await freePort();
    const flags = turnserverFlags(port, tlsPort, folder);
    const turnserver = spawn("turnserver", flags, { cwd: folder, stdio: "ignore" });
    await answersBinding(port);
    return new Coturn(port, tlsPort, certificatePem, folder, turnserver);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      this.process.kill("SIGKILL");
      await once(this.process, "exit");
    }
    rmSync(this.folder, { recursive: true });
  }
}

function turnserverFlags(port: number, tlsPort: number, folder: string): string[] {
  const tls = ["--tls-listening-port", String(tlsPort), "--cert", "cert.pem", "--pkey", "key.pem"];
  const users = ["-a", "-u", `${USER}:${PASSWORD}`, "-r", "example.org", "--user-quota", "3"];
  return [
    ...["-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--allow-loopback-peers"],
    ...["-p", String(port), ...tls, ...users, "--stale-nonce", "600"],
    ...["--min-port", "38000", "--max-port", "39000", "--no-cli", "--no-multicast-peers", "--no-rfc5780"],
    ...["--log-file", "stdout", "--pidfile", join(folder, "pid"), "--userdb", join(folder, "db")],
  ];
}

/** Asks until the server answers: it says nowhere else that it is ready. */
async function answersBinding(port: number): Promise<void> {
  const socket = createSocket("udp4");
  const request = Buffer.concat([Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]), randomBytes(12)]);
  const timer = setInterval(() => socket.send(request, port, "127.0.0.1"), 50);
  await once(socket, "message");
  clearInterval(timer);
  socket.close();
}
