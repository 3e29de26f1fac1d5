import { type IceAgent, type IceOutput, isRelaySocket, isStreamSocket } from "../../protocol/ice/index.js";
import { formatTransportAddress, type TransportAddress } from "../../protocol/primitives/address.js";
import type { DtlsSession } from "./dtls_session.js";
import { TransportCounters } from "./stream_counters.js";
import type { TransportOutputs } from "./transport_outputs.js";

/** A socket, and whom it reaches. */
export interface PathEnds {
  readonly socketId: number;
  readonly to: TransportAddress;
}

type RelayChannel = Extract<IceOutput, { type: "relaychannel" }>;

/** The way to the peer: where DTLS goes, what the sender is told of it, and how datagrams get through relays. */
export class PeerPath {
  readonly #ice: IceAgent;
  readonly #outputs: TransportOutputs;
  /** The transport's. */
  readonly #counters: Float64Array;
  /** How datagrams reach a peer through a relay, by the path they take; a few at most. */
  readonly #channels = new Map<string, RelayChannel>();
  #current: PathEnds | undefined;

  constructor(ice: IceAgent, outputs: TransportOutputs, counters: Float64Array) {
    this.#ice = ice;
    this.#outputs = outputs;
    this.#counters = counters;
  }

  /** Where DTLS goes: the selected pair, before there is one the way the last handshake datagram came. */
  get current(): PathEnds | undefined {
    return this.#current;
  }

  get peer(): TransportAddress {
    return this.#current?.to ?? { family: 4, address: "0.0.0.0", port: 0 };
  }

  use(socketId: number, to: TransportAddress): void {
    this.#current = { socketId, to };
  }

  addChannel(channel: RelayChannel): void {
    this.#channels.set(pathKey(channel.socketId, channel.peer), channel);
  }

  /** Through a relay the sender's way is known once there is a channel. */
  tellRoute(): void {
    if (this.#current === undefined) return;
    const { socketId, to } = this.#current;
    if (!isRelaySocket(socketId)) {
      this.#outputs.push({ type: "route", socketId, to });
      return;
    }
    const relay = this.#channels.get(pathKey(socketId, to));
    if (relay === undefined) return;
    const { via, server, channel } = relay;
    this.#outputs.push({ type: "route", socketId: via, to: server, channel });
  }

  /** Sends what DTLS has to say, as far as there is a way. */
  flush(dtls: DtlsSession, nowUs: number): void {
    const path = this.#current;
    if (path === undefined) return;
    for (let data = dtls.takeDatagram(); data !== undefined; data = dtls.takeDatagram()) {
      this.transmit(path.socketId, path.to, data, nowUs);
    }
  }

  transmit(socketId: number, to: TransportAddress, data: Uint8Array, nowUs: number): void {
    if (isRelaySocket(socketId)) {
      this.#ice.sendRelayed(socketId, to, data, nowUs);
      return;
    }
    this.countSent(1, data.length);
    this.#outputs.push({ type: "transmit", socketId, to, data });
  }

  countSent(packets: number, bytes: number): void {
    this.#counters[TransportCounters.pathPacketsSent] += packets;
    this.#counters[TransportCounters.pathBytesSent] += bytes;
  }
}

/** Whether a socket's datagrams go to the kernel as they are. */
export function isUdpSocket(socketId: number): boolean {
  return !isRelaySocket(socketId) && !isStreamSocket(socketId);
}

function pathKey(socketId: number, to: TransportAddress): string {
  return `${socketId}/${formatTransportAddress(to)}`;
}
