/** A UDP hop on loopback that loses media: what one peer sends there is handed to the other, RTP now and then not. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { classifyDatagram, DatagramKind } from "../../src/media/session/demux.js";
import { type RandomSource, randomFloat } from "../../src/protocol/primitives/random.js";

export interface LossyProxyOptions {
  /** Where one peer is; whoever sends to the proxy is the other. */
  readonly port: number;
  /** Share of RTP that is lost, each way; STUN, DTLS and RTCP always pass. */
  readonly loss: number;
  readonly random: RandomSource;
}

export class LossyProxy {
  /** RTP handed on and lost, from the other peer to `port` and back. */
  readonly passed = { there: 0, back: 0 };
  readonly lost = { there: 0, back: 0 };
  loss: number;
  #caller: RemoteInfo | undefined;

  static async open(options: LossyProxyOptions): Promise<LossyProxy> {
    const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
    for (const socket of sockets) {
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
    }
    return new LossyProxy(options, ...sockets);
  }

  private constructor(
    private readonly options: LossyProxyOptions,
    private readonly outer: Socket,
    private readonly inner: Socket,
  ) {
    this.loss = options.loss;
    outer.on("message", (data, from) => {
      this.#caller = from;
      if (this.#passes(data, "there")) inner.send(data, options.port, "127.0.0.1");
    });
    inner.on("message", (data) => {
      if (this.#caller === undefined || !this.#passes(data, "back")) return;
      outer.send(data, this.#caller.port, this.#caller.address);
    });
  }

  /** The port to send to. */
  get port(): number {
    return (this.outer.address() as AddressInfo).port;
  }

  close(): void {
    this.outer.close();
    this.inner.close();
  }

  #passes(data: Uint8Array, way: "there" | "back"): boolean {
    if (classifyDatagram(data, 0, data.length) !== DatagramKind.rtp) return true;
    const isLost = randomFloat(this.options.random) < this.loss;
    (isLost ? this.lost : this.passed)[way]++;
    return !isLost;
  }
}
