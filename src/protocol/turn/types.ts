import type { TransportAddress } from "../primitives/address.js";
import type { RandomSource } from "../primitives/random.js";
import type { HmacSha1, Md5 } from "../stun/index.js";

export interface TurnClientOptions {
  /** How the client reaches the server; over TCP and TLS nothing is repeated and ChannelData is padded. */
  readonly transport: "udp" | "tcp" | "tls";
  readonly username: string;
  readonly password: string;
  readonly random: RandomSource;
  readonly hmacSha1: HmacSha1;
  readonly md5: Md5;
  /** Family of the relayed address (RFC 8656 §18.8). Default IPv4. */
  readonly relayFamily?: 4 | 6;
  /** What to ask for, in seconds. The server may give less. Default 600. */
  readonly lifetimeSeconds?: number;
  /** Retransmission over UDP and patience in general. */
  readonly timers?: Partial<TurnTimers>;
}

export interface TurnTimers {
  readonly rtoUs: number;
  readonly requestCount: number;
  readonly lastWaitFactor: number;
  /** A request over TCP or TLS that is not answered in this time has failed (RFC 8489 §6.2.2). */
  readonly streamTimeoutUs: number;
}

export const DEFAULT_TURN_TIMERS: TurnTimers = {
  rtoUs: 500_000,
  requestCount: 7,
  lastWaitFactor: 16,
  streamTimeoutUs: 39_500_000,
};

export type TurnState = "new" | "allocating" | "allocated" | "closing" | "closed" | "failed";

export type TurnOutput =
  /** Bytes for the server. */
  | { readonly type: "transmit"; readonly data: Uint8Array }
  | {
      readonly type: "allocated";
      readonly relayed: TransportAddress;
      /** Our address as the server sees it. */
      readonly mapped: TransportAddress;
      readonly lifetimeSeconds: number;
    }
  /** From now on the peer's datagrams may be sent to the server as ChannelData of that number, by anybody on our socket. */
  | { readonly type: "channelbound"; readonly peer: TransportAddress; readonly channel: number }
  /** Something a peer sent to the relayed address. */
  | { readonly type: "data"; readonly from: TransportAddress; readonly data: Uint8Array }
  /** 300: try this server instead, with a new client. */
  | { readonly type: "redirected"; readonly server: TransportAddress }
  /** The server does not let us send to that peer. */
  | {
      readonly type: "denied";
      readonly peer: TransportAddress;
      readonly code: number;
      readonly reason: string;
    }
  /** There is no allocation (any more). `code` is the server's, or 701 when it was silent. */
  | { readonly type: "failed"; readonly code: number; readonly reason: string }
  | { readonly type: "closed" };

export interface TurnCounters {
  malformed: number;
  /** Answers with no or wrong integrity. */
  unauthenticated: number;
  unexpected: number;
  /** Data from peers that nobody was allowed for, or on unknown channels. */
  fromStrangers: number;
  /** Datagrams not sent: no allocation, no permission, or too many waiting for one. */
  dropped: number;
  staleNonces: number;
}
