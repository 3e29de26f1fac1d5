import { formatTransportAddress, parseIp, sameIp, type TransportAddress } from "../primitives/address.js";
import {
  decodeStun,
  encodeStun,
  longTermKey,
  newTransactionId,
  type OutstandingRequest,
  RequestTable,
  readErrorCode,
  readPlainAddress,
  readText,
  readUint32Attribute,
  readXorAddress,
  type StunAttribute,
  StunClass,
  StunErrorCode,
  type StunMessage,
  StunMethod,
  StunAttributeType as Type,
  textAttribute,
  uint32Attribute,
  xorAddressAttribute,
} from "../stun/index.js";
import {
  decodeChannelData,
  encodeChannelData,
  FIRST_CHANNEL,
  LAST_CHANNEL,
  looksLikeChannelData,
} from "./channel_data.js";
import {
  DEFAULT_TURN_TIMERS,
  type TurnClientOptions,
  type TurnCounters,
  type TurnOutput,
  type TurnState,
  type TurnTimers,
} from "./types.js";

const SECOND_US = 1_000_000;
/** RFC 8656 §9.1: permissions last five minutes; renewed a minute before. */
const PERMISSION_RENEWAL_US = 240 * SECOND_US;
/** RFC 8656 §12: channels last ten minutes. */
const CHANNEL_RENEWAL_US = 540 * SECOND_US;
const MAX_PERMISSIONS = 128;
/** Datagrams per peer that wait for its permission: a few connectivity checks. */
const MAX_WAITING = 8;
const MAX_NONCE_RETRIES = 3;
const UDP_PROTOCOL = 17;
const SERVER_UNREACHABLE = 701;

/** May we send to this IP address? (RFC 8656 §9: permissions ignore ports.) */
interface Permission {
  readonly peer: TransportAddress;
  state: "asking" | "granted";
  renewUs: number;
  readonly waiting: { readonly peer: TransportAddress; readonly data: Uint8Array }[];
}

interface Channel {
  readonly number: number;
  readonly peer: TransportAddress;
  state: "asking" | "bound";
  renewUs: number;
}

/**
 * A server that sends no more than it gets before it knows us would otherwise wait for a retransmission until it can send
 * its challenge.
 */
const FIRST_REQUEST_PADDING = [textAttribute(Type.Software, "RoomRTC".padEnd(64))];

interface RequestContext {
  readonly method: number;
  /** Builds the method's own attributes again for a repetition with a new nonce. */
  readonly attributes: (transactionId: Uint8Array) => StunAttribute[];
  readonly authenticated: boolean;
  readonly retries: number;
  readonly permission?: Permission;
  readonly channel?: Channel;
}

type Request = OutstandingRequest<RequestContext>;

/** Requests go to one server only, so the table's route says nothing. */
const NOWHERE: TransportAddress = { family: 4, address: "0.0.0.0", port: 0 };

/**
 * One allocation on a TURN server (RFC 8656) with long-term credentials (RFC 8489 §9.2). Sans-IO: the owner carries
 * bytes between it and the server, over UDP datagram by datagram, over TCP and TLS frame by frame
 * (`TurnStreamFramer`).
 */
export class TurnClient {
  readonly #o: TurnClientOptions;
  readonly #timers: TurnTimers;
  readonly #requests = new RequestTable<RequestContext>();
  readonly #outputs: TurnOutput[] = [];
  readonly #permissions = new Map<string, Permission>();
  readonly #channels = new Map<string, Channel>();
  readonly #channelsByNumber = new Map<number, Channel>();
  readonly counters: TurnCounters = {
    malformed: 0,
    unauthenticated: 0,
    unexpected: 0,
    fromStrangers: 0,
    dropped: 0,
    staleNonces: 0,
  };
  #state: TurnState = "new";
  #realm: string | undefined;
  #nonce: Uint8Array | undefined;
  #key: Uint8Array | undefined;
  #relayed: TransportAddress | undefined;
  #refreshUs = Infinity;

  constructor(options: TurnClientOptions) {
    this.#o = options;
    this.#timers = { ...DEFAULT_TURN_TIMERS, ...options.timers };
  }

