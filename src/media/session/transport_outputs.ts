import type { IceOutput } from "../../protocol/ice/index.js";
import { formatTransportAddress, type TransportAddress } from "../../protocol/primitives/address.js";
import { countDiscarded } from "./discard_counter.js";
import type { SrtpKeys, TransportNotice } from "./messages.js";
import type { DiscardKind } from "./stream_counters.js";

/** A datagram where the socket put it. One reusable object; `source()` is asked only for what is no media. */
export interface ReceivedDatagram {
  /** The socket it came through, as given to `addLocalHost`. */
  readonly socketId: number;
  /** The slab; RTP is unprotected in place. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly arrivalUs: number;
  source(): TransportAddress;
}

export type TransportOutput =
  | {
      readonly type: "transmit";
      readonly socketId: number;
      readonly to: TransportAddress;
      readonly data: Uint8Array;
    }
  | Extract<IceOutput, { type: "connect" | "disconnect" }>
  | { readonly type: "notice"; readonly notice: TransportNotice }
  /** A name to ask for by multicast: `TransportSession.nameResolved` is to follow. */
  | { readonly type: "resolve"; readonly name: string }
  /** The sender's way from now on. */
  | {
      readonly type: "route";
      readonly socketId: number;
      readonly to: TransportAddress;
      readonly channel?: number;
    }
  /** The sender's key; the peer's fingerprint has been verified. */
  | { readonly type: "keys"; readonly keys: SrtpKeys; readonly cipher: string }
  /** The first discarded datagram of its kind. */
  | { readonly type: "discarded"; readonly kind: DiscardKind; readonly from: string };

/** Where datagrams of data channels are written, a batch at a time, without a copy in between. */
export interface DatagramWriter {
  /** Room for a batch: the datagrams, and a table whose offsets and lengths say where each lies. */
  readonly slab: Uint8Array;
  readonly table: Int32Array;
  /** Sends what the kernel had no room for, if there is any; false: it still has none, and no batch may be written. */
  retry(): boolean;
  /** Sends the first `count` datagrams of the table. */
  sendBatch(socketId: number, to: TransportAddress, count: number): void;
}

/** What one transport's parts have to say, in order, until it is drained. */
export class TransportOutputs {
  readonly #queue: TransportOutput[] = [];
  /** A `TransportCounters` block. */
  readonly #counters: Float64Array;

  constructor(counters: Float64Array) {
    this.#counters = counters;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  push(output: TransportOutput): void {
    this.#queue.push(output);
  }

  shift(): TransportOutput | undefined {
    return this.#queue.shift();
  }

  notice(notice: TransportNotice): void {
    this.#queue.push({ type: "notice", notice });
  }

  /** Counts what nobody wanted. */
  discard(kind: DiscardKind, from: string): void {
    if (countDiscarded(this.#counters, kind)) this.#queue.push({ type: "discarded", kind, from });
  }

  discardFrom(kind: DiscardKind, datagram: ReceivedDatagram): void {
    if (!countDiscarded(this.#counters, kind)) return;
    this.#queue.push({ type: "discarded", kind, from: formatTransportAddress(datagram.source()) });
  }
}
