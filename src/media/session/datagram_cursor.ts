import { DatagramTable } from "../../../native/addon.js";
import { formatIp, type TransportAddress } from "../../protocol/primitives/address.js";
import type { ReceivedDatagram } from "./transport_outputs.js";

/** Walks the entries of a {@link DatagramTable} that a socket filled; one object for all of them. */
export class DatagramCursor implements ReceivedDatagram {
  readonly bytes: Uint8Array;
  socketId = 0;
  offset = 0;
  length = 0;
  arrivalUs = 0;
  readonly #table: Int32Array;
  readonly #times: Float64Array;
  readonly #tableBytes: Uint8Array;
  #at = 0;

  /** @param table starts at a multiple of 8 bytes in its buffer */
  constructor(slab: Uint8Array, table: Int32Array) {
    this.bytes = slab;
    this.#table = table;
    this.#times = new Float64Array(table.buffer, table.byteOffset, table.length >> 1);
    this.#tableBytes = new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
  }

  /** Points at `entry`, which came through `socketId`. */
  moveTo(entry: number, socketId: number): void {
    const at = entry * DatagramTable.words;
    this.#at = at;
    this.socketId = socketId;
    this.offset = this.#table[at + DatagramTable.offset];
    this.length = this.#table[at + DatagramTable.length];
    this.arrivalUs = this.#times[(at + DatagramTable.arrival) / 2];
  }

  source(): TransportAddress {
    const family = this.#table[this.#at + DatagramTable.family] === 6 ? 6 : 4;
    const from = 4 * (this.#at + DatagramTable.address);
    const address = formatIp(this.#tableBytes.slice(from, from + (family === 4 ? 4 : 16)));
    return { family, address, port: this.#table[this.#at + DatagramTable.port] };
  }
}
