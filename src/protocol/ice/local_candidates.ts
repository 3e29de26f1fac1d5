import {
  formatTransportAddress,
  isUnspecified,
  makeTransportAddress,
  parseIp,
  sameIp,
  type TransportAddress,
} from "../primitives/address.js";
import type { IceCandidate, IceCandidateType } from "./candidate.js";
import { IceError } from "./errors.js";
import type { LocalPath } from "./pair.js";
import { candidatePriority, localPreference, tcpCandidatePriority } from "./priority.js";

/** Where the numbers of relayed paths begin; real sockets have smaller ones. */
export const RELAY_SOCKET_BASE = 0x40000000;

/** Relays reached over TCP come behind those over UDP, those over TLS last: each adds delay of its own. */
const RELAY_PENALTY = { udp: 0, tcp: 16_384, tls: 32_768 } as const;

/** Whether the number stands for a relayed path and not for a socket: its datagrams go to `IceAgent.sendRelayed`. */
export function isRelaySocket(socketId: number): boolean {
  return socketId >= RELAY_SOCKET_BASE;
}

/** Our own ends: the bound sockets and the addresses that others see them as. */
export class LocalCandidates {
  readonly paths: LocalPath[] = [];
  readonly #foundations = new Map<string, string>();
  #relayCount = 0;
  readonly #perFamily = { 4: 0, 6: 0 };

  /**
   * Makes the host candidate of a socket.
   *
   * @param shown - the address or name it carries.
   */
  addHost(socketId: number, base: TransportAddress, shown = base.address): LocalPath {
    const preference = localPreference(base.family, this.#perFamily[base.family]++);
    const path: LocalPath = {
      socketId,
      base,
      localPreference: preference,
      candidate: {
        foundation: this.foundation("host", base, undefined),
        component: 1,
        transport: "udp",
        priority: candidatePriority("host", preference),
        address: shown,
        port: base.port,
        type: "host",
      },
      related: relatedOf(base, shown),
      reflexive: new Map(),
    };
    this.paths.push(path);
    return path;
  }

  /** Makes the candidate of an allocation (RFC 8445 §5.1.1.2); its path has a number no socket has. */
  addRelay(
    relayed: TransportAddress,
    mapped: TransportAddress,
    via: LocalPath,
    server: TransportAddress,
    transport: "udp" | "tcp" | "tls" = "udp",
  ): LocalPath {
    const localPreference = Math.max(0, via.localPreference - RELAY_PENALTY[transport]);
    const path: LocalPath = {
      socketId: RELAY_SOCKET_BASE + this.#relayCount++,
      base: relayed,
      localPreference,
      candidate: {
        foundation: this.foundation("relay", relayed, server, transport),
        component: 1,
        transport: "udp",
        priority: candidatePriority("relay", localPreference),
        address: relayed.address,
        port: relayed.port,
        type: "relay",
        ...relatedTo(sameIp(mapped.address, via.base.address) ? via.related : mapped),
      },
      related: relayed,
      reflexive: new Map(),
    };
    this.paths.push(path);
    return path;
  }

  remove(path: LocalPath): void {
    const index = this.paths.indexOf(path);
    if (index >= 0) this.paths.splice(index, 1);
  }

  find(socketId: number): LocalPath | undefined {
    return this.paths.find((p) => p.socketId === socketId);
  }

  /**
   * The candidate for `mapped`, an address that `server` or the peer saw us at: the host candidate when nothing
   * translates, a known one, or a new one.
   */
  reflexive(
    path: LocalPath,
    mapped: TransportAddress,
    type: "srflx" | "prflx",
    server?: TransportAddress,
  ): { candidate: IceCandidate; isNew: boolean } {
    if (isBase(path, mapped)) return { candidate: path.candidate, isNew: false };
    const key = formatTransportAddress(mapped);
    const known = path.reflexive.get(key);
    if (known && (known.type === type || type === "prflx")) return { candidate: known, isNew: false };
    const { transport, tcpType } = path.candidate;
    const candidate: IceCandidate = {
      foundation: this.foundation(type, path.base, server, transport),
      component: 1,
      transport,
      priority: reflexivePriority(path, type),
      address: mapped.address,
      port: mapped.port,
      type,
      ...relatedTo(path.related),
      ...(tcpType && { tcpType }),
    };
    path.reflexive.set(key, candidate);
    return { candidate, isNew: true };
  }

  /** RFC 8445 §5.1.1.3: equal for equal type, base address, server and transport. */
  foundation(
    type: IceCandidateType,
    base: TransportAddress,
    server: TransportAddress | undefined,
    transport: "udp" | "tcp" | "tls" = "udp",
  ): string {
    const key = `${type}|${base.address}|${server?.address ?? ""}|${transport}`;
    const known = this.#foundations.get(key);
    if (known) return known;
    const fresh = String(this.#foundations.size + 1);
    this.#foundations.set(key, fresh);
    return fresh;
  }
}

/** RFC 8839 §5.1 and draft-ietf-mmusic-mdns-ice-candidates §3.1.2.2: a name hides its address everywhere. */
export function relatedOf(base: TransportAddress, shown: string): LocalPath["related"] {
  if (parseIp(shown)) return { address: shown, port: base.port };
  return { address: base.family === 4 ? "0.0.0.0" : "::", port: 9 };
}

function relatedTo({ address, port }: LocalPath["related"]) {
  return { relatedAddress: address, relatedPort: port };
}

/** Whether `mapped` is the path's host candidate as others see it; of a hidden one the port does not matter. */
function isBase(path: LocalPath, mapped: TransportAddress): boolean {
  const { base, candidate } = path;
  const isPort = mapped.port === base.port || !parseIp(candidate.address);
  return isPort && (sameIp(mapped.address, base.address) || sameIp(mapped.address, candidate.address));
}

/** The priority of a reflexive candidate of `path`, which its checks announce as well (RFC 8445 §7.1.1). */
export function reflexivePriority(path: LocalPath, type: "srflx" | "prflx"): number {
  return path.candidate.transport === "tcp"
    ? tcpCandidatePriority("prflx", path.localPreference)
    : candidatePriority(type, path.localPreference);
}

/** A concrete address that a socket can be bound to. @throws IceError ERR_ICE_ADDRESS. */
export function boundAddress(base: TransportAddress | undefined): TransportAddress {
  const address = base && makeTransportAddress(base.address, base.port);
  const ip = address && parseIp(address.address);
  if (!ip || isUnspecified(ip) || address.port === 0) {
    const found = base ? formatTransportAddress(base) : "nothing";
    throw new IceError("ERR_ICE_ADDRESS", `Not a bound address: ${found}`);
  }
  return address;
}
