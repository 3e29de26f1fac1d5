import type { TransportAddress } from "../../protocol/primitives/address.js";

/** Datagrams that are kept. */
const CAPACITY = 8;

export interface UnprovenDatagram {
  readonly socketId: number;
  readonly from: TransportAddress;
  readonly data: Uint8Array;
}

/** Handshake datagrams that came from an address before it was proven to be the peer's. */
export class UnprovenDatagrams {
  readonly #kept: UnprovenDatagram[] = [];

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  /** Returns false when the oldest made room, so that whoever came first does not keep the peer out. */
  keep(datagram: UnprovenDatagram): boolean {
    const hasRoom = this.#kept.length < CAPACITY;
    if (!hasRoom) this.#kept.shift();
    this.#kept.push(datagram);
    return hasRoom;
  }

  takeAll(): UnprovenDatagram[] {
    return this.#kept.splice(0);
  }

  clear(): void {
    this.#kept.length = 0;
  }
}
