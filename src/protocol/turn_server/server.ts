import { parseIp, type TransportAddress } from "../primitives/address.js";
import {
  StunErrorCode as Code,
  decodeStun,
  encodeStun,
  newTransactionId,
  readUint32Attribute,
  readXorAddress,
  type StunAttribute,
  StunClass,
  type StunMessage,
  StunMethod,
  StunAttributeType as Type,
  transactionKey,
  uint32Attribute,
  xorAddressAttribute,
} from "../stun/index.js";
import {
  decodeChannelData,
  encodeChannelData,
  LAST_OLD_CHANNEL,
  looksLikeChannelData,
} from "../turn/channel_data.js";
import { Allocation, ipKey, type Peer } from "./allocation.js";
import { AllocationTable } from "./allocation_table.js";
import { Authenticator } from "./authenticator.js";
import type { Account } from "./credentials.js";
import { Nonces } from "./nonces.js";
import { isRefusal, type Refusal, refusalAttributes } from "./refusal.js";
import { RelayPorts } from "./relay_ports.js";
import { encodeReply } from "./reply.js";
import { ReplyCredit } from "./reply_credit.js";
import {
  type AllocateWish,
  readAllocate,
  readChannelBind,
  readPeers,
  refreshesOtherFamily,
  refuseUnknown,
} from "./requests.js";
import { Reservations } from "./reservations.js";
import {
  type AllocationEnd,
  type ClientFlow,
  DEFAULT_TURN_SERVER_LIMITS,
  type TurnServerCounters,
  type TurnServerLimits,
  type TurnServerOptions,
  type TurnServerOutput,
} from "./types.js";

const SECOND_US = 1_000_000;
/** Ports tried for one allocation when others have taken them. */
const MAX_PORT_ATTEMPTS = 8;

/** A request that is being done. */
interface Request {
  readonly message: StunMessage;
  readonly flow: ClientFlow;
  readonly account: Account;
  readonly nowUs: number;
}

/** An allocation whose socket is being opened; of a pair of ports, one after the other. */
interface Opening {
  readonly request: Request;
  readonly wish: AllocateWish;
  readonly allocation: Allocation;
  attempts: number;
  first?: TransportAddress;
  second?: number;
}

/**
 * A STUN and TURN server (RFC 8489, RFC 8656) without sockets: the owner hands in what clients and peers sent and carries
 * out what `pollOutput` says. Nothing that arrives makes it throw; all it remembers is bounded by `TurnServerLimits`.
 */
export class TurnServer {
  readonly #o: TurnServerOptions;
  readonly #limits: TurnServerLimits;
  readonly #authenticator: Authenticator | undefined;
  readonly #credit: ReplyCredit;
  readonly #ports: RelayPorts;
  readonly #table = new AllocationTable();
  readonly #reservations: Reservations;
  /** By relay; those of a pair by either. */
  readonly #openings = new Map<number, Opening>();
  /** Answers to Allocate, for its retransmissions. */
  readonly #allocateReplies = new Map<number, { readonly id: string; readonly data: Uint8Array }>();
  readonly #outputs: TurnServerOutput[] = [];
  readonly counters: TurnServerCounters = {
    bindings: 0,
    allocations: 0,
    errors: {},
    malformed: 0,
    withheld: 0,
    refusedFromClients: 0,
    refusedFromPeers: 0,
    toPeers: { packets: 0, bytes: 0 },
    toClients: { packets: 0, bytes: 0 },
  };
  #nextRelay = 1;
  #sweepUs = Infinity;

