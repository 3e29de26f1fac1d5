import { networkInterfaces } from "node:os";
import { DatagramTable, native, type UdpPoller, type UdpSocket } from "../../../native/addon.js";
import { MDNS_GROUP_IPV4, MDNS_GROUP_IPV6, MDNS_PORT } from "../../protocol/mdns/index.js";
import { isMulticast, parseIp, type TransportAddress } from "../../protocol/primitives/address.js";
import { DatagramCursor } from "./datagram_cursor.js";
import { SingleDatagram } from "./single_datagram.js";

/** RFC 6762 §17: no message is longer, headers included. */
const MAX_MESSAGE_BYTES = 9000;
const BATCH = 8;
/** Datagrams taken in one step at most: others of the thread have a right to it, too. */
const MAX_DATAGRAMS = 64;
/** A machine with more has them for containers. */
const MAX_INTERFACES = 16;

interface Group {
  readonly socket: UdpSocket;
  readonly group: TransportAddress;
  /** Those that could be joined. */
  readonly interfaces: readonly string[];
}

/** The multicast DNS port of this machine, shared with whoever else uses it: one socket a family, in the group on every interface. */
export class MdnsSockets {
  readonly #poller: UdpPoller;
  readonly #groups: Group[] = [];
  readonly #slab = new Uint8Array(BATCH * MAX_MESSAGE_BYTES);
  readonly #table = new Int32Array(BATCH * DatagramTable.words);
  readonly #cursor = new DatagramCursor(this.#slab, this.#table);
  readonly #out = new SingleDatagram(MAX_MESSAGE_BYTES);
  #scopeId = 0;

  constructor(poller: UdpPoller) {
    this.#poller = poller;
    for (const group of [MDNS_GROUP_IPV4, MDNS_GROUP_IPV6]) {
      const opened = open(group);
      if (opened === undefined) continue;
      this.#groups.push(opened);
      poller.add(opened.socket);
    }
  }

  /** Hands on what has come. */
  receive(handle: (from: TransportAddress, data: Uint8Array) => void): void {
    for (const { socket } of this.#groups) {
      if (!this.#poller.isReadable(socket)) continue;
      for (let taken = 0; taken < MAX_DATAGRAMS; ) {
        const count = socket.receive(this.#slab, this.#table);
        if (count === 0) break;
        taken += count;
        for (let entry = 0; entry < count; entry++) this.#hand(entry, handle);
      }
    }
    this.#scopeId = 0;
  }

  #hand(entry: number, handle: (from: TransportAddress, data: Uint8Array) => void): void {
    const cursor = this.#cursor;
    cursor.moveTo(entry, 0);
    this.#scopeId = this.#table[entry * DatagramTable.words + DatagramTable.scopeId];
    handle(cursor.source(), cursor.bytes.subarray(cursor.offset, cursor.offset + cursor.length));
  }

  /** To the group on every interface, or to one asker where the last message came from. */
  send(to: TransportAddress, data: Uint8Array): void {
    const ip = parseIp(to.address);
    for (const { socket, group, interfaces } of this.#groups) {
      if (group.family !== to.family) continue;
      if (ip === undefined || !isMulticast(ip)) {
        this.#out.send(socket, to, data, this.#scopeId);
        continue;
      }
      for (const name of interfaces) this.#multicast(socket, name, to, data);
    }
  }

  /** An interface may be gone since it was joined. */
  #multicast(socket: UdpSocket, interfaceName: string, to: TransportAddress, data: Uint8Array): void {
    try {
      socket.setMulticastInterface(interfaceName);
    } catch {
      return;
    }
    this.#out.send(socket, to, data);
  }

  close(): void {
    for (const { socket } of this.#groups.splice(0)) {
      this.#poller.remove(socket);
      socket.close();
    }
  }
}

/** Undefined where this machine has no such family, or somebody has the port for himself. */
function open(group: TransportAddress): Group | undefined {
  let socket: UdpSocket;
  try {
    const address = group.family === 4 ? "0.0.0.0" : "::";
    socket = native.UdpSocket.bind({ address, port: MDNS_PORT, shared: true });
  } catch {
    return undefined;
  }
  return {
    socket,
    group,
    interfaces: interfacesOf(group.family).filter((name) => joins(socket, group, name)),
  };
}

function joins(socket: UdpSocket, group: TransportAddress, interfaceName: string): boolean {
  try {
    socket.joinMulticast(group.address, interfaceName);
    return true;
  } catch {
    return false;
  }
}

function interfacesOf(family: 4 | 6): string[] {
  const has = (address: string) => parseIp(address)?.length === (family === 4 ? 4 : 16);
  return Object.entries(networkInterfaces())
    .filter(([, addresses]) => addresses?.some(({ address }) => has(address)))
    .map(([name]) => name)
    .slice(0, MAX_INTERFACES);
}
