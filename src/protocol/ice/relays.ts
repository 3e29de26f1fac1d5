import {
  formatTransportAddress,
  sameTransportAddress,
  type TransportAddress,
} from "../primitives/address.js";
import type { Md5 } from "../stun/index.js";
import { TurnClient, type TurnOutput } from "../turn/index.js";
import type { IceCore } from "./core.js";
import type { LocalPath } from "./pair.js";
import type { IceTurnServer } from "./turn_options.js";

/** What relays tell the agent. */
export interface RelayEvents {
  /** What `allocate` asked for has been settled, as the next event tells. */
  answered(): void;
  /** An allocation stands; its path has a candidate of its own. */
  allocated(relay: LocalPath, mapped: TransportAddress, via: LocalPath, server: IceTurnServer): void;
  data(relay: LocalPath, from: TransportAddress, data: Uint8Array, nowUs: number): void;
  /** No allocation came of it. */
  refused(via: LocalPath, server: IceTurnServer, code: number, reason: string): void;
  /** An allocation that stood is gone. */
  lost(relay: LocalPath, nowUs: number): void;
}

/** What an allocation is asked for with. */
interface Question {
  readonly via: LocalPath;
  readonly server: IceTurnServer;
  /** The server that was to be asked, which may have named another. */
  readonly asked: IceTurnServer;
  readonly hops: number;
  /** Somebody who called `allocate` waits for the answer; a restart forgets that. */
  awaited: boolean;
}

interface Relay extends Question {
  /** What carries bytes to the server: the path's socket, or a TCP connection of its own. */
  readonly socketId: number;
  readonly client: TurnClient;
  path?: LocalPath;
}

/** RFC 8656 §18.9 leaves the number of redirections to us; a loop must end. */
const MAX_REDIRECTIONS = 2;
/** A request over TCP or TLS that is not answered in this time has failed. */
const STREAM_REQUEST_US = 8_000_000;
/** WebRTC 1.0 §4.8.2: the code for a server that could not be reached. */
const SERVER_UNREACHABLE = 701;
/** Fewer repetitions than RFC 8489's seven: gathering should not wait 39.5 s for a dead server. */
const TURN_REQUEST_COUNT = 5;

/** The agent's allocations on TURN servers: each is a local path whose datagrams travel through its server. */
export class Relays {
  readonly #core: IceCore;
  readonly #md5: Md5 | undefined;
  readonly #events: RelayEvents;
  readonly #relays: Relay[] = [];

  constructor(core: IceCore, md5: Md5 | undefined, events: RelayEvents) {
    this.#core = core;
    this.#md5 = md5;
    this.#events = events;
  }

  /**
   * Asks `server` for an allocation, from `via`. One that is being asked for, or stands, is not asked for again: that
   * would be refused with 437.
   *
   * @returns whether an answer is to come.
   */
  allocate(via: LocalPath, server: IceTurnServer, nowUs: number): boolean {
    const known = this.#relays.find((r) => r.via === via && r.asked === server);
    if (known?.path) return false;
    if (known) known.awaited = true;
    else this.#ask({ via, server, asked: server, hops: 0, awaited: true }, nowUs);
    return true;
  }

  /** Answers that are still to come belong to nobody until they are asked for again (RFC 8445 §9). */
  restart(): void {
    for (const relay of this.#relays) relay.awaited = false;
  }

  #answered(relay: Relay): void {
    if (!relay.awaited) return;
    relay.awaited = false;
    this.#events.answered();
  }

  #ask(question: Question, nowUs: number): void {
    if (!this.#md5) return;
    const { via, server } = question;
    const { random, hmac, streams } = this.#core;
    const { transport = "udp" } = server;
    const client = new TurnClient({
      transport,
      username: server.username,
      password: server.password,
      relayFamily: via.base.family,
      random,
      hmacSha1: hmac,
      md5: this.#md5,
      timers: { requestCount: TURN_REQUEST_COUNT, streamTimeoutUs: STREAM_REQUEST_US },
    });
    const socketId = transport === "udp" ? (via.relaySocketId ?? via.socketId) : streams.number();
    const relay: Relay = { ...question, client, socketId };
    this.#relays.push(relay);
    if (transport === "udp") this.#begin(relay, nowUs);
    else this.#connect(relay, transport, nowUs);
  }

