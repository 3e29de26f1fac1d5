import {
  formatTransportAddress,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  parseIp,
  sameTransportAddress,
  type TransportAddress,
} from "../primitives/address.js";
import type { IceCandidate } from "./candidate.js";
import { pairPriority } from "./priority.js";

/** A way out of this host: one bound socket. Server-reflexive candidates share their base's path. */
export interface LocalPath {
  readonly socketId: number;
  /** Of a TCP connection known when it is made. */
  base: TransportAddress;
  /** A TCP connection's other end, the only one that can be reached on it. */
  readonly peer?: TransportAddress;
  /** The socket that relays are asked for from, when it is another. */
  relaySocketId?: number;
  readonly localPreference: number;
  /** The candidate checks are sent from: the host one. */
  readonly candidate: IceCandidate;
  /** What others are told of `base`: itself, or what hides it. */
  readonly related: { readonly address: string; readonly port: number };
  /** Addresses that others see this path as, by `formatTransportAddress`. */
  readonly reflexive: Map<string, IceCandidate>;
}

/** Where the peer may be reached. */
export interface RemoteCandidate {
  /** Replaced when a candidate first learnt from a check is signaled later. */
  candidate: IceCandidate;
  readonly address: TransportAddress;
  readonly key: string;
}

export type PairState = "frozen" | "waiting" | "in-progress" | "succeeded" | "failed";
export type IceRole = "controlling" | "controlled";

/** A candidate pair and all that is known of it (RFC 8445 §6.1.2). */
export class CandidatePair {
  readonly id: number;
  readonly path: LocalPath;
  readonly remote: RemoteCandidate;
  state: PairState = "frozen";
  priority = 0n;
  /** Our address as the peer sees it, once a check has succeeded (RFC 8445 §7.2.5.3.1). */
  mapped?: IceCandidate;
  nominated = false;
  /** Controlled: the peer nominated it; selected as soon as it is valid (RFC 8445 §7.3.1.5). */
  nominationPending = false;
  lastNominatedUs = -Infinity;
  /** The last authenticated sign of the peer on this pair. */
  lastAliveUs = -Infinity;
  /** The last media or data on it. */
  trafficUs = -Infinity;
  /** When the first check was sent that no sign of life has followed. */
  askedUs = -Infinity;
  rttUs = 0;
  totalRttUs = 0;
  requestsSent = 0;
  requestsReceived = 0;
  responsesSent = 0;
  responsesReceived = 0;
  consentRequestsSent = 0;

  constructor(id: number, path: LocalPath, remote: RemoteCandidate) {
    this.id = id;
    this.path = path;
    this.remote = remote;
  }

  get foundation(): string {
    return `${this.path.candidate.foundation}:${this.remote.candidate.foundation}`;
  }

  get local(): IceCandidate {
    return this.mapped ?? this.path.candidate;
  }

  get isStream(): boolean {
    return this.path.candidate.transport === "tcp";
  }

  /** No address translation on our side, no relay, no TCP: as good as any path there is. */
  get isDirect(): boolean {
    const remote = this.remote.candidate.type;
    return !this.isStream && this.local.type === "host" && (remote === "host" || remote === "prflx");
  }

  updatePriority(role: IceRole): void {
    const local = this.path.candidate.priority;
    const remote = this.remote.candidate.priority;
    this.priority = role === "controlling" ? pairPriority(local, remote) : pairPriority(remote, local);
  }

  noteResponse(rttUs: number | undefined, nowUs: number): void {
    this.responsesReceived++;
    this.lastAliveUs = nowUs;
    if (rttUs === undefined) return;
    this.rttUs = rttUs;
    this.totalRttUs += rttUs;
  }
}

/** A remote candidate's name in a list: the same address and port may be there over UDP and over TCP. */
export function remoteKey(transport: "udp" | "tcp", address: TransportAddress): string {
  return transport === "udp" ? formatTransportAddress(address) : `tcp ${formatTransportAddress(address)}`;
}

/** RFC 8445 §7.3.1.3: a remote candidate learnt from a check that came from there. */
export function peerReflexive(
  path: LocalPath,
  from: TransportAddress,
  priority: number,
  nth: number,
): IceCandidate {
  const { transport, tcpType } = path.candidate;
  return {
    // Unlike any other foundation; signaled ones of that shape would be chance.
    foundation: `prflx${nth}`,
    component: 1,
    transport,
    priority,
    address: from.address,
    port: from.port,
    type: "prflx",
    ...(tcpType && { tcpType: tcpType === "active" ? "passive" : "active" }),
  };
}

/** The pair as the outside sees it. */
export function describePair(pair: CandidatePair) {
  return {
    socketId: pair.path.socketId,
    relayed: pair.path.candidate.type === "relay",
    local: pair.local,
    remote: pair.remote.candidate,
    remoteAddress: pair.remote.address,
    rttUs: pair.rttUs,
  };
}

export function pairKey(path: LocalPath, remote: TransportAddress): string {
  return `${path.socketId}|${formatTransportAddress(remote)}`;
}

/** Whether datagrams can be sent there at all. */
export function isUsableRemote(address: TransportAddress): boolean {
  const ip = parseIp(address.address);
  return !!ip && address.port > 0 && !isUnspecified(ip) && !isMulticast(ip);
}

/** A TCP connection goes to one place; UDP goes to UDP. */
export function canPair(path: LocalPath, { candidate, address }: RemoteCandidate): boolean {
  if (path.candidate.transport !== candidate.transport) return false;
  if (path.peer && !sameTransportAddress(path.peer, address)) return false;
  return sameScope(path.base, address);
}

/** RFC 8445 §6.1.2.2: same family, link-local only with link-local; loopback only with loopback. */
export function sameScope(base: TransportAddress, remote: TransportAddress): boolean {
  if (base.family !== remote.family) return false;
  const local = parseIp(base.address);
  const other = parseIp(remote.address);
  if (!local || !other) return false;
  if (isLoopback(local) !== isLoopback(other)) return false;
  return remote.family === 4 || isLinkLocal(local) === isLinkLocal(other);
}