  constructor(options: TurnServerOptions) {
    const { credentials, random, hmacSha1 } = options;
    this.#o = options;
    this.#limits = { ...DEFAULT_TURN_SERVER_LIMITS, ...options.limits };
    const nonces = new Nonces(random, hmacSha1, this.#limits.nonceSeconds);
    this.#authenticator = credentials && new Authenticator(credentials, nonces, hmacSha1);
    this.#credit = new ReplyCredit(this.#limits.maxUnprovenSources);
    this.#ports = new RelayPorts(options.relayPorts, random);
    this.#reservations = new Reservations(random);
  }

  /** Allocations there are, those being opened included. */
  get allocationCount(): number {
    return this.#table.size;
  }

  pollOutput(): TurnServerOutput | undefined {
    return this.#outputs.shift();
  }

  // ---- from clients

  /** Whether the flow has an allocation; a connection without one need not be kept long. */
  hasAllocation(flow: ClientFlow): boolean {
    return this.#table.ofFlow(flow) !== undefined;
  }

  /** Takes a datagram, or a frame of a connection (`TurnStreamFramer`). */
  handleMessage(flow: ClientFlow, data: Uint8Array, nowUs: number): void {
    if (looksLikeChannelData(data, LAST_OLD_CHANNEL)) {
      this.#handleChannelData(flow, data, nowUs);
      return;
    }
    const message = decodeStun(data);
    if (typeof message === "string") this.counters.malformed++;
    else if (message.messageClass === StunClass.Indication) this.#handleIndication(flow, message, nowUs);
    else if (message.messageClass === StunClass.Request) this.#handleRequest(flow, message, nowUs);
  }

  #handleRequest(flow: ClientFlow, message: StunMessage, nowUs: number): void {
    if (message.method === StunMethod.Binding) this.#bindingRequest(flow, message);
    else if (this.#authenticator && ANSWERED_METHODS.has(message.method))
      this.#authenticated(this.#authenticator, flow, message, nowUs);
    // RFC 8489 §6.3: an unknown method is ignored.
  }

  #bindingRequest(flow: ClientFlow, message: StunMessage): void {
    const refusal = refuseUnknown(message);
    if (refusal) {
      this.#refuseUnproven(flow, message, refusal);
      return;
    }
    const mapped = xorAddressAttribute(Type.XorMappedAddress, flow.remote, message.transactionId);
    const reply = encodeReply(message, StunClass.SuccessResponse, [mapped]);
    if (this.#sendUnproven(flow, message, reply)) this.counters.bindings++;
  }

  #authenticated(authenticator: Authenticator, flow: ClientFlow, message: StunMessage, nowUs: number): void {
    const allocation = this.#liveAllocation(flow, nowUs);
    const clock = { nowUs, unixSeconds: this.#o.unixSecondsAt(nowUs) };
    const account = authenticator.check(message, flow, allocation?.account, clock);
    if (isRefusal(account)) {
      this.#refuseUnproven(flow, message, account);
      return;
    }
    const request: Request = { message, flow, account, nowUs };
    const refusal = refuseUnknown(message) ?? this.#handle(request, allocation);
    if (refusal) this.#refuse(request, refusal);
  }

  #handle(request: Request, allocation: Allocation | undefined): Refusal | undefined {
    const { method } = request.message;
    if (allocation && allocation.account.username !== request.account.username)
      return { code: Code.WrongCredentials };
    if (method === StunMethod.Allocate) return this.#allocate(request, allocation);
    // RFC 8656 §5: only what belongs to an allocation can be refreshed, permitted or bound.
    if (!allocation?.relayed) return { code: Code.AllocationMismatch };
    if (method === StunMethod.Refresh) return this.#refresh(request, allocation);
    if (method === StunMethod.CreatePermission) return this.#createPermission(request, allocation);
    return this.#channelBind(request, allocation);
  }

  // ---- Allocate

  #allocate(request: Request, existing: Allocation | undefined): Refusal | undefined {
    if (existing) return this.#allocateAgain(request, existing);
    const wish = readAllocate(request.message, this.#o.relayFamilies);
    if (isRefusal(wish)) return wish;
    if (wish.token) return this.#redeem(request, wish, wish.token);
    return this.#quota(request.account, wish.ports === "pair" ? 2 : 1) ?? this.#open(request, wish);
  }

  /** A reserved relay is one already. */
  #quota({ name }: Account, more: number): Refusal | undefined {
    const { maxAllocations, maxAllocationsPerUser } = this.#limits;
    if (this.#table.countOf(name) + this.#reservations.countOf(name) + more > maxAllocationsPerUser)
      return { code: Code.AllocationQuotaReached };
    if (this.#table.size + this.#reservations.size + more > maxAllocations)
      return { code: Code.InsufficientCapacity };
    return undefined;
  }

  /** RFC 8656 §7.2: a retransmission gets its answer again, another request on the same 5-tuple a 437. */
  #allocateAgain(request: Request, existing: Allocation): Refusal | undefined {
    const id = transactionKey(request.message.transactionId);
    const opening = this.#openings.get(existing.relay);
    if (opening && transactionKey(opening.request.message.transactionId) === id) return undefined;
    const reply = this.#allocateReplies.get(existing.relay);
    if (reply?.id !== id) return { code: Code.AllocationMismatch };
    this.#toClient(request.flow, reply.data, false);
    return undefined;
  }

