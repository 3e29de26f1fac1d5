/** One server without a network, and clients that say exactly what the test wants. */
import assert from "node:assert/strict";
import type { TransportAddress } from "../../../src/protocol/primitives/address.js";
import { type IpPrefix, parseIpPrefix } from "../../../src/protocol/primitives/ip_prefix.js";
import { seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  decodeStun,
  encodeStun,
  longTermKey,
  readErrorCode,
  readXorAddress,
  type StunAttribute,
  StunClass,
  StunMessage,
  StunMethod,
  StunAttributeType as Type,
  textAttribute,
  uint32Attribute,
  xorAddressAttribute,
} from "../../../src/protocol/stun/index.js";
import {
  type ClientFlow,
  PeerPolicy,
  TurnCredentials,
  TurnServer,
  type TurnServerLimits,
  type TurnServerOutput,
} from "../../../src/protocol/turn_server/index.js";
import { address } from "../ice/world.js";
import { hmacSha1, md5 } from "../stun/crypto.js";

export const REALM = "realm";
export const USER = "someone";
export const PASSWORD = "password";
export const SECRETS = ["new secret", "old secret"];
export const RELAY_IP = "203.0.113.1";
export const PEER = address("198.51.100.7", 7000);
export const UDP = { type: Type.RequestedTransport, value: Uint8Array.of(17, 0, 0, 0) };
/** Peers of the tests live in the documentation networks. */
export const TEST_PEERS = prefixes("198.51.100.0/24", "2001:db8::/32");
/** Unix seconds at virtual time 0. */
export const EPOCH = 1_800_000_000;

export function prefixes(...texts: string[]): IpPrefix[] {
  return texts.map((text) => {
    const prefix = parseIpPrefix(text);
    assert.ok(prefix, text);
    return prefix;
  });
}

export interface BenchOptions {
  readonly limits?: Partial<TurnServerLimits>;
  readonly ports?: { readonly min: number; readonly max: number };
  readonly policy?: PeerPolicy;
  readonly stunOnly?: boolean;
  readonly families?: readonly (4 | 6)[];
  readonly seed?: number;
}

export class Bench {
  nowUs = 0;
  readonly server: TurnServer;
  readonly outputs: TurnServerOutput[] = [];
  /** Ports that another program holds. */
  readonly takenPorts = new Set<number>();
  readonly openPorts = new Map<number, number>();

  constructor(options: BenchOptions = {}) {
    const credentials = new TurnCredentials({
      realm: REALM,
      users: new Map([
        [USER, PASSWORD],
        ["other", "word"],
      ]),
      sharedSecrets: SECRETS,
      hmacSha1,
      md5,
    });
    this.server = new TurnServer({
      ...(options.stunOnly ? {} : { credentials }),
      peers: options.policy ?? new PeerPolicy({ allow: TEST_PEERS }),
      relayFamilies: options.families ?? [4, 6],
      relayPorts: options.ports ?? { min: 49152, max: 65535 },
      random: seededRandom(options.seed ?? 1),
      hmacSha1,
      unixSecondsAt: (nowUs) => EPOCH + nowUs / 1e6,
      limits: options.limits ?? {},
    });
  }

  client(port = 5000, options: Partial<BareOptions> = {}): BareClient {
    return new BareClient(this, { flow: udpFlow(port), username: USER, password: PASSWORD, ...options });
  }

  /** Lets the time pass, and the server look at its clock. */
  wait(seconds: number): void {
    this.nowUs += seconds * 1e6;
    this.server.handleTimeout(this.nowUs);
    this.drain();
  }

  drain(): void {
    for (let o = this.server.pollOutput(); o; o = this.server.pollOutput()) {
      this.outputs.push(o);
      if (o.type === "openrelay") this.#openRelay(o.relay, o.family, o.port);
      if (o.type === "closerelay") this.openPorts.delete(o.relay);
    }
  }

  #openRelay(relay: number, family: 4 | 6, port: number): void {
    if (this.takenPorts.has(port)) {
      this.server.relayFailed(relay, true);
      return;
    }
    this.openPorts.set(relay, port);
    this.server.relayOpened(relay, address(family === 4 ? RELAY_IP : "2001:db8::1", port), this.nowUs);
  }

  handle(flow: ClientFlow, data: Uint8Array): Uint8Array[] {
    const before = this.outputs.length;
    this.server.handleMessage(flow, data, this.nowUs);
    this.drain();
    return this.outputs.slice(before).flatMap((o) => (o.type === "client" ? [o.data] : []));
  }

  fromPeer(relay: number, from: TransportAddress, data: Uint8Array): Uint8Array[] {
    const before = this.outputs.length;
    this.server.handlePeerDatagram(relay, from, data, this.nowUs);
    this.drain();
    return this.outputs.slice(before).flatMap((o) => (o.type === "client" ? [o.data] : []));
  }

  /** What peers got, and forgets it. */
  toPeers(): Extract<TurnServerOutput, { type: "peer" }>[] {
    const all = this.outputs.flatMap((o) => (o.type === "peer" ? [o] : []));
    this.outputs.length = 0;
    return all;
  }

  ofType<T extends TurnServerOutput["type"]>(type: T): Extract<TurnServerOutput, { type: T }>[] {
    return this.outputs.filter((o): o is Extract<TurnServerOutput, { type: T }> => o.type === type);
  }
}

