import type { TransportAddress } from "../primitives/address.js";
import type { RandomSource } from "../primitives/random.js";
import type { HmacSha1 } from "../stun/index.js";
import type { IceCandidate } from "./candidate.js";
import type { IceCredentials } from "./generation.js";
import type { IceRole, PairState } from "./pair.js";
import type { IceLimits, IceTimers } from "./timers.js";
import type { IceTurnOptions } from "./turn_options.js";

/** RTCIceTransportState of WebRTC 1.0 §5.6.4. */
export type IceState = "new" | "checking" | "connected" | "completed" | "disconnected" | "failed" | "closed";

export interface IceAgentOptions {
  readonly role: IceRole;
  readonly local: IceCredentials;
  /** 64 random bits (RFC 8445 §5.2). */
  readonly tieBreaker: bigint;
  readonly random: RandomSource;
  readonly hmacSha1: HmacSha1;
  readonly stunServers?: readonly TransportAddress[];
  readonly turn?: IceTurnOptions;
  /**
   * A lite agent (RFC 8445 §2.5): host candidates alone, no checks of its own, always controlled. For hosts with an address
   * that everybody can reach, facing full agents.
   */
  readonly lite?: boolean;
  readonly timers?: Partial<IceTimers>;
  readonly limits?: Partial<IceLimits>;
}

/** What is told of a local socket in place of, or beside, the address it is bound to. */
export interface LocalHostOptions {
  /**
   * An IP address (of a 1:1 NAT) or a `.local` name that the host candidate carries instead. Then no candidate shows the
   * bound address.
   */
  readonly shown?: string;
  /** An IP address that is told as a server-reflexive candidate without asking a server. */
  readonly reflexive?: string;
  /**
   * The number of another socket at the same address, from which relays are asked for: a server gives one allocation to a
   * socket (RFC 8656 §7.2), and this one belongs to several agents.
   */
  readonly relaySocketId?: number;
}

/** The path in use. */
export interface IceSelectedPair {
  /** The socket; for a relayed path a number of its own, to be given to `sendRelayed`. */
  readonly socketId: number;
  /** Whether our end is a TURN allocation. */
  readonly relayed: boolean;
  /** Our end as the peer sees it. */
  readonly local: IceCandidate;
  readonly remote: IceCandidate;
  readonly remoteAddress: TransportAddress;
  readonly rttUs: number;
}

/** Where a server was asked from. */
export interface IceAsker {
  readonly address: string;
  /** Null: it is no candidate's. */
  readonly port: number | null;
}

/** What a connection is wanted for. */
export interface StreamRequest {
  /** The address of ours to come from. */
  readonly from: string;
  readonly to: TransportAddress;
  readonly framing: "turn" | "rfc4571";
  /** TLS, and the name that the certificate must be for. */
  readonly tlsName?: string;
}

/** Why a signaled candidate is not used. None of these is an error. */
export type IgnoredReason = "tcp" | "name" | "unusable-address" | "other-generation" | "too-many" | "ended";

export type IceOutput =
  | {
      readonly type: "transmit";
      readonly socketId: number;
      readonly to: TransportAddress;
      readonly data: Uint8Array;
    }
  /** What came through a relay and is not STUN. */
  | {
      readonly type: "relayeddata";
      readonly socketId: number;
      readonly from: TransportAddress;
      readonly data: Uint8Array;
    }
  /**
   * A relayed path has a channel to the peer: whoever sends much may put ChannelData of that number (RFC 8656 §12.4) on
   * the socket `via` itself, to the server.
   */
  | {
      readonly type: "relaychannel";
      readonly socketId: number;
      readonly peer: TransportAddress;
      readonly via: number;
      readonly server: TransportAddress;
      readonly channel: number;
    }
  /** A TCP connection is wanted, under TLS where there is a `tlsName`: `streamOpened` or `streamClosed` is to follow. */
  | ({ readonly type: "connect"; readonly socketId: number } & StreamRequest)
  /** A TCP connection is not wanted any more; what was transmitted on it should still go out. */
  | { readonly type: "disconnect"; readonly socketId: number }
  | { readonly type: "candidate"; readonly candidate: IceCandidate }
  | { readonly type: "gatheringcomplete" }
  /** A STUN server gave no candidate; `code` is its error or 701 when it was silent (WebRTC 1.0 §4.8.2). */
  | {
      readonly type: "candidateerror";
      readonly socketId: number;
      readonly server: TransportAddress;
      /** Null: no candidate tells that address. */
      readonly asker: IceAsker | null;
      readonly code: number;
      readonly reason: string;
      /** As the server was given, where it was. */
      readonly url?: string;
    }
  | { readonly type: "candidateignored"; readonly candidate: IceCandidate; readonly reason: IgnoredReason }
  | { readonly type: "role"; readonly role: IceRole }
  | { readonly type: "state"; readonly state: IceState }
  | { readonly type: "selectedpair"; readonly pair: IceSelectedPair };

/** What happened so far; every counter only grows. */
export interface IceCounters {
  checksSent: number;
  consentChecksSent: number;
  retransmissions: number;
  checksReceived: number;
  responsesSent: number;
  responsesReceived: number;
  indicationsReceived: number;
  /** Not a STUN message after all: lying lengths and the like. */
  malformed: number;
  badFingerprint: number;
  /** Requests without or with wrong credentials. */
  unauthenticatedRequests: number;
  /** Answers with no or wrong integrity. */
  unauthenticatedResponses: number;
  /** Answers to nothing that was asked. */
  unexpectedResponses: number;
  /** Answers that came another way than the request went. */
  asymmetricResponses: number;
  /** Refusals not sent since they would have been larger than the request. */
  refusalsSuppressed: number;
  unexpectedMethods: number;
  roleConflicts: number;
  candidatesIgnored: number;
  earlyChecks: number;
  consentExpired: number;
}

/** What was measured and counted of a pair's checks. */
export interface IcePairCounters {
  readonly rttUs: number;
  readonly totalRttUs: number;
  readonly requestsSent: number;
  readonly requestsReceived: number;
  readonly responsesSent: number;
  readonly responsesReceived: number;
  readonly consentRequestsSent: number;
}

/** One pair as statistics show it. */
export interface IcePairStats extends IcePairCounters {
  readonly id: string;
  readonly local: IceCandidate;
  readonly remote: IceCandidate;
  readonly state: PairState;
  readonly priority: bigint;
  readonly nominated: boolean;
  readonly selected: boolean;
}

export interface IceStats {
  readonly state: IceState;
  readonly role: IceRole;
  readonly counters: Readonly<IceCounters>;
  readonly pairs: readonly IcePairStats[];
  readonly pairsDiscarded: number;
  readonly remoteCandidates: number;
  readonly selectedPairChanges: number;
}

export function newIceCounters(): IceCounters {
  return {
    checksSent: 0,
    consentChecksSent: 0,
    retransmissions: 0,
    checksReceived: 0,
    responsesSent: 0,
    responsesReceived: 0,
    indicationsReceived: 0,
    malformed: 0,
    badFingerprint: 0,
    unauthenticatedRequests: 0,
    unauthenticatedResponses: 0,
    unexpectedResponses: 0,
    asymmetricResponses: 0,
    refusalsSuppressed: 0,
    unexpectedMethods: 0,
    roleConflicts: 0,
    candidatesIgnored: 0,
    earlyChecks: 0,
    consentExpired: 0,
  };
}