  #open(request: Request, wish: AllocateWish): Refusal | undefined {
    const port = this.#ports.take(wish.ports);
    if (port === undefined) return { code: Code.InsufficientCapacity };
    const allocation = this.#add(request, wish, this.#nextRelay++, wish.family, port);
    this.#openFirst({ request: keep(request), wish, allocation, attempts: 1 });
    return undefined;
  }

  #openFirst(opening: Opening): void {
    const { relay, family, port } = opening.allocation;
    this.#openings.set(relay, opening);
    this.#outputs.push({ type: "openrelay", relay, family, port });
  }

  #add(request: Request, wish: AllocateWish, relay: number, family: 4 | 6, port: number): Allocation {
    const { flow, account, nowUs } = request;
    const seconds = this.#lifetime(wish.lifetimeSeconds, nowUs, nowUs);
    const given = { relay, flow, account, family, createdUs: nowUs };
    const allocation = new Allocation(given, nowUs + seconds * SECOND_US);
    allocation.port = port;
    this.#table.add(allocation);
    this.#scheduleSweep(nowUs);
    return allocation;
  }

  /** RFC 8656 §7.2: the relay that was reserved is open; nothing is left to wait for. */
  #redeem(request: Request, wish: AllocateWish, token: Uint8Array): Refusal | undefined {
    const { account, nowUs } = request;
    const reservation = this.#reservations.redeem(token, account.name, nowUs);
    if (!reservation) return { code: Code.InsufficientCapacity };
    const { relay, relayed, port } = reservation;
    const allocation = this.#add(request, wish, relay, relayed.family, port);
    this.#allocated(request, wish, allocation, relayed, []);
    return undefined;
  }

  /** The socket is bound. @param relayed - the address as peers reach it */
  relayOpened(relay: number, relayed: TransportAddress, nowUs: number): void {
    const opening = this.#openings.get(relay);
    if (!opening) return;
    const { request, wish, allocation, first } = opening;
    if (wish.ports === "pair" && !first) {
      this.#openSecond(opening, relayed);
      return;
    }
    const account = allocation.account.name;
    const port = allocation.port + 1;
    const token = first && this.#reservations.add({ relay, port, relayed, account }, nowUs);
    this.#dropOpening(opening);
    const extra = token ? [{ type: Type.ReservationToken, value: token }] : [];
    this.#allocated({ ...request, nowUs }, wish, allocation, first ?? relayed, extra);
  }

  #openSecond(opening: Opening, relayed: TransportAddress): void {
    const { family, port } = opening.allocation;
    const relay = this.#nextRelay++;
    opening.first = relayed;
    opening.second = relay;
    this.#openings.set(relay, opening);
    this.#outputs.push({ type: "openrelay", relay, family, port: port + 1 });
  }

  #dropOpening({ allocation, second }: Opening): void {
    this.#openings.delete(allocation.relay);
    if (second !== undefined) this.#openings.delete(second);
  }

  #allocated(
    request: Request,
    wish: AllocateWish,
    allocation: Allocation,
    relayed: TransportAddress,
    extra: readonly StunAttribute[],
  ): void {
    allocation.relayed = relayed;
    const { relay, account, flow } = allocation;
    const attributes = this.#allocatedAttributes(request, wish, allocation, relayed);
    const data = this.#success(request, [...attributes, ...extra]);
    this.#allocateReplies.set(relay, { id: transactionKey(request.message.transactionId), data });
    this.counters.allocations++;
    this.#outputs.push({ type: "allocated", relay, account: account.name, client: flow.remote, relayed });
  }

  #allocatedAttributes(
    { message, flow, nowUs }: Request,
    wish: AllocateWish,
    allocation: Allocation,
    relayed: TransportAddress,
  ): StunAttribute[] {
    const seconds = Math.max(0, Math.round((allocation.expiresUs - nowUs) / SECOND_US));
    const attributes = [
      xorAddressAttribute(Type.XorRelayedAddress, relayed, message.transactionId),
      uint32Attribute(Type.Lifetime, seconds),
      xorAddressAttribute(Type.XorMappedAddress, flow.remote, message.transactionId),
    ];
    // RFC 8656 §18.9: the IPv6 address that was wished for in addition is not given; 440.
    if (wish.additionalFamily)
      attributes.push({ type: Type.AddressErrorCode, value: Uint8Array.of(2, 0, 4, 40) });
    return attributes;
  }

  /** The port could not be bound. `taken`: another one may work. */
  relayFailed(relay: number, taken: boolean): void {
    const opening = this.#openings.get(relay);
    if (!opening) return;
    const { allocation, wish } = opening;
    const wanted = taken && opening.attempts++ < MAX_PORT_ATTEMPTS;
    const port = wanted ? this.#ports.take(wish.ports) : undefined;
    this.#abandon(opening, relay);
    if (port === undefined) {
      this.#forget(allocation);
      this.#refuse(opening.request, { code: Code.InsufficientCapacity });
      return;
    }
    allocation.port = port;
    this.#openFirst(opening);
  }

  /** Gives back the ports and sockets of an allocation that is not complete. @param failed - the relay that has no socket */
  #abandon(opening: Opening, failed?: number): void {
    const { allocation, wish, second } = opening;
    this.#dropOpening(opening);
    this.#ports.release(allocation.port);
    if (wish.ports === "pair") this.#ports.release(allocation.port + 1);
    for (const relay of [allocation.relay, second])
      if (relay !== undefined && relay !== failed) this.#outputs.push({ type: "closerelay", relay });
    delete opening.first;
    delete opening.second;
  }

  // ---- Refresh, CreatePermission, ChannelBind

  #refresh(request: Request, allocation: Allocation): Refusal | undefined {
    const { message, nowUs } = request;
    if (refreshesOtherFamily(message, allocation.family)) return { code: Code.PeerAddressFamilyMismatch };
    const wished = readUint32Attribute(message, Type.Lifetime);
    const seconds = wished === 0 ? 0 : this.#lifetime(wished, allocation.createdUs, nowUs);
    if (seconds === 0) this.#release(allocation, "deleted");
    else allocation.expiresUs = nowUs + seconds * SECOND_US;
    this.#success(request, [uint32Attribute(Type.Lifetime, seconds)]);
    return undefined;
  }

  #createPermission(request: Request, allocation: Allocation): Refusal | undefined {
    const peers = readPeers(request.message, allocation.family, this.#o.peers);
    if (isRefusal(peers)) return peers;
    const added = new Set(peers.map((peer) => peer.ip).filter((ip) => !allocation.knows(ip)));
    if (allocation.permissionCount + added.size > this.#limits.maxPermissions)
      return { code: Code.InsufficientCapacity };
    for (const peer of peers) allocation.permit(peer.ip, request.nowUs);
    this.#success(request, []);
    return undefined;
  }

  #channelBind(request: Request, allocation: Allocation): Refusal | undefined {
    const { message, nowUs } = request;
    const wish = readChannelBind(message, allocation.family, this.#o.peers);
    if (isRefusal(wish)) return wish;
    const { channel, peer } = wish;
    if (!allocation.canBind(channel, peer, nowUs)) return { code: Code.BadRequest };
    if (this.#isFull(allocation, channel, peer, nowUs)) return { code: Code.InsufficientCapacity };
    allocation.bind(channel, peer, nowUs);
    this.#success(request, []);
    return undefined;
  }

  #isFull(allocation: Allocation, channel: number, peer: Peer, nowUs: number): boolean {
    const { maxChannels, maxPermissions } = this.#limits;
    if (allocation.peerOfChannel(channel, nowUs)) return false;
    if (allocation.channelCount >= maxChannels) return true;
    return !allocation.knows(peer.ip) && allocation.permissionCount >= maxPermissions;
  }

  /** RFC 8656 §7.2, §8.2: what is asked for between the default and the most; no older than the age allows. */
  #lifetime(wishedSeconds: number | undefined, createdUs: number, nowUs: number): number {
    const { defaultLifetimeSeconds: least, maxLifetimeSeconds: most, maxAgeSeconds } = this.#limits;
    const left = maxAgeSeconds - Math.floor((nowUs - createdUs) / SECOND_US);
    return Math.max(0, Math.min(Math.max(wishedSeconds ?? least, least), most, left));
  }

  // ---- data

  #handleChannelData(flow: ClientFlow, data: Uint8Array, nowUs: number): void {
    const frame = decodeChannelData(data, LAST_OLD_CHANNEL);
    if (!frame) {
      this.counters.malformed++;
      return;
    }
    const allocation = this.#liveAllocation(flow, nowUs);
    const peer = allocation?.peerOfChannel(frame.channel, nowUs);
    if (allocation && peer) this.#toPeer(allocation, peer, frame.data, nowUs);
    else this.counters.refusedFromClients++;
  }

  /** RFC 8656 §11.2: Send; no answer, whatever is wrong with it. */
  #handleIndication(flow: ClientFlow, message: StunMessage, nowUs: number): void {
    if (message.method !== StunMethod.Send) return;
    const allocation = this.#liveAllocation(flow, nowUs);
    const address = readXorAddress(message, Type.XorPeerAddress);
    const ip = address && parseIp(address.address);
    const data = message.value(Type.Data);
    const understood = message.unknownRequired().length === 0 && !message.has(Type.DontFragment);
    if (allocation && address && ip && data && understood)
      this.#toPeer(allocation, { address, ip: ipKey(ip) }, data, nowUs);
    else this.counters.refusedFromClients++;
  }

  #toPeer(allocation: Allocation, peer: Peer, data: Uint8Array, nowUs: number): void {
    if (!allocation.relayed || !allocation.isPermitted(peer.ip, nowUs) || peer.address.port === 0) {
      this.counters.refusedFromClients++;
      return;
    }
    count(allocation.toPeers, data);
    count(this.counters.toPeers, data);
    this.#outputs.push({ type: "peer", relay: allocation.relay, peer: peer.address, data });
  }

  /** Takes what a peer sent to a relay's socket. */
  handlePeerDatagram(relay: number, from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const allocation = this.#table.ofRelay(relay);
    const ip = parseIp(from.address);
    if (!allocation || !ip) return;
    const peer: Peer = { address: from, ip: ipKey(ip) };
    if (allocation.expiresUs <= nowUs || !allocation.isPermitted(peer.ip, nowUs)) {
      this.counters.refusedFromPeers++;
      return;
    }
    count(allocation.toClient, data);
    count(this.counters.toClients, data);
    const channel = allocation.channelOfPeer(peer, nowUs);
    const { flow } = allocation;
    const message =
      channel === undefined
        ? this.#dataIndication(from, data)
        : encodeChannelData(channel, data, flow.transport !== "udp");
    if (message) this.#toClient(flow, message, true);
  }

  /** RFC 8656 §11.3; undefined for a datagram that has no room left for the header. */
  #dataIndication(from: TransportAddress, data: Uint8Array): Uint8Array | undefined {
    if (data.length > 65_000) return undefined;
    const transactionId = newTransactionId(this.#o.random);
    const attributes = [
      xorAddressAttribute(Type.XorPeerAddress, from, transactionId),
      { type: Type.Data, value: data },
    ];
    const { Data: method } = StunMethod;
    return encodeStun({ method, messageClass: StunClass.Indication, transactionId, attributes });
  }

  // ---- answers

  #success(request: Request, attributes: readonly StunAttribute[]): Uint8Array {
    const { message, flow, account } = request;
    const reply = encodeReply(message, StunClass.SuccessResponse, attributes, this.#integrity(account));
    this.#toClient(flow, reply, false);
    return reply;
  }

  #refuse(request: Request, refusal: Refusal): void {
    const { message, flow, account } = request;
    const attributes = refusalAttributes(refusal, true);
    this.#countError(refusal.code);
    const integrity = this.#integrity(account);
    this.#toClient(flow, encodeReply(message, StunClass.ErrorResponse, attributes, integrity), false);
  }

  #integrity({ key }: Account) {
    return { key, hmac: this.#o.hmacSha1 };
  }

  #refuseUnproven(flow: ClientFlow, message: StunMessage, refusal: Refusal): void {
    const reply = encodeReply(message, StunClass.ErrorResponse, refusalAttributes(refusal, false));
    if (this.#sendUnproven(flow, message, reply)) this.#countError(refusal.code);
  }

  /** A connection's handshake proves its address; a datagram's source may be anybody's. */
  #sendUnproven(flow: ClientFlow, message: StunMessage, reply: Uint8Array): boolean {
    const asked = message.bytes.length;
    if (flow.transport === "udp" && !this.#credit.pay(flow.remote.address, asked, reply.length)) {
      this.counters.withheld++;
      return false;
    }
    this.#toClient(flow, reply, false);
    return true;
  }

  #countError(code: number): void {
    this.counters.errors[code] = (this.counters.errors[code] ?? 0) + 1;
  }

  #toClient(flow: ClientFlow, data: Uint8Array, droppable: boolean): void {
    this.#outputs.push({ type: "client", flow, data, droppable });
  }

  // ---- ends

  #liveAllocation(flow: ClientFlow, nowUs: number): Allocation | undefined {
    const allocation = this.#table.ofFlow(flow);
    if (!allocation || allocation.expiresUs > nowUs) return allocation;
    this.#release(allocation, "expired");
    return undefined;
  }

  /** The connection is gone, and with it its 5-tuple (RFC 8656 §3.1). */
  handleDisconnect(flow: ClientFlow): void {
    const allocation = this.#table.ofFlow(flow);
    if (allocation) this.#release(allocation, "disconnected");
  }

  /** Gives all relays back. */
  close(): void {
    for (const allocation of this.#table.all()) this.#release(allocation, "closed");
    for (const { relay, port } of this.#reservations.expire(Infinity)) this.#closeRelay(relay, port);
    this.#sweepUs = Infinity;
  }

  #release(allocation: Allocation, reason: AllocationEnd): void {
    const { relay, account, toPeers, toClient } = allocation;
    const opening = this.#openings.get(relay);
    if (opening) this.#abandon(opening);
    else this.#closeRelay(relay, allocation.port);
    this.#forget(allocation);
    this.#outputs.push({ type: "released", relay, account: account.name, reason, toPeers, toClient });
  }

  #closeRelay(relay: number, port: number): void {
    this.#ports.release(port);
    this.#outputs.push({ type: "closerelay", relay });
  }

  #forget(allocation: Allocation): void {
    this.#table.remove(allocation);
    this.#allocateReplies.delete(allocation.relay);
  }

  #scheduleSweep(nowUs: number): void {
    this.#sweepUs = Math.min(this.#sweepUs, nowUs + SECOND_US);
  }

  /** Looks once a second, while there is an allocation, for what has run out; nothing expired serves in between. */
  handleTimeout(nowUs: number): void {
    if (nowUs < this.#sweepUs) return;
    this.#sweepUs = Infinity;
    for (const allocation of this.#table.all()) {
      if (allocation.expiresUs <= nowUs) this.#release(allocation, "expired");
      else allocation.sweep(nowUs);
    }
    for (const { relay, port } of this.#reservations.expire(nowUs)) this.#closeRelay(relay, port);
    if (this.#table.size + this.#reservations.size > 0) this.#scheduleSweep(nowUs);
  }

  nextDeadlineUs(): number {
    return this.#sweepUs;
  }
}

/** The methods that are answered to proven clients. */
const ANSWERED_METHODS: ReadonlySet<number> = new Set([
  StunMethod.Allocate,
  StunMethod.Refresh,
  StunMethod.CreatePermission,
  StunMethod.ChannelBind,
]);

/** The receive buffer is the owner's: what outlives the call is copied. */
function keep(request: Request): Request {
  const copy = decodeStun(request.message.bytes.slice());
  return typeof copy === "string" ? request : { ...request, message: copy };
}

function count(traffic: { packets: number; bytes: number }, data: Uint8Array): void {
  traffic.packets++;
  traffic.bytes += data.length;
}