export function udpFlow(port: number, ip = "192.0.2.1"): ClientFlow {
  return { door: 0, transport: "udp", remote: address(ip, port) };
}

export interface BareOptions {
  readonly flow: ClientFlow;
  readonly username: string;
  readonly password: string;
}

export class BareClient {
  readonly flow: ClientFlow;
  readonly key: Uint8Array;
  nonce: Uint8Array | undefined;
  #count = 0;

  constructor(
    readonly bench: Bench,
    readonly o: BareOptions,
  ) {
    this.flow = o.flow;
    this.key = longTermKey(o.username, REALM, o.password, md5);
  }

  id(): Uint8Array {
    const id = new Uint8Array(12);
    id.set([this.flow.remote.port >> 8, this.flow.remote.port & 255, this.#count >> 8, this.#count++ & 255]);
    return id;
  }

  /** A request with all credentials; `without` leaves attributes out. */
  encode(
    method: number,
    attributes: (id: Uint8Array) => StunAttribute[],
    without: readonly number[] = [],
    id = this.id(),
  ): Uint8Array {
    const credentials = [
      textAttribute(Type.Username, this.o.username),
      textAttribute(Type.Realm, REALM),
      { type: Type.Nonce, value: this.nonce ?? new Uint8Array(0) },
    ].filter(({ type }) => !without.includes(type));
    return encodeStun({
      method,
      messageClass: StunClass.Request,
      transactionId: id,
      attributes: [...attributes(id), ...credentials],
      integrity: { key: this.key, hmac: hmacSha1 },
    });
  }

  /** Fetches a nonce by asking without credentials, with enough padding to pay for the answer. */
  challenge(): StunMessage {
    const data = encodeStun({
      method: StunMethod.Allocate,
      messageClass: StunClass.Request,
      transactionId: this.id(),
      attributes: [UDP, textAttribute(Type.Software, "x".repeat(60))],
    });
    const reply = only(this.bench.handle(this.flow, data));
    this.nonce = reply.value(Type.Nonce)?.slice();
    return reply;
  }

  ask(
    method: number,
    attributes: (id: Uint8Array) => StunAttribute[] = () => [],
    without: readonly number[] = [],
  ): StunMessage {
    if (!this.nonce) this.challenge();
    return only(this.bench.handle(this.flow, this.encode(method, attributes, without)));
  }

  allocate(...attributes: StunAttribute[]): StunMessage {
    return this.ask(StunMethod.Allocate, () => [UDP, ...attributes]);
  }

  refresh(seconds: number): StunMessage {
    return this.ask(StunMethod.Refresh, () => [uint32Attribute(Type.Lifetime, seconds)]);
  }

  permit(...peers: TransportAddress[]): StunMessage {
    return this.ask(StunMethod.CreatePermission, (id) =>
      peers.map((peer) => xorAddressAttribute(Type.XorPeerAddress, peer, id)),
    );
  }

  bind(channel: number, peer: TransportAddress): StunMessage {
    return this.ask(StunMethod.ChannelBind, (id) => [
      uint32Attribute(Type.ChannelNumber, channel * 65536),
      xorAddressAttribute(Type.XorPeerAddress, peer, id),
    ]);
  }

  /** A Send indication. */
  send(peer: TransportAddress, data: Uint8Array, ...more: StunAttribute[]): void {
    const transactionId = this.id();
    const attributes = [
      xorAddressAttribute(Type.XorPeerAddress, peer, transactionId),
      { type: Type.Data, value: data },
      ...more,
    ];
    const { Send: method } = StunMethod;
    const replies = this.bench.handle(
      this.flow,
      encodeStun({ method, messageClass: StunClass.Indication, transactionId, attributes }),
    );
    assert.deepEqual(replies, [], "an indication has no answer");
  }

  /** The number of the relay that was opened last. */
  get relay(): number {
    return this.bench.ofType("allocated").at(-1)?.relay ?? 0;
  }
}

export function only(replies: readonly Uint8Array[]): StunMessage {
  assert.equal(replies.length, 1, "exactly one answer");
  const message = decodeStun(replies[0]);
  assert.ok(message instanceof StunMessage, String(message));
  return message;
}

/** The error code of an answer, or 0 for success. */
export function codeOf(reply: StunMessage): number {
  if (reply.messageClass === StunClass.SuccessResponse) return 0;
  return readErrorCode(reply)?.code ?? -1;
}

export const relayedOf = (reply: StunMessage) => readXorAddress(reply, Type.XorRelayedAddress);
