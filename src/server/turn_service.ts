/** The STUN and TURN server as a whole: the core of src/protocol/turn_server with sockets, clock and log around it. */
import { createHash, createHmac, randomBytes } from "node:crypto";
import type { TransportAddress } from "../protocol/primitives/address.js";
import type { IpPrefix } from "../protocol/primitives/ip_prefix.js";
import type { RandomSource } from "../protocol/primitives/random.js";
import type { HmacSha1, Md5 } from "../protocol/stun/index.js";
import {
  type ClientFlow,
  PeerPolicy,
  TurnCredentials,
  TurnServer,
  type TurnServerCounters,
  type TurnServerLimits,
  type TurnServerOutput,
} from "../protocol/turn_server/index.js";
import { ServerError } from "./errors.js";
import { listen } from "./listen.js";
import { type Logger, silentLogger } from "./logger.js";
import { byFamily, listenAddresses, relayAddresses } from "./turn_addresses.js";
import { StreamDoor, type TlsFiles } from "./turn_stream.js";
import { bindUdp, type UdpEndpoint } from "./turn_udp.js";

export interface TurnServiceOptions {
  /** Empty: every address of this machine. */
  readonly listenAddresses: readonly string[];
  /** 0: any, false: none; the same for the other two. */
  readonly udpPort: number | false;
  readonly tcpPort: number | false;
  readonly tlsPort: number | false;
  /** For TLS. */
  readonly certificate?: TlsFiles;
  /** At most one of each family; empty: chosen among those listened on. */
  readonly relayAddresses: readonly string[];
  /** What clients and peers are told in place of the relay address of the family: behind 1:1 translation. */
  readonly externalAddresses: readonly string[];
  readonly relayPorts: { readonly min: number; readonly max: number };
  readonly realm: string;
  readonly users: ReadonlyMap<string, string>;
  readonly sharedSecrets: readonly string[];
  readonly allowedPeers: readonly IpPrefix[];
  readonly deniedPeers: readonly IpPrefix[];
  readonly limits?: Partial<TurnServerLimits>;
  readonly maxConnections?: number;
  /** Connections without an allocation are closed after once to twice this; 30 s by default. */
  readonly idleMs?: number;
  readonly logger?: Logger;
}

/** Where clients come to. */
export interface TurnListener {
  readonly transport: "udp" | "tcp" | "tls";
  readonly address: string;
  readonly port: number;
}

export interface TurnService {
  readonly listeners: readonly TurnListener[];
  /** Allocations now, and everything counted since the start. */
  counters(): TurnServerCounters & {
    readonly allocationCount: number;
    readonly connections: number;
    readonly lost: number;
  };
  /** Gives all relays back and closes every socket. Safe to call twice. */
  close(): Promise<void>;
}

const HANDSHAKE_MS = 10_000;
const IDLE_MS = 30_000;
const LINGER_MS = 500;
const hmacSha1: HmacSha1 = (key, data) => createHmac("sha1", key).update(data).digest();
const md5: Md5 = (data) => createHash("md5").update(data).digest();
const random: RandomSource = {
  bytes: (n) => randomBytes(n),
  uint32: () => randomBytes(4).readUInt32LE(),
};
const monotonicUs = (): number => Number(process.hrtime.bigint() / 1000n);

/** Starts the server. Throws {@link ServerError} with nothing left open. */
export async function createTurnService(options: TurnServiceOptions): Promise<TurnService> {
  const service = new Service(options);
  try {
    await service.open();
  } catch (error) {
    await service.close();
    throw error;
  }
  return service;
}

