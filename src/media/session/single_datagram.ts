import { DatagramTable, type UdpSocket } from "../../../native/addon.js";
import { parseIp, type TransportAddress } from "../../protocol/primitives/address.js";

/** Sends datagrams one by one, from memory of its own. */
export class SingleDatagram {
  readonly #slab: Uint8Array;
  readonly #entry = new Int32Array(DatagramTable.words);
  readonly #entryBytes = new Uint8Array(this.#entry.buffer);

  constructor(maxBytes: number) {
    this.#slab = new Uint8Array(maxBytes);
  }

  /**
   * False when the kernel did not take it.
   *
   * @param scopeId - the interface's number, which link-local IPv6 addresses need.
   */
  send(socket: UdpSocket, to: TransportAddress, data: Uint8Array, scopeId = 0): boolean {
    const address = parseIp(to.address);
    if (address === undefined || data.length > this.#slab.length) return false;
    this.#slab.set(data);
    this.#entry[DatagramTable.offset] = 0;
    this.#entry[DatagramTable.length] = data.length;
    this.#entry[DatagramTable.family] = to.family;
    this.#entry[DatagramTable.port] = to.port;
    this.#entry[DatagramTable.scopeId] = scopeId;
    this.#entryBytes.set(address, 4 * DatagramTable.address);
    return socket.send(this.#slab, this.#entry, 0, 1) === 1;
  }
}
