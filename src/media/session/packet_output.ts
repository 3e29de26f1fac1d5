import { DatagramTable } from "../../../native/addon.js";
import type { SendRoute } from "./messages.js";
import type { PacketRing } from "./packet_ring.js";
import type { SendSession } from "./send_session.js";
import { TransportCounters } from "./stream_counters.js";

/** What sends; a `UdpSocket` is one. */
export interface DatagramSender {
  send(slab: Uint8Array, table: Int32Array, first: number, count: number): number;
}

/** How long after a full socket buffer the rest is offered again, and how often at most. */
const RETRY_US = 500;
const MAX_RETRIES = 6;

interface Pending {
  session: SendSession;
  first: number;
  count: number;
  retries: number;
}

/** Where the packets of one peer leave the process: hands them to its socket, counts them, and offers again what the socket had no room for. */
export class PacketOutput {
  /** A {@link TransportCounters} block. */
  readonly #counters: Float64Array;
  readonly #onMedia: (bytes: number, nowUs: number) => void;
  readonly #pending: Pending[] = [];
  #retryAtUs = Number.POSITIVE_INFINITY;
  #socket: DatagramSender | undefined;
  #route: SendRoute | undefined;

  /** @param onMedia told what media left, in bytes of UDP payload */
  constructor(counters: Float64Array, onMedia: (bytes: number, nowUs: number) => void) {
    this.#counters = counters;
    this.#onMedia = onMedia;
  }

  get route(): SendRoute | undefined {
    return this.#route;
  }

  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  /** Whether packets wait for room. */
  get isFull(): boolean {
    return this.#pending.length > 0;
  }

  setRoute(route: SendRoute, socket: DatagramSender): void {
    this.#route = route;
    this.#socket = socket;
  }

  close(): void {
    this.#socket = undefined;
    this.#pending.length = 0;
  }

  nextDeadlineUs(): number {
    return this.#retryAtUs;
  }

  /** Offers the socket what it had no room for, once it is time. */
  handleTimeout(nowUs: number): void {
    if (nowUs < this.#retryAtUs) return;
    this.#retryAtUs = Number.POSITIVE_INFINITY;
    for (const { session, first, count, retries } of this.#pending.splice(0)) {
      this.#sendRange(session, first, count, retries + 1, nowUs);
    }
  }

  /** Sends a stream's protected packets from sequence number `first` on; what the socket does not take is offered again shortly. */
  sendRange(session: SendSession, first: number, count: number, nowUs: number): number {
    // What waited for room comes first, or the peer would see a reordering that nothing caused.
    if (this.isFull) this.handleTimeout(this.#retryAtUs);
    return this.#sendRange(session, first, count, 0, nowUs);
  }

  /** Sends protected packets that go once: what the socket does not take is lost. The session counts them. */
  sendCounted(session: SendSession, ring: PacketRing, slot: number, count: number, nowUs: number): number {
    const sent = this.sendMedia(ring, slot, count, nowUs);
    let packets = 0;
    let bytes = 0;
    for (let i = 0; i < sent; i++) {
      const length = ring.lengthOf(slot + i);
      if (length < 0) continue;
      packets++;
      bytes += length;
    }
    session.countSent(packets, bytes);
    return sent;
  }

  /** The same, counted for the transport alone. */
  sendMedia(ring: PacketRing, slot: number, count: number, nowUs: number): number {
    const before = this.#counters[TransportCounters.bytesSent];
    const sent = this.send(ring, slot, count);
    this.#onMedia(this.#counters[TransportCounters.bytesSent] - before, nowUs);
    return sent;
  }

  /** The same, of what is no media. */
  send(ring: PacketRing, slot: number, count: number): number {
    const channel = this.#route?.channel;
    if (channel !== undefined) ring.wrap(slot, count, channel);
    const sent = this.#socket?.send(ring.slab, ring.table, slot, count) ?? 0;
    if (channel !== undefined) ring.unwrap(slot, count);
    const counters = this.#counters;
    counters[TransportCounters.packetsSent] += sent;
    counters[TransportCounters.sendErrors] += count - sent;
    for (let i = 0; i < sent; i++) {
      counters[TransportCounters.bytesSent] +=
        ring.table[(slot + i) * DatagramTable.words + DatagramTable.length];
    }
    return sent;
  }

  /** Drops what waits of a stream, which ends. */
  forget(session: SendSession): void {
    for (let i = this.#pending.length - 1; i >= 0; i--) {
      if (this.#pending[i].session === session) this.#pending.splice(i, 1);
    }
  }

  #sendRange(session: SendSession, first: number, count: number, retries: number, nowUs: number): number {
    const { ring } = session;
    const slot = ring.slotOf(first);
    const head = ring.countToEnd(first, count);
    let sent = this.#sendFirst(session, slot, head, nowUs);
    if (sent === head && count > head) sent += this.#sendFirst(session, 0, count - head, nowUs);
    if (sent === count) return sent;
    if (retries >= MAX_RETRIES) {
      session.countDropped(count - sent);
      return sent;
    }
    this.#pending.push({ session, first: (first + sent) & 0xffff, count: count - sent, retries });
    this.#retryAtUs = nowUs + RETRY_US;
    return sent;
  }

  /** Packets that leave for the first time. */
  #sendFirst(session: SendSession, slot: number, count: number, nowUs: number): number {
    const { ring, responder } = session;
    const sent = this.sendCounted(session, ring, slot, count, nowUs);
    for (let i = 0; i < sent; i++) responder.noteSent(Math.max(0, ring.lengthOf(slot + i)));
    return sent;
  }
}
