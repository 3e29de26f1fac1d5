import { DatagramTable } from "../../native/addon.js";

/** A slab with its table, as the UDP calls use them, for tests. */
export class Datagrams {
  readonly slab: Uint8Array;
  readonly table: Int32Array;
  #used = 0;
  count = 0;

  constructor(slabBytes: number, entries: number) {
    this.slab = new Uint8Array(new SharedArrayBuffer(slabBytes));
    this.table = new Int32Array(entries * DatagramTable.words);
  }

  add(bytes: Uint8Array, address: string, port: number): this {
    const at = this.count++ * DatagramTable.words;
    const family = address.includes(":") ? 6 : 4;
    this.slab.set(bytes, this.#used);
    this.table[at + DatagramTable.offset] = this.#used;
    this.table[at + DatagramTable.length] = bytes.length;
    this.table[at + DatagramTable.family] = family;
    this.table[at + DatagramTable.port] = port;
    const raw = new Uint8Array(this.table.buffer, (at + DatagramTable.address) * 4, 16);
    raw.fill(0);
    if (family === 4) raw.set(address.split(".").map(Number));
    else raw[15] = 1; // ::1, the one v6 address tests use
    this.#used += bytes.length;
    return this;
  }

  bytes(index: number): Buffer {
    const at = index * DatagramTable.words;
    const offset = this.table[at + DatagramTable.offset]!;
    return Buffer.from(this.slab.slice(offset, offset + this.table[at + DatagramTable.length]!));
  }

  word(index: number, word: number): number {
    return this.table[index * DatagramTable.words + word]!;
  }

  arrivalUs(index: number): number {
    const at = (index * DatagramTable.words + DatagramTable.arrival) * 4;
    return new DataView(this.table.buffer).getFloat64(at, true);
  }
}
