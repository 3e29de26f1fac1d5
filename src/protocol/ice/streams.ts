import type { TransportAddress } from "../primitives/address.js";
import type { IceOutput, StreamRequest } from "./types.js";

/** Where the numbers of TCP connections begin; UDP sockets have smaller ones, relayed paths larger ones. */
export const STREAM_SOCKET_BASE = 0x20000000;
const LAST_STREAM_SOCKET = 0x3fffffff;

/** Whether the number stands for a TCP connection. */
export function isStreamSocket(socketId: number): boolean {
  return socketId >= STREAM_SOCKET_BASE && socketId <= LAST_STREAM_SOCKET;
}

/** Who a connection is for. */
export interface StreamUser {
  opened(local: TransportAddress, nowUs: number): void;
  /** It could not be made, or is gone. */
  closed(reason: string, nowUs: number): void;
}

interface Stream {
  readonly user: StreamUser;
  /** When a connection that is still being made is given up. */
  giveUpUs: number;
}

/** The agent's TCP connections: asks for them, gives up on slow ones, and passes on what becomes of them. */
export class Streams {
  readonly #outputs: IceOutput[];
  readonly #timeoutUs: number;
  readonly #streams = new Map<number, Stream>();
  #next = STREAM_SOCKET_BASE;

  constructor(outputs: IceOutput[], timeoutUs: number) {
    this.#outputs = outputs;
    this.#timeoutUs = timeoutUs;
  }

  /** A number for a connection; one that is gone may be made again under its number. */
  number(): number {
    return this.#next++;
  }

  connect(socketId: number, request: StreamRequest, user: StreamUser, nowUs: number): void {
    this.#streams.set(socketId, { user, giveUpUs: nowUs + this.#timeoutUs });
    this.#outputs.push({ type: "connect", socketId, ...request });
  }

  /** Takes a connection that the peer made. */
  accept(user: StreamUser): number {
    const socketId = this.number();
    this.#streams.set(socketId, { user, giveUpUs: Infinity });
    return socketId;
  }

  opened(socketId: number, local: TransportAddress, nowUs: number): void {
    const stream = this.#streams.get(socketId);
    if (!stream) return;
    stream.giveUpUs = Infinity;
    stream.user.opened(local, nowUs);
  }

  closed(socketId: number, reason: string, nowUs: number): void {
    const stream = this.#streams.get(socketId);
    this.#streams.delete(socketId);
    stream?.user.closed(reason, nowUs);
  }

  /** Ends a connection of ours; its user is not told. */
  close(socketId: number): void {
    if (this.#streams.delete(socketId)) this.#outputs.push({ type: "disconnect", socketId });
  }

  closeAll(): void {
    for (const socketId of [...this.#streams.keys()]) this.close(socketId);
  }

  handleTimeout(nowUs: number): void {
    for (const [socketId, { giveUpUs, user }] of [...this.#streams]) {
      if (nowUs < giveUpUs) continue;
      this.close(socketId);
      user.closed(`No connection within ${this.#timeoutUs / 1e6} s`, nowUs);
    }
  }

  nextDeadlineUs(): number {
    let next = Infinity;
    for (const { giveUpUs } of this.#streams.values()) next = Math.min(next, giveUpUs);
    return next;
  }
}