  get state(): TurnState {
    return this.#state;
  }

  /** The address that peers see. */
  get relayed(): TransportAddress | undefined {
    return this.#relayed;
  }

  /** Asks for an allocation; `allocated`, `redirected` or `failed` follows. */
  allocate(nowUs: number): void {
    if (this.#state !== "new") return;
    this.#state = "allocating";
    this.#request(StunMethod.Allocate, () => this.#allocateAttributes(), {}, nowUs);
  }

  #allocateAttributes(): StunAttribute[] {
    const { relayFamily = 4, lifetimeSeconds = 600 } = this.#o;
    const attributes = [
      { type: Type.RequestedTransport, value: Uint8Array.of(UDP_PROTOCOL, 0, 0, 0) },
      uint32Attribute(Type.Lifetime, lifetimeSeconds),
    ];
    if (relayFamily === 6)
      attributes.push({ type: Type.RequestedAddressFamily, value: Uint8Array.of(2, 0, 0, 0) });
    return attributes;
  }

  /** Gives the allocation back; `closed` follows when the server knows, or after a while. */
  close(nowUs: number): void {
    if (this.#state !== "allocated") {
      this.#end("closed", { type: "closed" });
      return;
    }
    this.#requests.drop(() => true);
    this.#state = "closing";
    this.#refreshUs = Infinity;
    this.#request(StunMethod.Refresh, () => [uint32Attribute(Type.Lifetime, 0)], {}, nowUs);
  }

  // ---- sending to peers

  /** Sends to a peer, through its channel when there is one; asks for the permission first when it is missing. */
  send(peer: TransportAddress, data: Uint8Array, nowUs: number): void {
    const channel = this.#channels.get(formatTransportAddress(peer));
    if (this.#state !== "allocated") this.counters.dropped++;
    else if (channel?.state === "bound")
      this.#transmit(encodeChannelData(channel.number, data, this.#o.transport !== "udp"));
    else this.#sendIndication(peer, data, nowUs);
  }

  #sendIndication(peer: TransportAddress, data: Uint8Array, nowUs: number): void {
    const permission = this.#permissionFor(peer, nowUs);
    if (!permission) {
      this.counters.dropped++;
    } else if (permission.state === "granted") {
      this.#indicate(peer, data);
    } else if (permission.waiting.length < MAX_WAITING) {
      permission.waiting.push({ peer, data: data.slice() });
    } else {
      this.counters.dropped++;
    }
  }