  #begin(relay: Relay, nowUs: number): void {
    relay.client.allocate(nowUs);
    this.#drain(relay, nowUs);
  }

  #connect(relay: Relay, transport: "tcp" | "tls", nowUs: number): void {
    const { via, socketId, server } = relay;
    const from = via.base.address;
    const tls = transport === "tls" ? { tlsName: server.tlsName ?? server.address.address } : {};
    this.#core.streams.connect(
      socketId,
      { from, to: server.address, framing: "turn", ...tls },
      {
        opened: (_local, openedUs) => this.#begin(relay, openedUs),
        closed: (reason, closedUs) => this.#lost(relay, SERVER_UNREACHABLE, reason, closedUs),
      },
      nowUs,
    );
  }

  /** Sends through the relay whose path has that number. False when there is none. */
  send(socketId: number, to: TransportAddress, data: Uint8Array, nowUs: number): boolean {
    const relay = this.#relays.find((r) => r.path?.socketId === socketId);
    if (!relay) return false;
    relay.client.send(to, data, nowUs);
    this.#drain(relay, nowUs);
    return true;
  }

  /** The peer of the selected pair gets a channel. */
  prefer(path: LocalPath, peer: TransportAddress, nowUs: number): void {
    const relay = this.#relays.find((r) => r.path === path);
    if (!relay) return;
    relay.client.bindChannel(peer, nowUs);
    this.#drain(relay, nowUs);
  }

  /** Takes a datagram or frame that came from one of the servers. @returns false when it is none of theirs. */
  handleDatagram(socketId: number, from: TransportAddress, data: Uint8Array, nowUs: number): boolean {
    for (const relay of this.#relays) {
      if (relay.socketId !== socketId || !sameTransportAddress(relay.server.address, from)) continue;
      const taken = relay.client.handleMessage(data, nowUs);
      this.#drain(relay, nowUs);
      if (taken) return true;
    }
    return false;
  }

  handleTimeout(nowUs: number): void {
    for (const relay of [...this.#relays]) {
      if (nowUs < relay.client.nextDeadlineUs()) continue;
      relay.client.handleTimeout(nowUs);
      this.#drain(relay, nowUs);
    }
  }

  nextDeadlineUs(): number {
    let next = Infinity;
    for (const r of this.#relays) next = Math.min(next, r.client.nextDeadlineUs());
    return next;
  }

  /** Gives all allocations back: one message each, since nobody will be there to repeat it. */
  close(nowUs: number): void {
    for (const relay of this.#relays.splice(0)) {
      if (relay.client.state === "allocated") {
        relay.client.close(nowUs);
        this.#drain(relay, nowUs);
      }
    }
  }

  #drain(relay: Relay, nowUs: number): void {
    for (let o = relay.client.pollOutput(); o; o = relay.client.pollOutput()) this.#handle(relay, o, nowUs);
  }

  #handle(relay: Relay, output: TurnOutput, nowUs: number): void {
    const { via, socketId, server } = relay;
    const { address: to, transport } = server;
    if (output.type === "transmit") {
      this.#core.outputs.push({ type: "transmit", socketId, to, data: output.data });
    } else if (output.type === "allocated") {
      relay.path = this.#core.locals.addRelay(output.relayed, output.mapped, via, to, transport);
      this.#answered(relay);
      this.#events.allocated(relay.path, output.mapped, via, server);
    } else if (output.type === "data") {
      if (relay.path) this.#events.data(relay.path, output.from, output.data, nowUs);
    } else if (output.type === "channelbound") {
      this.#channelBound(relay, output.peer, output.channel);
    } else if (output.type === "redirected") {
      this.#redirect(relay, output.server, nowUs);
    } else if (output.type === "failed") {
      this.#lost(relay, output.code, output.reason, nowUs);
    }
  }

  #channelBound(relay: Relay, peer: TransportAddress, channel: number): void {
    if (!relay.path) return;
    const { socketId } = relay.path;
    const route = { via: relay.socketId, server: relay.server.address, channel };
    this.#core.outputs.push({ type: "relaychannel", socketId, peer, ...route });
  }

  /** RFC 8656 §7.4, 300: the same question to another server, of the same family. */
  #redirect(relay: Relay, to: TransportAddress, nowUs: number): void {
    const { via, server, asked, hops, awaited } = relay;
    const again = this.#relays.some(
      (r) =>
        r.via === via &&
        r.server.transport === server.transport &&
        sameTransportAddress(r.server.address, to),
    );
    if (hops >= MAX_REDIRECTIONS || again || to.family !== via.base.family) {
      this.#lost(relay, 300, `Redirected to ${formatTransportAddress(to)}`, nowUs);
      return;
    }
    this.#remove(relay);
    this.#ask({ via, server: { ...server, address: to }, asked, hops: hops + 1, awaited }, nowUs);
  }

  #lost(relay: Relay, code: number, reason: string, nowUs: number): void {
    this.#remove(relay);
    if (!relay.path) {
      this.#answered(relay);
      this.#events.refused(relay.via, relay.server, code, reason);
      return;
    }
    this.#core.locals.remove(relay.path);
    this.#events.lost(relay.path, nowUs);
  }

  #remove(relay: Relay): void {
    const index = this.#relays.indexOf(relay);
    if (index < 0) return;
    this.#relays.splice(index, 1);
    this.#core.streams.close(relay.socketId);
  }
}
