import type { TransportAddress } from "../primitives/address.js";
import type { Account } from "./credentials.js";
import type { ClientFlow, Traffic } from "./types.js";

const SECOND_US = 1_000_000;
/** RFC 8656 §9. */
export const PERMISSION_US = 300 * SECOND_US;
/** RFC 8656 §12. */
export const CHANNEL_US = 600 * SECOND_US;

/** An address as its bytes: equal exactly when the addresses are. */
export function ipKey(ip: Uint8Array): string {
  return String.fromCharCode(...ip);
}

/** A peer with its address parsed once. */
export interface Peer {
  readonly address: TransportAddress;
  readonly ip: string;
}

interface Channel {
  readonly number: number;
  readonly peer: Peer;
  expiresUs: number;
}

const endpointKey = (peer: Peer): string => peer.ip + String.fromCharCode(peer.address.port);

/** One relayed address of one client: who may talk through it, and since when (RFC 8656 §2.2). */
export class Allocation {
  // Given
  readonly relay: number;
  readonly flow: ClientFlow;
  readonly account: Account;
  readonly family: 4 | 6;
  readonly createdUs: number;
  // Owned
  readonly toPeers: Traffic = { packets: 0, bytes: 0 };
  readonly toClient: Traffic = { packets: 0, bytes: 0 };
  readonly #permissions = new Map<string, number>();
  readonly #channelsByNumber = new Map<number, Channel>();
  readonly #channelsByPeer = new Map<string, Channel>();
  port = 0;
  /** Undefined while its socket is being opened. */
  relayed: TransportAddress | undefined;
  expiresUs: number;

  constructor(
    given: Pick<Allocation, "relay" | "flow" | "account" | "family" | "createdUs">,
    expiresUs: number,
  ) {
    this.relay = given.relay;
    this.flow = given.flow;
    this.account = given.account;
    this.family = given.family;
    this.createdUs = given.createdUs;
    this.expiresUs = expiresUs;
  }

  get permissionCount(): number {
    return this.#permissions.size;
  }

  get channelCount(): number {
    return this.#channelsByNumber.size;
  }

  permit(ip: string, nowUs: number): void {
    this.#permissions.set(ip, nowUs + PERMISSION_US);
  }

  knows(ip: string): boolean {
    return this.#permissions.has(ip);
  }

  isPermitted(ip: string, nowUs: number): boolean {
    return (this.#permissions.get(ip) ?? -Infinity) > nowUs;
  }

  /** RFC 8656 §12.2: a number belongs to one peer and a peer to one number, until the binding ends. */
  canBind(number: number, peer: Peer, nowUs: number): boolean {
    const byNumber = this.#live(this.#channelsByNumber.get(number), nowUs);
    const byPeer = this.#live(this.#channelsByPeer.get(endpointKey(peer)), nowUs);
    return byNumber === byPeer;
  }

  bind(number: number, peer: Peer, nowUs: number): void {
    this.#unbind(this.#channelsByNumber.get(number));
    this.#unbind(this.#channelsByPeer.get(endpointKey(peer)));
    const channel: Channel = { number, peer, expiresUs: nowUs + CHANNEL_US };
    this.#channelsByNumber.set(number, channel);
    this.#channelsByPeer.set(endpointKey(peer), channel);
    this.permit(peer.ip, nowUs);
  }

  peerOfChannel(number: number, nowUs: number): Peer | undefined {
    return this.#live(this.#channelsByNumber.get(number), nowUs)?.peer;
  }

  channelOfPeer(peer: Peer, nowUs: number): number | undefined {
    return this.#live(this.#channelsByPeer.get(endpointKey(peer)), nowUs)?.number;
  }

  /** Forgets what has run out. */
  sweep(nowUs: number): void {
    for (const [ip, expiresUs] of this.#permissions) if (expiresUs <= nowUs) this.#permissions.delete(ip);
    for (const channel of this.#channelsByNumber.values()) {
      if (channel.expiresUs <= nowUs) this.#unbind(channel);
    }
  }

  #live(channel: Channel | undefined, nowUs: number): Channel | undefined {
    return channel && channel.expiresUs > nowUs ? channel : undefined;
  }

  #unbind(channel: Channel | undefined): void {
    if (!channel) return;
    this.#channelsByNumber.delete(channel.number);
    this.#channelsByPeer.delete(endpointKey(channel.peer));
  }
}
