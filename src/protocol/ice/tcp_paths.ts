import type { TransportAddress } from "../primitives/address.js";
import type { IceCandidate, IceTcpType } from "./candidate.js";
import { type LocalCandidates, relatedOf } from "./local_candidates.js";
import { type LocalPath, type RemoteCandidate, sameScope } from "./pair.js";
import { tcpCandidatePriority, tcpLocalPreference } from "./priority.js";
import type { Streams } from "./streams.js";
import type { IceLimits, IceTimers } from "./timers.js";

/** RFC 6544 §4.5: nobody is listening on an active candidate's port. */
const DISCARD_PORT = 9;
/** Checks that wait for their connection. */
const MAX_WAITING = 4;

/** A TCP candidate of ours; connections from or to it are paths of their own. */
interface TcpEnd {
  readonly base: TransportAddress;
  readonly candidate: IceCandidate;
  readonly localPreference: number;
}

interface Connection {
  readonly path: LocalPath;
  readonly to: TransportAddress;
  readonly active: boolean;
  state: "idle" | "connecting" | "open";
  readonly waiting: Uint8Array[];
  /** The peer has shown on it that it knows our password. */
  proven: boolean;
  /** An accepted connection that is not proven by then is closed. */
  proveUntilUs: number;
}

/** What becomes of connections. */
export interface TcpPathEvents {
  /** The connection broke or could not be made; `gone`: its path with it, for good. */
  lost(path: LocalPath, gone: boolean, nowUs: number): void;
}

/**
 * TCP candidates (RFC 6544). An active one connects to the peer's passive ones, when the first check is due; a passive one
 * is connected to. Every connection is a local path with one remote address, so all that is said of a path holds for it.
 */
export class TcpPaths {
  readonly #locals: LocalCandidates;
  readonly #streams: Streams;
  readonly #limits: IceLimits;
  readonly #timers: IceTimers;
  readonly #events: TcpPathEvents;
  readonly #active: TcpEnd[] = [];
  readonly #passive = new Map<number, TcpEnd>();
  readonly #connections = new Map<number, Connection>();

  constructor(
    locals: LocalCandidates,
    streams: Streams,
    limits: IceLimits,
    timers: IceTimers,
    events: TcpPathEvents,
  ) {
    this.#locals = locals;
    this.#streams = streams;
    this.#limits = limits;
    this.#timers = timers;
    this.#events = events;
  }

  get candidates(): IceCandidate[] {
    return [...this.#active, ...this.#passive.values()].map((end) => end.candidate);
  }

  get size(): number {
    return this.#active.length + this.#passive.size;
  }

  addActive(base: TransportAddress, shown: string): IceCandidate {
    const end = this.#makeEnd({ ...base, port: DISCARD_PORT }, "active", shown);
    this.#active.push(end);
    return end.candidate;
  }

  addPassive(listenerId: number, base: TransportAddress, shown: string): IceCandidate {
    const end = this.#makeEnd(base, "passive", shown);
    this.#passive.set(listenerId, end);
    return end.candidate;
  }

  #makeEnd(base: TransportAddress, tcpType: IceTcpType, shown: string): TcpEnd {
    const localPreference = tcpLocalPreference(tcpType, base.family, this.size);
    const candidate: IceCandidate = {
      foundation: this.#locals.foundation("host", base, undefined, "tcp"),
      component: 1,
      transport: "tcp",
      priority: tcpCandidatePriority("host", localPreference),
      address: shown,
      port: base.port,
      type: "host",
      tcpType,
    };
    return { base, candidate, localPreference };
  }

  /** New paths to a remote candidate, one from each active candidate that may reach it (RFC 6544 §6.2). */
  pathsTo(remote: RemoteCandidate): LocalPath[] {
    const { transport, tcpType } = remote.candidate;
    if (transport !== "tcp" || tcpType !== "passive") return [];
    const ends = this.#active.filter((end) => sameScope(end.base, remote.address));
    return ends.flatMap((end) => this.#makePath(end, remote.address) ?? []);
  }

  #makePath(end: TcpEnd, to: TransportAddress): LocalPath | undefined {
    if (this.#connections.size >= this.#limits.streams) return undefined;
    const path = this.#addPath(this.#streams.number(), end, to);
    this.#add({ path, to, active: true, state: "idle", waiting: [], proven: true, proveUntilUs: Infinity });
    return path;
  }

  #addPath(socketId: number, end: TcpEnd, peer: TransportAddress): LocalPath {
    const { base, candidate, localPreference } = end;
    const related = relatedOf(base, candidate.address);
    const path: LocalPath = {
      socketId,
      base,
      localPreference,
      candidate,
      related,
      reflexive: new Map(),
      peer,
    };
    this.#locals.paths.push(path);
    return path;
  }

