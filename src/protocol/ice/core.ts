import type { TransportAddress } from "../primitives/address.js";
import type { RandomSource } from "../primitives/random.js";
import type { HmacSha1 } from "../stun/index.js";
import { type OutstandingRequest, RequestTable, type RetransmissionPlan } from "../stun/index.js";
import type { GatherTask } from "./gatherer.js";
import type { IceGeneration } from "./generation.js";
import { LocalCandidates, RELAY_SOCKET_BASE } from "./local_candidates.js";
import type { CandidatePair, IceRole, LocalPath, RemoteCandidate } from "./pair.js";
import { isStreamSocket, Streams } from "./streams.js";
import { DEFAULT_ICE_LIMITS, DEFAULT_ICE_TIMERS, type IceLimits, type IceTimers } from "./timers.js";
import { type IceAgentOptions, type IceOutput, newIceCounters } from "./types.js";

/** What a request on a pair was for. */
export interface CheckContext {
  readonly kind: "check" | "consent";
  readonly generation: IceGeneration;
  readonly pair: CandidatePair;
  readonly nominating: boolean;
  readonly role: IceRole;
}

export type RequestContext = CheckContext | { readonly kind: "gather"; readonly task: GatherTask };
export type IceRequest = OutstandingRequest<RequestContext>;

/** What carries the datagrams of relayed paths. */
export interface RelayCarrier {
  /** False: the path is none of its own. */
  send(socketId: number, to: TransportAddress, data: Uint8Array, nowUs: number): boolean;
  /** The peer of the selected pair gets a channel. */
  prefer(path: LocalPath, peer: TransportAddress, nowUs: number): void;
}

/** The agent's TCP candidates and the connections with them. */
export interface TcpCarrier {
  send(socketId: number, data: Uint8Array, nowUs: number): "sent" | "waits" | "lost";
  prove(socketId: number): void;
  pathsTo(remote: RemoteCandidate): LocalPath[];
  keep(isUsed: (path: LocalPath) => boolean): void;
}

/** What the parts of one agent share: its settings, its ends, its open requests and its output. */
export class IceCore {
  readonly random: RandomSource;
  readonly hmac: HmacSha1;
  readonly timers: IceTimers;
  readonly limits: IceLimits;
  readonly locals = new LocalCandidates();
  readonly requests = new RequestTable<RequestContext>();
  readonly outputs: IceOutput[] = [];
  readonly streams: Streams;
  readonly counters = newIceCounters();

  constructor(options: IceAgentOptions) {
    this.random = options.random;
    this.hmac = options.hmacSha1;
    this.timers = { ...DEFAULT_ICE_TIMERS, ...options.timers };
    this.lite = options.lite ?? false;
    this.relayOnly = options.turn?.relayOnly ?? false;
    this.limits = { ...DEFAULT_ICE_LIMITS, ...options.limits };
    this.streams = new Streams(this.outputs, this.timers.streamTimeoutUs);
  }

  /** The time of the call that is being served. */
  nowUs = 0;
  /** Answers checks and makes none (RFC 8445 §2.5). */
  readonly lite: boolean;
  /** Only relayed paths are used (`iceTransportPolicy: "relay"`). */
  readonly relayOnly: boolean;
  /** Set by the agent: carries datagrams of relayed paths. */
  relays: RelayCarrier | undefined;
  /** Set by the agent: carries messages over TCP. */
  tcp: TcpCarrier | undefined;

  transmit(socketId: number, to: TransportAddress, data: Uint8Array): void {
    if (this.relays?.send(socketId, to, data, this.nowUs)) return;
    // A relay that is gone has no socket either.
    if (socketId >= RELAY_SOCKET_BASE) return;
    if (isStreamSocket(socketId) && this.tcp?.send(socketId, data, this.nowUs) !== "sent") return;
    this.outputs.push({ type: "transmit", socketId, to, data });
  }

  /** Sends a new request and awaits its answer. */
  request(
    transactionId: Uint8Array,
    data: Uint8Array,
    route: { readonly socketId: number; readonly to: TransportAddress },
    context: RequestContext,
    plan: RetransmissionPlan,
    nowUs: number,
  ): void {
    const { socketId, to } = route;
    this.requests.start({ transactionId, data, socketId, to, context, plan }, nowUs);
    this.transmit(socketId, to, data);
  }
}