  /** RFC 8656 §11.1: not authenticated, not answered. */
  #indicate(peer: TransportAddress, data: Uint8Array): void {
    const transactionId = newTransactionId(this.#o.random);
    const attributes = [
      xorAddressAttribute(Type.XorPeerAddress, peer, transactionId),
      { type: Type.Data, value: data },
    ];
    this.#transmit(
      encodeStun({ method: StunMethod.Send, messageClass: StunClass.Indication, transactionId, attributes }),
    );
  }

  /** Lets a peer's IP address send to us, and us to it. */
  permit(peer: TransportAddress, nowUs: number): void {
    if (this.#state === "allocated") this.#permissionFor(peer, nowUs);
  }

  #permissionFor(peer: TransportAddress, nowUs: number): Permission | undefined {
    const known = this.#permissions.get(peer.address);
    if (known) return known;
    if (this.#permissions.size >= MAX_PERMISSIONS || !parseIp(peer.address)) return undefined;
    const permission: Permission = { peer, state: "asking", renewUs: Infinity, waiting: [] };
    this.#permissions.set(peer.address, permission);
    this.#askPermission(permission, nowUs);
    return permission;
  }

  #askPermission(permission: Permission, nowUs: number): void {
    permission.renewUs = Infinity;
    const { peer } = permission;
    const attributes = (id: Uint8Array) => [
      xorAddressAttribute(Type.XorPeerAddress, { ...peer, port: 0 }, id),
    ];
    this.#request(StunMethod.CreatePermission, attributes, { permission }, nowUs);
  }

  /** Binds a channel, which costs 4 bytes a datagram instead of 36. Meant for the peer that is talked to most. */
  bindChannel(peer: TransportAddress, nowUs: number): void {
    const key = formatTransportAddress(peer);
    if (this.#state !== "allocated" || this.#channels.has(key)) return;
    const number = FIRST_CHANNEL + this.#channelsByNumber.size;
    if (number > LAST_CHANNEL) return;
    const channel: Channel = { number, peer, state: "asking", renewUs: Infinity };
    this.#channels.set(key, channel);
    this.#channelsByNumber.set(number, channel);
    this.#askChannel(channel, nowUs);
  }

  #askChannel(channel: Channel, nowUs: number): void {
    channel.renewUs = Infinity;
    const attributes = (id: Uint8Array) => [
      uint32Attribute(Type.ChannelNumber, channel.number * 65536),
      xorAddressAttribute(Type.XorPeerAddress, channel.peer, id),
    ];
    this.#request(StunMethod.ChannelBind, attributes, { channel }, nowUs);
  }

  // ---- requests

  #request(
    method: number,
    attributes: RequestContext["attributes"],
    about: Pick<RequestContext, "permission" | "channel">,
    nowUs: number,
    retries = 0,
  ): void {
    const transactionId = newTransactionId(this.#o.random);
    const authenticated = this.#key !== undefined;
    const data = encodeStun({
      method,
      messageClass: StunClass.Request,
      transactionId,
      attributes: [...attributes(transactionId), ...this.#credentialAttributes()],
      ...(this.#key && { integrity: { key: this.#key, hmac: this.#o.hmacSha1 } }),
      fingerprint: true,
    });
    const { rtoUs, requestCount, lastWaitFactor, streamTimeoutUs } = this.#timers;
    const plan =
      this.#o.transport === "udp"
        ? { rtoUs, requestCount, lastWaitFactor }
        : { rtoUs: streamTimeoutUs, requestCount: 1, lastWaitFactor: 1 };
    const context: RequestContext = { method, attributes, authenticated, retries, ...about };
    this.#requests.start({ transactionId, data, socketId: 0, to: NOWHERE, context, plan }, nowUs);
    this.#transmit(data);
  }

  #credentialAttributes(): StunAttribute[] {
    if (!this.#nonce || this.#realm === undefined) return FIRST_REQUEST_PADDING;
    return [
      textAttribute(Type.Username, this.#o.username),
      textAttribute(Type.Realm, this.#realm),
      { type: Type.Nonce, value: this.#nonce },
    ];
  }

  #transmit(data: Uint8Array): void {
    this.#outputs.push({ type: "transmit", data });
  }

  // ---- what the server sends

  /** Takes one datagram or frame from the server. @returns whether it was for this client. */
  handleMessage(data: Uint8Array, nowUs: number): boolean {
    if (this.#state === "closed" || this.#state === "failed") return false;
    if (looksLikeChannelData(data)) {
      this.#handleChannelData(data);
      return true;
    }
    const message = decodeStun(data);
    if (typeof message === "string") {
      this.counters.malformed++;
      return false;
    }
    if (message.messageClass === StunClass.Indication) return this.#handleIndication(message);
    if (message.messageClass === StunClass.Request) return false;
    return this.#handleResponse(message, nowUs);
  }

  #handleChannelData(data: Uint8Array): void {
    const frame = decodeChannelData(data);
    const channel = frame && this.#channelsByNumber.get(frame.channel);
    if (!frame) this.counters.malformed++;
    else if (!channel) this.counters.fromStrangers++;
    else this.#outputs.push({ type: "data", from: channel.peer, data: frame.data });
  }

  #handleIndication(message: StunMessage): boolean {
    if (message.method !== StunMethod.Data) return false;
    const from = readXorAddress(message, Type.XorPeerAddress);
    const data = message.value(Type.Data);
    if (!from || !data) this.counters.malformed++;
    else if (!this.#permissions.has(from.address) && !this.#isChannelPeer(from))
      this.counters.fromStrangers++;
    else this.#outputs.push({ type: "data", from, data });
    return true;
  }

  #isChannelPeer(from: TransportAddress): boolean {
    for (const c of this.#channels.values()) if (sameIp(c.peer.address, from.address)) return true;
    return false;
  }

  #handleResponse(message: StunMessage, nowUs: number): boolean {
    const request = this.#requests.find(message.transactionId);
    if (!request || request.context.method !== message.method) return false;
    const error = message.messageClass === StunClass.ErrorResponse ? readErrorCode(message) : undefined;
    if (!this.#isAuthentic(message, request.context, error?.code)) {
      this.counters.unauthenticated++;
      return true;
    }
    this.#requests.finish(request);
    if (message.messageClass === StunClass.SuccessResponse) this.#handleSuccess(request, message, nowUs);
    else this.#handleError(request, message, error ?? { code: 0, reason: "malformed error" }, nowUs);
    return true;
  }

  /** RFC 8489 §9.2.5: with integrity, but for refusals that come before the server knows the key. */
  #isAuthentic(message: StunMessage, context: RequestContext, code: number | undefined): boolean {
    if (!context.authenticated) return true;
    if (message.has(Type.MessageIntegrity))
      return !!this.#key && message.verifyIntegrity(this.#key, this.#o.hmacSha1);
    return (
      code === StunErrorCode.BadRequest ||
      code === StunErrorCode.Unauthenticated ||
      code === StunErrorCode.StaleNonce
    );
  }

  #handleSuccess(request: Request, message: StunMessage, nowUs: number): void {
    const { method, permission, channel } = request.context;
    if (method === StunMethod.Allocate) this.#allocated(message, nowUs);
    else if (method === StunMethod.Refresh) this.#refreshed(message, nowUs);
    else if (permission) this.#permitted(permission, nowUs);
    else if (channel) this.#bound(channel, nowUs);
  }

  #bound(channel: Channel, nowUs: number): void {
    if (channel.state !== "bound")
      this.#outputs.push({ type: "channelbound", peer: channel.peer, channel: channel.number });
    channel.state = "bound";
    channel.renewUs = nowUs + CHANNEL_RENEWAL_US;
  }

  #allocated(message: StunMessage, nowUs: number): void {
    const relayed = readXorAddress(message, Type.XorRelayedAddress);
    const mapped = readXorAddress(message, Type.XorMappedAddress);
    const lifetimeSeconds = readUint32Attribute(message, Type.Lifetime) ?? 0;
    if (!relayed || !mapped || lifetimeSeconds === 0) {
      this.#fail(
        StunErrorCode.ServerError,
        "The server's answer has no relayed address, mapped address or lifetime",
      );
      return;
    }
    this.#state = "allocated";
    this.#relayed = relayed;
    this.#scheduleRefresh(lifetimeSeconds, nowUs);
    this.#outputs.push({ type: "allocated", relayed, mapped, lifetimeSeconds });
  }

  #refreshed(message: StunMessage, nowUs: number): void {
    if (this.#state === "closing") this.#end("closed", { type: "closed" });
    else this.#scheduleRefresh(readUint32Attribute(message, Type.Lifetime) ?? 0, nowUs);
  }

  /** A minute before its end, or half-way through a short life: time enough for repetitions. */
  #scheduleRefresh(lifetimeSeconds: number, nowUs: number): void {
    const seconds = Math.max(1, lifetimeSeconds - Math.min(60, lifetimeSeconds / 2));
    this.#refreshUs = nowUs + seconds * SECOND_US;
  }

  #permitted(permission: Permission, nowUs: number): void {
    permission.state = "granted";
    permission.renewUs = nowUs + PERMISSION_RENEWAL_US;
    for (const { peer, data } of permission.waiting.splice(0)) this.#indicate(peer, data);
  }

  #handleError(
    request: Request,
    message: StunMessage,
    error: { code: number; reason: string },
    nowUs: number,
  ): void {
    const { context } = request;
    if (this.#authenticateAnew(context, message, error.code)) {
      this.#request(context.method, context.attributes, pickSubject(context), nowUs, context.retries + 1);
    } else if (this.#state === "closing") {
      this.#end("closed", { type: "closed" });
    } else if (context.method === StunMethod.Allocate && error.code === StunErrorCode.TryAlternate) {
      this.#redirect(message, error.reason);
    } else if (context.permission || context.channel) {
      this.#deny(context, error);
    } else {
      this.#fail(error.code, error.reason);
    }
  }

  /** 401 to a first request, or 438: take realm and nonce and try again. False when that would not help. */
  #authenticateAnew(context: RequestContext, message: StunMessage, code: number): boolean {
    const stale = code === StunErrorCode.StaleNonce;
    const challenged = code === StunErrorCode.Unauthenticated && !context.authenticated;
    const nonce = message.value(Type.Nonce);
    const realm = readText(message, Type.Realm) ?? this.#realm;
    if ((!stale && !challenged) || !nonce || realm === undefined || context.retries >= MAX_NONCE_RETRIES)
      return false;
    if (stale) this.counters.staleNonces++;
    this.#nonce = nonce.slice();
    if (realm !== this.#realm || !this.#key) {
      this.#realm = realm;
      this.#key = longTermKey(this.#o.username, realm, this.#o.password, this.#o.md5);
    }
    return true;
  }

  #redirect(message: StunMessage, reason: string): void {
    const value = message.value(Type.AlternateServer);
    const server = value && readPlainAddress(value);
    if (!server) this.#fail(StunErrorCode.TryAlternate, reason);
    else this.#end("failed", { type: "redirected", server });
  }

  #deny(context: RequestContext, error: { code: number; reason: string }): void {
    const peer = (context.permission ?? context.channel)?.peer;
    if (context.permission) {
      this.counters.dropped += context.permission.waiting.length;
      this.#permissions.delete(context.permission.peer.address);
    }
    // The number is not used again: RFC 8656 §12 binds it to the peer for a while.
    if (context.channel) this.#channels.delete(formatTransportAddress(context.channel.peer));
    if (peer) this.#outputs.push({ type: "denied", peer, code: error.code, reason: error.reason });
  }

  #fail(code: number, reason: string): void {
    this.#end("failed", { type: "failed", code, reason });
  }

  #end(state: "failed" | "closed", output: TurnOutput): void {
    if (this.#state === "failed" || this.#state === "closed") return;
    this.#state = state;
    this.#requests.drop(() => true);
    this.#permissions.clear();
    this.#channels.clear();
    this.#channelsByNumber.clear();
    this.#refreshUs = Infinity;
    this.#outputs.push(output);
  }

  // ---- time

  handleTimeout(nowUs: number): void {
    this.#requests.handleTimeout(
      nowUs,
      (r) => this.#transmit(r.data),
      (r) => this.#expired(r),
    );
    if (this.#state !== "allocated") return;
    this.#renew(nowUs);
  }

  #expired(request: Request): void {
    const { permission, channel } = request.context;
    if (this.#state === "closing") this.#end("closed", { type: "closed" });
    else if (permission || channel)
      this.#deny(request.context, { code: SERVER_UNREACHABLE, reason: "No answer" });
    else this.#fail(SERVER_UNREACHABLE, "No answer from the TURN server");
  }

  #renew(nowUs: number): void {
    if (nowUs >= this.#refreshUs) {
      this.#refreshUs = Infinity;
      const seconds = this.#o.lifetimeSeconds ?? 600;
      this.#request(StunMethod.Refresh, () => [uint32Attribute(Type.Lifetime, seconds)], {}, nowUs);
    }
    for (const p of this.#permissions.values()) if (nowUs >= p.renewUs) this.#askPermission(p, nowUs);
    for (const c of this.#channels.values()) if (nowUs >= c.renewUs) this.#askChannel(c, nowUs);
  }

  nextDeadlineUs(): number {
    let next = Math.min(this.#requests.nextDeadlineUs(), this.#refreshUs);
    for (const p of this.#permissions.values()) next = Math.min(next, p.renewUs);
    for (const c of this.#channels.values()) next = Math.min(next, c.renewUs);
    return next;
  }

  pollOutput(): TurnOutput | undefined {
    return this.#outputs.shift();
  }
}

function pickSubject(context: RequestContext): Pick<RequestContext, "permission" | "channel"> {
  return {
    ...(context.permission && { permission: context.permission }),
    ...(context.channel && { channel: context.channel }),
  };
}
