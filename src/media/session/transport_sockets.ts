import { DatagramTable, native, type UdpPoller, type UdpSocket } from "../../../native/addon.js";
import { parseIp, type TransportAddress } from "../../protocol/primitives/address.js";
import type { TransportSettings } from "../transport_api.js";
import { localAddresses } from "./local_addresses.js";
import type { PortOwner, PortUse, SharedPort, SharedPorts } from "./shared_port.js";
import { SingleDatagram } from "./single_datagram.js";
import type { DatagramWriter } from "./transport_outputs.js";

/** Room in the kernel for the burst of a keyframe, and for what arrives while the thread is busy. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
const MAX_DATAGRAM_BYTES = 2048;
/** Datagrams handed to the kernel in one call at most; as many as one GSO burst holds. */
const BATCH = 64;
/** Ports of a range that are tried before giving up: more would keep the thread from its other connections. */
const PORT_ATTEMPTS = 1024;
/** As many as an agent takes. */
const MAX_SOCKETS = 32;

/** An address that could not be bound, and why. */
export interface BindProblem {
  readonly address: string;
  readonly reason: string;
}

/** What one connection has of a shared port. */
interface Share {
  readonly port: SharedPort;
  readonly use: PortUse;
}

/**
 * The UDP sockets of one transport, one for each local address, its own or shared ones (`settings.udpMux`). A socket's id
 * is its place in the list.
 */
export class TransportSockets implements DatagramWriter {
  readonly list: UdpSocket[] = [];
  readonly problems: BindProblem[] = [];
  readonly #poller: UdpPoller;
  readonly #ports: SharedPorts;
  /** By socket id: shared sockets come before all others. */
  readonly #shares: Share[] = [];
  /** Sockets for relays alone, by the shared one beside which they stand. */
  readonly #relaySockets = new Map<number, number>();
  readonly #single = new SingleDatagram(MAX_DATAGRAM_BYTES);
  /** Made for the first batch: most connections have no data channels, and then this would be a third of what they need. */
  #batch: { readonly slab: Uint8Array; readonly table: Int32Array; readonly bytes: Uint8Array } | undefined;
  /** The part of the batch that the kernel has no room for: [first, end), through socket `waitingFor`. */
  #first = 0;
  #end = 0;
  #waitingFor = 0;
  /** Whose address stands in every entry of the table. */
  #to: TransportAddress | undefined;

  constructor(poller: UdpPoller, ports: SharedPorts) {
    this.#poller = poller;
    this.#ports = ports;
  }

  get slab(): Uint8Array {
    return this.#room.slab;
  }

  get table(): Int32Array {
    return this.#room.table;
  }

