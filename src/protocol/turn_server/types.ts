import type { TransportAddress } from "../primitives/address.js";
import type { RandomSource } from "../primitives/random.js";
import type { HmacSha1 } from "../stun/index.js";
import type { TurnCredentials } from "./credentials.js";
import type { PeerPolicy } from "./peer_policy.js";

/** The way between a client and the server: with `door`, one 5-tuple. */
export interface ClientFlow {
  /** The UDP socket, or the TCP or TLS connection. The owner's number. */
  readonly door: number;
  readonly transport: "udp" | "tcp" | "tls";
  readonly remote: TransportAddress;
}

export interface TurnServerLimits {
  /** Allocations of all users together. */
  readonly maxAllocations: number;
  readonly maxAllocationsPerUser: number;
  readonly maxPermissions: number;
  readonly maxChannels: number;
  /** Given when the client asks for less or for nothing, in seconds. */
  readonly defaultLifetimeSeconds: number;
  /** The most that one Allocate or Refresh gives, in seconds. */
  readonly maxLifetimeSeconds: number;
  /** No allocation gets older than this, in seconds. */
  readonly maxAgeSeconds: number;
  readonly nonceSeconds: number;
  /** Sources of unproven requests that are remembered. */
  readonly maxUnprovenSources: number;
}

export const DEFAULT_TURN_SERVER_LIMITS: TurnServerLimits = {
  maxAllocations: 1000,
  maxAllocationsPerUser: 10,
  maxPermissions: 256,
  maxChannels: 256,
  defaultLifetimeSeconds: 600,
  maxLifetimeSeconds: 3600,
  maxAgeSeconds: Infinity,
  nonceSeconds: 600,
  maxUnprovenSources: 16_384,
};

export interface TurnServerOptions {
  /** Without them the server answers Binding alone. */
  readonly credentials?: TurnCredentials;
  readonly peers: PeerPolicy;
  /** Families that relays are opened for. */
  readonly relayFamilies: readonly (4 | 6)[];
  /** Both ends included. */
  readonly relayPorts: { readonly min: number; readonly max: number };
  readonly random: RandomSource;
  readonly hmacSha1: HmacSha1;
  /** The wall clock that goes with a monotonic time: expiry of time-limited credentials. */
  readonly unixSecondsAt: (nowUs: number) => number;
  readonly limits?: Partial<TurnServerLimits>;
}

export type AllocationEnd = "deleted" | "expired" | "disconnected" | "closed";

export type TurnServerOutput =
  /** Bytes for a client. `droppable`: relayed data, which a full connection may lose. */
  | {
      readonly type: "client";
      readonly flow: ClientFlow;
      readonly data: Uint8Array;
      readonly droppable: boolean;
    }
  /** Bytes for a peer, from a relay's socket. */
  | {
      readonly type: "peer";
      readonly relay: number;
      readonly peer: TransportAddress;
      readonly data: Uint8Array;
    }
  /** Bind this port and report `relayOpened` or `relayFailed`. */
  | {
      readonly type: "openrelay";
      readonly relay: number;
      readonly family: 4 | 6;
      readonly port: number;
    }
  | { readonly type: "closerelay"; readonly relay: number }
  /** For the log. */
  | {
      readonly type: "allocated";
      readonly relay: number;
      readonly account: string;
      readonly client: TransportAddress;
      readonly relayed: TransportAddress;
    }
  | {
      readonly type: "released";
      readonly relay: number;
      readonly account: string;
      readonly reason: AllocationEnd;
      readonly toPeers: Traffic;
      readonly toClient: Traffic;
    };

export interface Traffic {
  packets: number;
  bytes: number;
}

export interface TurnServerCounters {
  bindings: number;
  /** Allocations made since the start. */
  allocations: number;
  /** Answers with an error, by code. */
  readonly errors: Record<number, number>;
  /** Bytes that are no STUN message, ChannelData with a wrong length, lost frames. */
  malformed: number;
  /** Answers withheld since the request did not pay for them. */
  withheld: number;
  /** Send indications and ChannelData without allocation, permission or channel. */
  refusedFromClients: number;
  /** Datagrams of peers without permission. */
  refusedFromPeers: number;
  readonly toPeers: Traffic;
  readonly toClients: Traffic;
}
