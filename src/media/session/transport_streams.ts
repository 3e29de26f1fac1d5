import {
  DatagramTable,
  native,
  type StreamListener,
  type StreamSocket,
  type UdpPoller,
} from "../../../native/addon.js";
import type { IceAgent, IceOutput } from "../../protocol/ice/index.js";
import { isLoopback, parseIp, type TransportAddress } from "../../protocol/primitives/address.js";
import type { TransportSettings } from "../transport_api.js";
import type { TransportSession } from "./transport_session.js";

/** Connections to one listener that the kernel may hold until they are accepted. */
const BACKLOG = 16;
/** Accepted in one turn, so that a flood of connections does not hold up the media. */
const MAX_ACCEPTS = 8;
/** The largest frame on a stream: what TURN's header can say. */
const MAX_FRAME_BYTES = 65_555;

interface Stream {
  readonly socketId: number;
  readonly socket: StreamSocket;
  /** Whether the session has been told that it stands. */
  isOpen: boolean;
  /** An accepted one whose bytes are counted until it has shown who it is. */
  isUnproven: boolean;
}

type Connect = Extract<IceOutput, { type: "connect" }>;

/** The TCP connections and listeners of one transport. */
export class TransportStreams {
  readonly #poller: UdpPoller;
  readonly #settings: TransportSettings;
  readonly list: Stream[] = [];
  readonly #listeners: StreamListener[] = [];
  /** What could not even be begun, told at the next turn: the session is in the middle of saying what it wants. */
  readonly #failed: { socketId: number; reason: string }[] = [];
  readonly #entry = new Int32Array(DatagramTable.words);

  constructor(poller: UdpPoller, settings: TransportSettings) {
    this.#poller = poller;
    this.#settings = settings;
  }

  /** There is something to tell the session that no socket will ring for. */
  get isDue(): boolean {
    return this.#failed.length > 0;
  }

  /** There is a connection, a listener, or something to tell. */
  get isUsed(): boolean {
    return this.list.length > 0 || this.#listeners.length > 0 || this.isDue;
  }

  find(socketId: number): StreamSocket | undefined {
    return this.list.find((stream) => stream.socketId === socketId)?.socket;
  }

  /** Offers TCP candidates beside the UDP sockets', as the settings say. */
  gather(ice: IceAgent, addresses: readonly string[], shownAs: (address: string) => string): void {
    const { tcpCandidates = "active" } = this.#settings;
    if (tcpCandidates === "off") return;
    for (const address of new Set(addresses)) {
      if (tcpCandidates !== "passive") ice.addLocalActive(address, shownAs(address));
      if (tcpCandidates !== "active") this.#listen(ice, address, shownAs(address));
    }
  }

  /** No port left is no error: there are other candidates. */
  #listen(ice: IceAgent, address: string, shown: string): void {
    const { min, max } = this.#settings.portRange ?? { min: 0, max: 0 };
    for (let port = min; port <= max; port++) {
      try {
        const listener = native.StreamListener.listen({
          address,
          port,
          backlog: BACKLOG,
          framing: "rfc4571",
        });
        this.#poller.add(listener);
        const { family } = listener;
        const base = { family, address, port: listener.port };
        ice.addLocalPassive(this.#listeners.push(listener) - 1, base, shown);
        return;
      } catch (error) {
        if ((error as { code?: unknown }).code !== "EADDRINUSE") return;
      }
    }
  }

  connect({ socketId, from, to, framing, tlsName }: Connect): void {
    const { extraCaPem } = this.#settings;
    const tls =
      tlsName === undefined
        ? {}
        : { tls: { serverName: tlsName, ...(extraCaPem !== undefined && { extraCaPem }) } };
    try {
      // From loopback nothing but loopback can be reached, and to it the way is the system's business.
      const local = loopback(from) === loopback(to.address) ? { localAddress: from } : {};
      const { address, port } = to;
      this.#add(socketId, native.StreamSocket.connect({ ...local, address, port, framing, ...tls }), false);
    } catch (error) {
      this.#failed.push({ socketId, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #add(socketId: number, socket: StreamSocket, accepted: boolean): void {
    this.disconnect(socketId);
    this.#poller.add(socket);
    this.list.push({ socketId, socket, isOpen: accepted, isUnproven: accepted });
  }

  disconnect(socketId: number): void {
    const index = this.list.findIndex((stream) => stream.socketId === socketId);
    if (index < 0) return;
    const [{ socket }] = this.list.splice(index, 1);
    this.#poller.remove(socket);
    socket.close();
  }

  /** False when there was no room for it. */
  send(socketId: number, data: Uint8Array): boolean {
    if (data.length > MAX_FRAME_BYTES) return false;
    this.#entry[DatagramTable.length] = data.length;
    return this.find(socketId)?.send(data, this.#entry, 0, 1) === 1;
  }

  /** Accepts connections, and tells of those that could not be begun. */
  serve(session: TransportSession, nowUs: number): void {
    while (this.#failed.length > 0) {
      const failed = this.#failed.shift();
      if (failed !== undefined) session.streamClosed(failed.socketId, failed.reason, nowUs);
    }
    for (let i = 0; i < this.#listeners.length; i++) {
      if (this.#poller.isReadable(this.#listeners[i])) this.#accept(session, i, nowUs);
    }
  }

  #accept(session: TransportSession, listenerId: number, nowUs: number): void {
    for (let i = 0; i < MAX_ACCEPTS; i++) {
      const socket = native.StreamSocket.accept(this.#listeners[listenerId]);
      if (socket === null) return;
      const { family, remoteAddress: address, remotePort: port } = socket;
      const socketId = session.acceptStream(listenerId, { family, address, port }, nowUs);
      if (socketId === undefined) socket.close();
      else this.#add(socketId, socket, true);
    }
  }

  /** Tells the session what has become of a connection whose messages have been taken. */
  follow(session: TransportSession, stream: Stream, nowUs: number): void {
    const { socket, socketId } = stream;
    // Taking what came may have ended it.
    if (!this.list.includes(stream)) return;
    const { state } = socket;
    if (state === "closed" || state === "failed") {
      const reason = socket.failure;
      this.disconnect(socketId);
      session.streamClosed(socketId, reason, nowUs);
    } else if (state === "open" && !stream.isOpen) {
      stream.isOpen = true;
      const { family, localAddress: address, localPort: port } = socket;
      session.streamOpened(socketId, { family, address, port } satisfies TransportAddress, nowUs);
    } else if (stream.isUnproven) {
      stream.isUnproven = session.noteStreamBytes(socketId, socket.counters.bytesReceived, nowUs);
    }
  }

  close(): void {
    for (const { socketId } of [...this.list]) this.disconnect(socketId);
    for (const listener of this.#listeners.splice(0)) {
      this.#poller.remove(listener);
      listener.close();
    }
  }
}

function loopback(address: string): boolean {
  const ip = parseIp(address);
  return ip !== undefined && isLoopback(ip);
}
