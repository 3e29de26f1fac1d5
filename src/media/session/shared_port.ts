import { native, type UdpPoller, type UdpSocket } from "../../../native/addon.js";
import type { DatagramCursor } from "./datagram_cursor.js";
import { PortDemux } from "./port_demux.js";
import type { TransportSession } from "./transport_session.js";

/** Room in the kernel for the bursts of many connections. */
const SOCKET_BUFFER_BYTES = 8 * 1024 * 1024;

/** A connection that uses a shared port. */
export interface PortOwner {
  readonly session: TransportSession;
  /** A batch from the network was handled. */
  afterBatch(nowUs: number): void;
}

/** A connection's use of one shared port. */
export interface PortUse {
  readonly owner: PortOwner;
  /** The port's number among the connection's sockets. */
  readonly socketId: number;
  /** Datagrams of the batch being handled were this connection's. */
  touched: boolean;
}

/** One UDP socket for any number of connections. */
export class SharedPort {
  readonly socket: UdpSocket;
  readonly demux = new PortDemux<PortUse>();
  readonly #touched: PortUse[] = [];

  constructor(address: string, port: number) {
    const buffers = { receiveBufferBytes: SOCKET_BUFFER_BYTES, sendBufferBytes: SOCKET_BUFFER_BYTES };
    this.socket = native.UdpSocket.bind({ address, port, ...buffers });
  }

  /** Hands entry `entry` of the table, where the cursor stands, to its connection. */
  handle(cursor: DatagramCursor, table: Int32Array, entry: number, nowUs: number): void {
    const use = this.demux.find(cursor.bytes, cursor.offset, cursor.length, table, entry);
    if (use === undefined) return;
    const { session } = use.owner;
    cursor.socketId = use.socketId;
    const { checksAuthenticated, answersAuthenticated } = session;
    session.handleDatagram(cursor, nowUs);
    if (session.checksAuthenticated > checksAuthenticated) this.demux.claim(table, entry, use);
    // A peer that only answers (RFC 8445 §2.5) proves itself so, but takes no address from another.
    else if (session.answersAuthenticated > answersAuthenticated) this.demux.claimFree(table, entry, use);
    if (use.touched) return;
    use.touched = true;
    this.#touched.push(use);
  }

  /** The batch has been handled. */
  afterBatch(nowUs: number): void {
    for (const use of this.#touched) {
      use.touched = false;
      use.owner.afterBatch(nowUs);
    }
    this.#touched.length = 0;
  }
}

/** The shared ports of an engine: bound for the first connection that wants one, closed after the last. */
export class SharedPorts {
  readonly list: SharedPort[] = [];
  readonly #poller: UdpPoller;
  readonly #byName = new Map<string, SharedPort>();

  constructor(poller: UdpPoller) {
    this.#poller = poller;
  }

  /** @throws what the system says when the port cannot be bound */
  open(address: string, port: number): SharedPort {
    const name = `${address} ${port}`;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const shared = new SharedPort(address, port);
    this.#poller.add(shared.socket);
    this.#byName.set(name, shared);
    this.list.push(shared);
    return shared;
  }

  release(shared: SharedPort, use: PortUse): void {
    shared.demux.remove(use);
    if (shared.demux.size > 0) return;
    for (const [name, port] of this.#byName) if (port === shared) this.#byName.delete(name);
    this.list.splice(this.list.indexOf(shared), 1);
    this.#poller.remove(shared.socket);
    shared.socket.close();
  }
}
