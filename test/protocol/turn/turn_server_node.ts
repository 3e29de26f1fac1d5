import { formatTransportAddress, type TransportAddress } from "../../../src/protocol/primitives/address.js";
import {
  decodeStun,
  encodeStun,
  errorCodeAttribute,
  longTermKey,
  readText,
  readUint32Attribute,
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
import type { Node, World } from "../ice/world.js";
import { hmacSha1, md5 } from "../stun/crypto.js";

export const REALM = "example.org";
export const USER = "someone";
export const PASSWORD = "secret";

interface Allocation {
  readonly client: TransportAddress;
  readonly relayed: TransportAddress;
  expiresUs: number;
  readonly permissions: Map<string, number>;
  readonly channels: Map<number, TransportAddress>;
  readonly channelExpiry: Map<number, number>;
}

/** A small TURN server after RFC 8656, strict about what the client must do. */
export class TurnServerNode implements Node {
  readonly addresses: TransportAddress[];
  readonly allocations = new Map<string, Allocation>();
  /** Every request's method and, where it was refused, the code. */
  readonly log: string[] = [];
  nonce = 1;
  lifetimeSeconds = 600;
  /** Refuses the next Allocate that is authenticated, with this. */
  refuseAllocate: { code: number; attributes?: StunAttribute[] } | undefined;
  deniedPeers = new Set<string>();
  dataIndications = 0;
  channelData = 0;
  #nextPort = 50000;

  constructor(
    readonly world: World,
    readonly at: TransportAddress,
  ) {
    this.addresses = [at];
  }

  receive(at: TransportAddress, from: TransportAddress, data: Uint8Array, nowUs: number): void {
    if (at.port !== this.at.port) this.#fromPeer(at, from, data, nowUs);
    else if (data[0] >= 0x40) this.#channelData(from, data, nowUs);
    else this.#stun(from, data, nowUs);
  }

  #allocation(client: TransportAddress, nowUs: number): Allocation | undefined {
    const a = this.allocations.get(formatTransportAddress(client));
    return a && a.expiresUs > nowUs ? a : undefined;
  }

  #fromPeer(relayed: TransportAddress, from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const a = [...this.allocations.values()].find((x) => x.relayed.port === relayed.port);
    if (!a || a.expiresUs <= nowUs || (a.permissions.get(from.address) ?? 0) <= nowUs) return;
    for (const [number, peer] of a.channels) {
      if (formatTransportAddress(peer) !== formatTransportAddress(from)) continue;
      if ((a.channelExpiry.get(number) ?? 0) <= nowUs) continue;
      const frame = new Uint8Array(4 + data.length);
      frame.set([number >> 8, number & 255, data.length >> 8, data.length & 255]);
      frame.set(data, 4);
      this.world.send(this, this.at, a.client, frame);
      return;
    }
    const transactionId = this.world.random.bytes(12);
    this.dataIndications++;
    this.world.send(
      this,
      this.at,
      a.client,
      encodeStun({
        method: StunMethod.Data,
        messageClass: StunClass.Indication,
        transactionId,
        attributes: [
          xorAddressAttribute(Type.XorPeerAddress, from, transactionId),
          { type: Type.Data, value: data },
        ],
      }),
    );
  }

  #channelData(from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const a = this.#allocation(from, nowUs);
    const number = (data[0] << 8) | data[1];
    const peer = a?.channels.get(number);
    if (!a || !peer || (a.channelExpiry.get(number) ?? 0) <= nowUs) return;
    this.channelData++;
    this.world.send(this, a.relayed, peer, data.slice(4, 4 + ((data[2] << 8) | data[3])));
  }

  #stun(from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const m = decodeStun(data);
    if (!(m instanceof StunMessage)) return;
    if (m.messageClass === StunClass.Indication) {
      const peer = readXorAddress(m, Type.XorPeerAddress);
      const a = this.#allocation(from, nowUs);
      const value = m.value(Type.Data);
      if (a && peer && value && (a.permissions.get(peer.address) ?? 0) > nowUs) {
        this.world.send(this, a.relayed, peer, value.slice());
      }
      return;
    }
    if (m.method === StunMethod.Binding) {
      this.#answer(m, from, [xorAddressAttribute(Type.XorMappedAddress, from, m.transactionId)], undefined);
      return;
    }
    const key = longTermKey(USER, REALM, PASSWORD, md5);
    const refusal = this.#authenticate(m, key);
    if (refusal) {
      this.log.push(`${m.method} ${refusal}`);
      const challenge = [textAttribute(Type.Realm, REALM), textAttribute(Type.Nonce, `nonce${this.nonce}`)];
      this.#refuse(m, from, refusal, challenge, undefined);
      return;
    }
    this.#act(m, from, key, nowUs);
  }

  #authenticate(m: StunMessage, key: Uint8Array): number | undefined {
    if (!m.has(Type.MessageIntegrity)) return 401;
    if (readText(m, Type.Nonce) !== `nonce${this.nonce}`) return 438;
    const known = readText(m, Type.Username) === USER && readText(m, Type.Realm) === REALM;
    return known && m.verifyIntegrity(key, hmacSha1) ? undefined : 401;
  }

  #act(m: StunMessage, from: TransportAddress, key: Uint8Array, nowUs: number): void {
    const a = this.#allocation(from, nowUs);
    const fail = (code: number) => {
      this.log.push(`${m.method} ${code}`);
      this.#refuse(m, from, code, [], key);
    };
    if (m.method === StunMethod.Allocate) this.#allocate(m, from, key, nowUs);
    else if (!a) fail(437);
    else if (m.method === StunMethod.Refresh) {
      const seconds = Math.min(readUint32Attribute(m, Type.Lifetime) ?? 600, this.lifetimeSeconds);
      this.log.push(`4 ok ${seconds}`);
      a.expiresUs = nowUs + seconds * 1e6;
      this.#answer(m, from, [uint32Attribute(Type.Lifetime, seconds)], key);
    } else {
      const peer = readXorAddress(m, Type.XorPeerAddress);
      if (!peer || this.deniedPeers.has(peer.address)) {
        fail(403);
        return;
      }
      if (m.method === StunMethod.ChannelBind) {
        const number = (readUint32Attribute(m, Type.ChannelNumber) ?? 0) >>> 16;
        const bound = a.channels.get(number);
        if (
          number < 0x4000 ||
          number > 0x4fff ||
          (bound && formatTransportAddress(bound) !== formatTransportAddress(peer))
        ) {
          fail(400);
          return;
        }
        a.channels.set(number, peer);
        a.channelExpiry.set(number, nowUs + 600e6);
      }
      this.log.push(`${m.method} ok`);
      a.permissions.set(peer.address, nowUs + 300e6);
      this.#answer(m, from, [], key);
    }
  }

  #allocate(m: StunMessage, from: TransportAddress, key: Uint8Array, nowUs: number): void {
    if (this.refuseAllocate) {
      const { code, attributes = [] } = this.refuseAllocate;
      this.log.push(`3 ${code}`);
      this.#refuse(m, from, code, attributes, key);
      return;
    }
    if (m.value(Type.RequestedTransport)?.[0] !== 17) {
      this.#refuse(m, from, 442, [], key);
      return;
    }
    this.log.push("3 ok");
    const id = formatTransportAddress(from);
    const known = this.allocations.get(id);
    const relayed = known?.relayed ?? { ...this.at, port: this.#nextPort++ };
    if (!known) this.addresses.push(relayed);
    this.allocations.set(id, {
      client: from,
      relayed,
      expiresUs: nowUs + this.lifetimeSeconds * 1e6,
      permissions: new Map(),
      channels: new Map(),
      channelExpiry: new Map(),
    });
    this.#answer(
      m,
      from,
      [
        xorAddressAttribute(Type.XorRelayedAddress, relayed, m.transactionId),
        xorAddressAttribute(Type.XorMappedAddress, from, m.transactionId),
        uint32Attribute(Type.Lifetime, this.lifetimeSeconds),
      ],
      key,
    );
  }

  #refuse(
    m: StunMessage,
    to: TransportAddress,
    code: number,
    attributes: StunAttribute[],
    key: Uint8Array | undefined,
  ): void {
    this.#send(m, to, StunClass.ErrorResponse, [errorCodeAttribute(code, "no"), ...attributes], key);
  }

  #answer(
    m: StunMessage,
    to: TransportAddress,
    attributes: StunAttribute[],
    key: Uint8Array | undefined,
  ): void {
    this.#send(m, to, StunClass.SuccessResponse, attributes, key);
  }

  #send(
    m: StunMessage,
    to: TransportAddress,
    messageClass: 2 | 3,
    attributes: StunAttribute[],
    key: Uint8Array | undefined,
  ): void {
    const data = encodeStun({
      method: m.method,
      messageClass,
      transactionId: m.transactionId,
      attributes,
      ...(key && { integrity: { key, hmac: hmacSha1 } }),
      fingerprint: true,
    });
    this.world.send(this, this.at, to, data);
  }
}
