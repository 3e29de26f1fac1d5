/** UDP sockets of the TURN server: those clients come to and those of the relays. */
import { createSocket, type Socket } from "node:dgram";
import type { TransportAddress } from "../protocol/primitives/address.js";
import { listenError } from "./listen.js";
import { familyOf } from "./turn_addresses.js";

/** The kernel takes far more than this in a call; beyond it the network is slower than the sender: datagrams are lost. */
const MAX_QUEUED_BYTES = 1_048_576;
const BUFFER_BYTES = 1_048_576;

export type DatagramHandler = (data: Uint8Array, from: TransportAddress) => void;

/** Resolves to an open socket; it never throws, what cannot be sent is lost. Rejects with a `ServerError`. */
export function bindUdp(address: string, port: number, onDatagram: DatagramHandler): Promise<UdpEndpoint> {
  const family = familyOf(address);
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 4 ? "udp4" : "udp6",
      ipv6Only: family === 6,
      // All destinations are numeric: nothing to look up.
      lookup: (host, _options, callback) => callback(null, host, family),
    });
    const onError = (error: Error): void => {
      socket.close();
      reject(listenError(error, address, port));
    };
    socket.once("error", onError);
    socket.on("message", (data, from) =>
      onDatagram(data, { family, address: from.address, port: from.port }),
    );
    socket.bind({ address, port, exclusive: true }, () => {
      socket.off("error", onError);
      resolve(new UdpEndpoint(socket));
    });
  });
}

export class UdpEndpoint {
  /** Datagrams that found the queue full. */
  lost = 0;
  readonly #socket: Socket;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    // Unreachable hosts and the like: the peer's affair.
    socket.on("error", () => {});
    socket.setRecvBufferSize(BUFFER_BYTES);
    socket.setSendBufferSize(BUFFER_BYTES);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(data: Uint8Array, to: TransportAddress): void {
    if (this.#closed || this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) this.lost++;
    else this.#socket.send(data, to.port, to.address, ignore);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

const ignore = (): void => {};