class Service implements TurnService {
  readonly #o: TurnServiceOptions;
  readonly #logger: Logger;
  readonly #core: TurnServer;
  readonly #listening: readonly string[];
  readonly #relayAddresses: ReadonlyMap<4 | 6, string>;
  readonly #announced: ReadonlyMap<4 | 6, string>;
  readonly #udpDoors = new Map<number, UdpEndpoint>();
  readonly #streamDoors: StreamDoor[] = [];
  /** Null while a relay's socket is being opened. */
  readonly #relays = new Map<number, UdpEndpoint | null>();
  readonly listeners: TurnListener[] = [];
  #nextDoor = 1;
  #timer: NodeJS.Timeout | undefined;
  #armedUs = Infinity;
  #lost = 0;
  #closing: Promise<void> | undefined;

  constructor(options: TurnServiceOptions) {
    check(options);
    this.#o = options;
    this.#logger = options.logger ?? silentLogger;
    this.#listening = listenAddresses(options.listenAddresses);
    this.#relayAddresses = relayAddresses(options.relayAddresses, this.#listening);
    this.#announced = new Map([
      ...this.#relayAddresses,
      ...byFamily("external address", options.externalAddresses),
    ]);
    this.#core = this.#makeCore();
  }

  #makeCore(): TurnServer {
    const { realm, users, sharedSecrets, allowedPeers, deniedPeers, relayPorts, limits } = this.#o;
    const anybody = users.size > 0 || sharedSecrets.length > 0;
    const credentials = new TurnCredentials({ realm, users, sharedSecrets, hmacSha1, md5 });
    return new TurnServer({
      ...(anybody && { credentials }),
      peers: new PeerPolicy({ allow: allowedPeers, deny: deniedPeers }),
      relayFamilies: [...this.#relayAddresses.keys()],
      relayPorts,
      random,
      hmacSha1,
      unixSecondsAt: () => Date.now() / 1000,
      limits: limits ?? {},
    });
  }

  // ---- doors

  async open(): Promise<void> {
    const { udpPort, tcpPort, tlsPort, certificate } = this.#o;
    for (const address of this.#listening) {
      if (udpPort !== false) await this.#openUdp(address, udpPort);
      if (tcpPort !== false) await this.#openStream(address, tcpPort);
      if (tlsPort !== false && certificate) await this.#openStream(address, tlsPort, certificate);
    }
    this.#logger.info(
      { listeners: this.listeners, relays: [...this.#announced.values()], realm: this.#o.realm },
      "TURN server listening",
    );
  }

  async #openUdp(address: string, port: number): Promise<void> {
    const door = this.#nextDoor++;
    const endpoint = await bindUdp(address, port, (data, remote) =>
      this.#fromClient({ door, transport: "udp", remote }, data),
    );
    this.#udpDoors.set(door, endpoint);
    this.listeners.push({ transport: "udp", address, port: endpoint.port });
  }

  async #openStream(address: string, port: number, tls?: TlsFiles): Promise<void> {
    const door = new StreamDoor({
      ...(tls && { tls }),
      maxConnections: this.#o.maxConnections ?? 2 * (this.#o.limits?.maxAllocations ?? 1000),
      handshakeMs: HANDSHAKE_MS,
      idleMs: this.#o.idleMs ?? IDLE_MS,
      nextDoor: () => this.#nextDoor++,
      hasAllocation: (flow) => this.#core.hasAllocation(flow),
      onFrame: (flow, frame) => this.#fromClient(flow, frame),
      onClose: (flow) => {
        this.#core.handleDisconnect(flow);
        this.#drain();
      },
    });
    this.#streamDoors.push(door);
    const actual = await listen(door.server, address, port);
    this.listeners.push({ transport: tls ? "tls" : "tcp", address, port: actual });
  }

  #fromClient(flow: ClientFlow, data: Uint8Array): void {
    this.#core.handleMessage(flow, data, monotonicUs());
    this.#drain();
  }

  #toClient(flow: ClientFlow, data: Uint8Array, droppable: boolean): void {
    if (flow.transport === "udp") this.#udpDoors.get(flow.door)?.send(data, flow.remote);
    else this.#streamDoors.some((door) => door.send(flow, data, droppable));
  }

  // ---- relays

  #openRelay(relay: number, family: 4 | 6, port: number): void {
    const address = this.#relayAddresses.get(family) ?? "";
    this.#relays.set(relay, null);
    bindUdp(address, port, (data, from) => {
      this.#core.handlePeerDatagram(relay, from, data, monotonicUs());
      this.#drain();
    }).then(
      (endpoint) => this.#relayOpened(relay, family, endpoint),
      (error) => this.#relayFailed(relay, error),
    );
  }

  #relayOpened(relay: number, family: 4 | 6, endpoint: UdpEndpoint): void {
    if (!this.#relays.has(relay)) {
      void endpoint.close();
      return;
    }
    this.#relays.set(relay, endpoint);
    const relayed: TransportAddress = {
      family,
      address: this.#announced.get(family) ?? "",
      port: endpoint.port,
    };
    this.#core.relayOpened(relay, relayed, monotonicUs());
    this.#drain();
  }

  #relayFailed(relay: number, error: unknown): void {
    const taken = error instanceof ServerError && error.code === "PORT_TAKEN";
    if (!taken) this.#logger.error({ error: String(error) }, "cannot open a relay");
    this.#relays.delete(relay);
    this.#core.relayFailed(relay, taken);
    this.#drain();
  }

  #closeRelay(relay: number): void {
    const endpoint = this.#relays.get(relay);
    this.#relays.delete(relay);
    this.#lost += endpoint?.lost ?? 0;
    void endpoint?.close();
  }

  // ---- the core's wishes

  #drain(): void {
    for (let o = this.#core.pollOutput(); o; o = this.#core.pollOutput()) this.#carryOut(o);
    this.#arm();
  }

  #carryOut(o: TurnServerOutput): void {
    if (o.type === "client") this.#toClient(o.flow, o.data, o.droppable);
    else if (o.type === "peer") this.#relays.get(o.relay)?.send(o.data, o.peer);
    else if (o.type === "openrelay") this.#openRelay(o.relay, o.family, o.port);
    else if (o.type === "closerelay") this.#closeRelay(o.relay);
    else {
      const { type, ...fields } = o;
      this.#logger.info(fields, type === "allocated" ? "relay allocated" : "relay released");
    }
  }

  #arm(): void {
    const next = this.#core.nextDeadlineUs();
    if (next === this.#armedUs) return;
    clearTimeout(this.#timer);
    this.#armedUs = next;
    if (next === Infinity) return;
    const waitMs = Math.max(0, Math.ceil((next - monotonicUs()) / 1000));
    this.#timer = setTimeout(() => {
      this.#armedUs = Infinity;
      this.#core.handleTimeout(monotonicUs());
      this.#drain();
    }, waitMs);
  }

  counters() {
    const open = [...this.#udpDoors.values(), ...this.#relays.values(), ...this.#streamDoors];
    return {
      ...this.#core.counters,
      allocationCount: this.#core.allocationCount,
      connections: this.#streamDoors.reduce((sum, door) => sum + door.connectionCount, 0),
      lost: open.reduce((sum, each) => sum + (each?.lost ?? 0), this.#lost),
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#core.close();
    const relays = [...this.#relays.values()];
    this.#drain();
    clearTimeout(this.#timer);
    await Promise.all([
      ...[...this.#udpDoors.values(), ...relays].map((endpoint) => endpoint?.close()),
      ...this.#streamDoors.map((door) => door.close(LINGER_MS)),
    ]);
    this.#logger.info(this.counters(), "TURN server closed");
  }
}

function check({ relayPorts, tlsPort, certificate }: TurnServiceOptions): void {
  const { min, max } = relayPorts;
  if (!(Number.isInteger(min) && Number.isInteger(max) && min >= 1 && min <= max && max <= 65_535))
    throw new ServerError("BAD_OPTION", `relay ports ${min} to ${max}: expected 1 to 65535, the lower first`);
  if (tlsPort !== false && !certificate)
    throw new ServerError("BAD_OPTION", "TURN over TLS needs a certificate");
}