  get #room() {
    if (this.#batch === undefined) {
      const table = new Int32Array(BATCH * DatagramTable.words);
      const slab = new Uint8Array(BATCH * MAX_DATAGRAM_BYTES);
      this.#batch = { slab, table, bytes: new Uint8Array(table.buffer) };
    }
    return this.#batch;
  }

  /** Whether the socket is shared with other transports: then it is not this one's to read. */
  isShared(socketId: number): boolean {
    return this.#shares[socketId] !== undefined;
  }

  /** The numbers of the sockets that have candidates of their own, each with that of its socket for relays. */
  *hosts(): Generator<{ readonly socketId: number; readonly relaySocketId?: number }> {
    const forRelays = new Set(this.#relaySockets.values());
    for (const socketId of this.list.keys()) {
      const relaySocketId = this.#relaySockets.get(socketId);
      if (!forRelays.has(socketId)) yield { socketId, ...(relaySocketId !== undefined && { relaySocketId }) };
    }
  }

  /** Gives every shared socket a companion that this transport has for itself: a TURN server tells its clients apart by it. */
  bindForRelays({ portRange }: TransportSettings, randomUint32: () => number): void {
    const shared = this.#shares.length;
    for (let socketId = 0; socketId < shared; socketId++) {
      const { address } = this.list[socketId];
      this.#try(address, () => {
        this.#add(bindInRange(address, portRange, randomUint32));
        this.#relaySockets.set(socketId, this.list.length - 1);
      });
    }
  }

  #try(address: string, bind: () => void): void {
    try {
      bind();
    } catch (error) {
      this.problems.push({ address, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** On shared ports, checks for this user name fragment are the transport's. */
  addFragment(fragment: string): void {
    for (const { port, use } of this.#shares) port.demux.addFragment(fragment, use);
  }

  /** Binds a socket for every local address that the settings allow, or joins its shared port. */
  bind(settings: TransportSettings, owner: PortOwner, randomUint32: () => number): void {
    for (const address of localAddresses(settings)) {
      if (this.list.length >= MAX_SOCKETS) {
        this.problems.push({ address, reason: `more than ${MAX_SOCKETS} local addresses` });
        continue;
      }
      this.#try(address, () => {
        if (settings.udpMux !== undefined) this.#join(address, settings.udpMux.port, owner);
        else this.#add(bindInRange(address, settings.portRange, randomUint32));
      });
    }
  }

  #add(socket: UdpSocket): void {
    this.#poller.add(socket);
    this.list.push(socket);
  }

  #join(address: string, number: number, owner: PortOwner): void {
    const port = this.#ports.open(address, number);
    this.#shares[this.list.length] = { port, use: { owner, socketId: this.list.length, touched: false } };
    this.list.push(port.socket);
  }

  /** Sends one datagram; false when the kernel did not take it. */
  send(socketId: number, to: TransportAddress, data: Uint8Array): boolean {
    const socket = this.list[socketId];
    if (socket === undefined) return false;
    const share = this.#shares[socketId];
    share?.port.demux.noteSent(data, share.use);
    return this.#single.send(socket, to, data);
  }

  /** The kernel has no room for what was written last. */
  get isFull(): boolean {
    return this.#first < this.#end;
  }

  sendBatch(socketId: number, to: TransportAddress, count: number): void {
    if (!this.#address(to)) return;
    this.#waitingFor = socketId;
    this.#first = 0;
    this.#end = count;
    this.retry();
  }

  retry(): boolean {
    if (!this.isFull) return true;
    const socket = this.list[this.#waitingFor];
    const left = this.#end - this.#first;
    this.#first += socket?.sendWhatFits(this.slab, this.table, this.#first, left) ?? left;
    return !this.isFull;
  }

  /** Writes the address into every entry of the table; false: it is none. */
  #address(to: TransportAddress): boolean {
    if (to === this.#to) return true;
    const bytes = parseIp(to.address);
    if (bytes === undefined) return false;
    this.#to = to;
    const { table, bytes: tableBytes } = this.#room;
    for (let at = 0; at < table.length; at += DatagramTable.words) {
      table[at + DatagramTable.family] = to.family;
      table[at + DatagramTable.port] = to.port;
      tableBytes.set(bytes, 4 * (at + DatagramTable.address));
    }
    return true;
  }

  close(): void {
    const shares = this.#shares.splice(0);
    this.list.splice(0).forEach((socket, socketId) => {
      const share = shares[socketId];
      if (share !== undefined) {
        this.#ports.release(share.port, share.use);
        return;
      }
      this.#poller.remove(socket);
      socket.close();
    });
  }
}

function bindInRange(
  address: string,
  range: TransportSettings["portRange"],
  randomUint32: () => number,
): UdpSocket {
  const buffers = { receiveBufferBytes: SOCKET_BUFFER_BYTES, sendBufferBytes: SOCKET_BUFFER_BYTES };
  if (range === undefined) return native.UdpSocket.bind({ address, port: 0, ...buffers });
  const { min, max } = range;
  const size = max - min + 1;
  const first = randomUint32() % size;
  const attempts = Math.min(size, PORT_ATTEMPTS);
  for (let i = 0; i < attempts; i++) {
    try {
      return native.UdpSocket.bind({ address, port: min + ((first + i) % size), ...buffers });
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EADDRINUSE") throw error;
    }
  }
  throw new Error(`cannot bind UDP ${address}: ${attempts} ports from ${min} to ${max} are all in use`);
}
