/** Real sockets on loopback: our TURN service, our TURN client, and peers that say everything back. */
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { native } from "../../native/addon.js";
import { hmacSha1, md5, systemRandom } from "../../src/media/session/system_random.js";
import type { TransportAddress } from "../../src/protocol/primitives/address.js";
import { parseIpPrefix } from "../../src/protocol/primitives/ip_prefix.js";
import {
  TurnClient,
  type TurnClientOptions,
  type TurnOutput,
  TurnStreamFramer,
} from "../../src/protocol/turn/index.js";
import {
  createTurnService,
  type TurnService,
  type TurnServiceOptions,
} from "../../src/server/turn_service.js";

export const USER = "someone";
export const PASSWORD = "password";
export const REALM = "roomrtc";
export const SECRET = "shared secret";
const nowUs = () => performance.now() * 1000;

const cleanups: (() => Promise<void> | void)[] = [];

/** Closes all that the test opened, newest first; for `afterEach`. */
export async function cleanUp(): Promise<void> {
  for (let clean = cleanups.pop(); clean; clean = cleanups.pop()) await clean();
}

export function onCleanUp(clean: () => Promise<void> | void): void {
  cleanups.push(clean);
}

/** Resolves when `condition` holds; the test's time limit ends the wait. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

export const LOOPBACK = ["127.0.0.0/8", "::1"].map((text) => {
  const prefix = parseIpPrefix(text);
  if (!prefix) throw new Error(text);
  return prefix;
});

/** A service on 127.0.0.1, any ports, that relays to loopback. */
export async function startTurn(options: Partial<TurnServiceOptions> = {}): Promise<TurnService> {
  const service = await createTurnService({
    listenAddresses: ["127.0.0.1"],
    udpPort: 0,
    tcpPort: 0,
    tlsPort: false,
    relayAddresses: [],
    externalAddresses: [],
    relayPorts: { min: 40_000, max: 48_000 },
    realm: REALM,
    users: new Map([[USER, PASSWORD]]),
    sharedSecrets: [SECRET],
    allowedPeers: LOOPBACK,
    deniedPeers: [],
    ...options,
  });
  onCleanUp(() => service.close());
  return service;
}

export function makeCertificate() {
  const { certificatePem, privateKeyPem } = native.Certificate.generate({
    commonName: "turn",
    days: 2,
    subjectAltNames: ["127.0.0.1"],
  });
  return { certificatePem, privateKeyPem };
}

export type Transport = "udp" | "tcp" | "tls";

export function portOf(service: TurnService, transport: Transport): number {
  const listener = service.listeners.find((each) => each.transport === transport);
  if (!listener) throw new Error(`the service does not listen for ${transport}`);
  return listener.port;
}

/** A `TurnClient` on a socket of its own. */
export class TurnRig {
  readonly client: TurnClient;
  readonly outputs: TurnOutput[] = [];
  readonly #write: (data: Uint8Array) => void;
  #wake = (): void => {};
  #timer: NodeJS.Timeout | undefined;

  /** Cuts the connection. */
  readonly destroy: () => void;

  private constructor(
    options: Partial<TurnClientOptions>,
    transport: Transport,
    link: { write(data: Uint8Array): void; destroy(): void },
  ) {
    this.#write = link.write;
    this.destroy = link.destroy;
    this.client = new TurnClient({
      transport,
      username: USER,
      password: PASSWORD,
      random: systemRandom,
      hmacSha1,
      md5,
      ...options,
    });
    onCleanUp(() => clearTimeout(this.#timer));
  }

  static async open(port: number, transport: Transport, options: Partial<TurnClientOptions> = {}) {
    if (transport !== "udp") return TurnRig.#overStream(port, transport, options);
    const socket = createSocket("udp4");
    onCleanUp(() => void socket.close());
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
    const rig = new TurnRig(options, "udp", {
      write: (data) => socket.send(data, port, "127.0.0.1"),
      destroy: () => {},
    });
    socket.on("message", (data) => rig.#receive(data));
    return rig;
  }

  static async #overStream(port: number, transport: "tcp" | "tls", options: Partial<TurnClientOptions>) {
    const at = { port, host: "127.0.0.1" };
    const socket: Socket =
      transport === "tcp" ? connectTcp(at) : connectTls({ ...at, rejectUnauthorized: false });
    onCleanUp(() => void socket.destroy());
    await once(socket, transport === "tcp" ? "connect" : "secureConnect");
    const rig = new TurnRig(options, transport, {
      write: (data) => void socket.write(data),
      destroy: () => void socket.destroy(),
    });
    const framer = new TurnStreamFramer();
    socket.on("data", (bytes) => {
      for (const frame of framer.push(bytes)) rig.#receive(frame);
    });
    return rig;
  }

  #receive(data: Uint8Array): void {
    this.client.handleMessage(data, nowUs());
    this.#drain();
  }

  #drain(): void {
    for (let o = this.client.pollOutput(); o; o = this.client.pollOutput()) {
      if (o.type === "transmit") this.#write(o.data);
      else this.outputs.push(o);
    }
    clearTimeout(this.#timer);
    const next = this.client.nextDeadlineUs();
    if (next < Infinity) {
      this.#timer = setTimeout(
        () => {
          this.client.handleTimeout(nowUs());
          this.#drain();
        },
        Math.max(0, Math.ceil((next - nowUs()) / 1000)),
      );
    }
    this.#wake();
  }

  do(action: (client: TurnClient, nowUs: number) => void): void {
    action(this.client, nowUs());
    this.#drain();
  }

  /** The next output of that type, taken out. */
  async next<T extends TurnOutput["type"]>(type: T): Promise<Extract<TurnOutput, { type: T }>> {
    for (;;) {
      const index = this.outputs.findIndex((o) => o.type === type);
      if (index >= 0) return this.outputs.splice(index, 1)[0] as Extract<TurnOutput, { type: T }>;
      const failed = this.outputs.find((o) => o.type === "failed");
      if (failed) throw new Error(`${type} was awaited: ${JSON.stringify(failed)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async allocate() {
    this.do((client, now) => client.allocate(now));
    return this.next("allocated");
  }
}

/** Says everything back; resolves to where it listens. */
export async function startEcho(): Promise<{
  at: TransportAddress;
  socket: UdpSocket;
  seen: TransportAddress[];
}> {
  const socket = createSocket("udp4");
  onCleanUp(() => void socket.close());
  const seen: TransportAddress[] = [];
  socket.on("message", (data, from) => {
    seen.push({ family: 4, address: from.address, port: from.port });
    socket.send(data, from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { at: { family: 4, address: "127.0.0.1", port: socket.address().port }, socket, seen };
}