  #add(connection: Connection): void {
    this.#connections.set(connection.path.socketId, connection);
  }

  /**
   * Somebody connected to a passive candidate. Who it is remains to be shown, so few of these are held and not for
   * long.
   *
   * @returns the connection's number, undefined when it is to be closed.
   */
  accept(listenerId: number, from: TransportAddress, nowUs: number): number | undefined {
    const end = this.#passive.get(listenerId);
    let unproven = 0;
    for (const c of this.#connections.values()) if (!c.proven) unproven++;
    const { streams, unprovenStreams } = this.#limits;
    if (!end || unproven >= unprovenStreams || this.#connections.size >= streams) return undefined;
    const socketId = this.#streams.accept({
      opened: () => {},
      closed: (_reason, closedUs) => this.#closed(socketId, closedUs),
    });
    const path = this.#addPath(socketId, end, from);
    const proveUntilUs = nowUs + this.#timers.proveStreamUs;
    this.#add({ path, to: from, active: false, state: "open", waiting: [], proven: false, proveUntilUs });
    return socketId;
  }

  /** An authentic check came on the connection. */
  prove(socketId: number): void {
    const connection = this.#connections.get(socketId);
    if (!connection || connection.proven) return;
    connection.proven = true;
    connection.proveUntilUs = Infinity;
  }

  /** What an unproven connection has sent in all: one that sends much without showing who it is ends. */
  noteReceived(socketId: number, totalBytes: number, nowUs: number): boolean {
    const connection = this.#connections.get(socketId);
    if (!connection || connection.proven) return false;
    if (totalBytes > this.#limits.unprovenStreamBytes) this.#end(socketId, nowUs);
    return true;
  }

  /** Sends on a connection, which is made first where need be. */
  send(socketId: number, data: Uint8Array, nowUs: number): "sent" | "waits" | "lost" {
    const connection = this.#connections.get(socketId);
    if (!connection) return "lost";
    if (connection.state === "open") return "sent";
    if (connection.waiting.length < MAX_WAITING) connection.waiting.push(data.slice());
    if (connection.state === "idle") this.#connect(connection, nowUs);
    return "waits";
  }

  #connect(connection: Connection, nowUs: number): void {
    const { path, to } = connection;
    const { socketId } = path;
    connection.state = "connecting";
    this.#streams.connect(
      socketId,
      { from: path.base.address, to, framing: "rfc4571" },
      {
        opened: (local) => this.#opened(connection, local),
        closed: (_reason, closedUs) => this.#closed(socketId, closedUs),
      },
      nowUs,
    );
  }

  /** Set by the agent: gives datagrams to the socket. */
  transmit: (socketId: number, to: TransportAddress, data: Uint8Array) => void = () => {};

  #opened(connection: Connection, local: TransportAddress): void {
    connection.state = "open";
    // The peer sees this port; it is ours, no translation.
    connection.path.base = local;
    for (const data of connection.waiting.splice(0)) {
      this.transmit(connection.path.socketId, connection.to, data);
    }
  }

  #closed(socketId: number, nowUs: number): void {
    const connection = this.#connections.get(socketId);
    if (!connection) return;
    connection.waiting.length = 0;
    connection.state = "idle";
    if (!connection.active) this.#forget(connection);
    this.#events.lost(connection.path, !connection.active, nowUs);
  }

  #forget({ path }: Connection): void {
    this.#connections.delete(path.socketId);
    this.#locals.remove(path);
  }

  /** Closes the connections whose path no pair uses any more. */
  keep(isUsed: (path: LocalPath) => boolean): void {
    for (const connection of [...this.#connections.values()]) {
      if (!connection.proven || isUsed(connection.path)) continue;
      this.#streams.close(connection.path.socketId);
      this.#forget(connection);
    }
  }

  #end(socketId: number, nowUs: number): void {
    this.#streams.close(socketId);
    this.#closed(socketId, nowUs);
  }

  handleTimeout(nowUs: number): void {
    for (const [socketId, { proveUntilUs }] of [...this.#connections]) {
      if (nowUs >= proveUntilUs) this.#end(socketId, nowUs);
    }
  }

  nextDeadlineUs(): number {
    let next = Infinity;
    for (const { proveUntilUs } of this.#connections.values()) next = Math.min(next, proveUntilUs);
    return next;
  }
}

/** Whether a TCP candidate of the peer's is of use to us: we connect to passive ones, active ones connect to us. */
export function isUsableTcp(candidate: IceCandidate): boolean {
  return candidate.tcpType === "passive" || candidate.tcpType === "active";
}
