/** A UDP hop on loopback that loses media: what one peer sends there is handed to the other, RTP now and then not. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { CandidateInit } from "../../interop/peer.js";
import { classifyDatagram, DatagramKind } from "../../src/media/session/demux.js";
import { type RandomSource, randomFloat } from "../../src/protocol/primitives/random.js";
import type { RTCIceCandidate, RTCPeerConnection } from "../../src/webrtc/index.js";

export interface LossyProxyOptions {
  /** Where one peer is; whoever sends to the proxy is the other. */
  readonly port: number;
  /** Of this machine, for both; 127.0.0.1 by default. */
  readonly address?: string;
  /** Share of RTP that is lost, each way; STUN, DTLS and RTCP always pass. */
  readonly loss: number;
  readonly random: RandomSource;
}

const QUEUE_MS = 250;

export function withoutCandidates(sdp: string): string {
  return sdp.replaceAll(/^a=candidate:.*\r?\n/gm, "");
}

/** The connection's first UDP candidate on an address of this machine; to be called before it gathers. */
export function udpCandidateOf(pc: RTCPeerConnection, address = "127.0.0.1"): Promise<RTCIceCandidate> {
  return new Promise((resolve) => {
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.protocol === "udp" && candidate.address === address) resolve(candidate);
    };
  });
}

/**
 * A proxy before a candidate of ours, and the candidate as the other peer is to know it. With {@link withoutCandidates} the two meet
 * at the proxy alone: the other knows our address as the proxy's, we learn its by checks.
 */
export async function proxyBefore(
  { candidate, address, port, sdpMid, sdpMLineIndex }: RTCIceCandidate,
  options: Pick<LossyProxyOptions, "loss" | "random">,
): Promise<{ readonly proxy: LossyProxy; readonly shown: CandidateInit }> {
  if (address === null || port === null) throw new Error(`no address: ${candidate}`);
  const proxy = await LossyProxy.open({ ...options, address, port });
  const shown = candidate.replace(` ${port} `, ` ${proxy.port} `);
  return { proxy, shown: { candidate: shown, sdpMid, sdpMLineIndex } };
}

export class LossyProxy {
  /** RTP handed on and lost, from the other peer to `port` and back. */
  readonly passed = { there: 0, back: 0 };
  readonly lost = { there: 0, back: 0 };
  loss: number;
  /** From now on of what goes to the caller, but for a payload type, one packet of so many is lost; 0: at random. */
  every = 0;
  sparedPayloadType = -1;
  #counted = 0;
  #caller: RemoteInfo | undefined;
  #rateBps = Number.POSITIVE_INFINITY;
  #freeAtMs = 0;
  readonly #timers = new Set<NodeJS.Timeout>();

  static async open(options: LossyProxyOptions): Promise<LossyProxy> {
    const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
    for (const socket of sockets) {
      socket.bind(0, options.address ?? "127.0.0.1");
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
      if (this.#passes(data, "there")) inner.send(data, options.port, options.address ?? "127.0.0.1");
    });
    inner.on("message", (data) => {
      if (this.#caller === undefined || !this.#passes(data, "back")) return;
      this.#sendBack(data, this.#caller);
    });
  }

  #sendBack(data: Uint8Array, { port, address }: RemoteInfo): void {
    if (this.#rateBps === Number.POSITIVE_INFINITY) {
      this.outer.send(data, port, address);
      return;
    }
    const nowMs = performance.now();
    const atMs = Math.max(nowMs, this.#freeAtMs) + (8e3 * data.length) / this.#rateBps;
    if (atMs - nowMs > QUEUE_MS) return;
    this.#freeAtMs = atMs;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.outer.send(data, port, address);
    }, atMs - nowMs);
    this.#timers.add(timer);
  }

  /** The port to send to. */
  get port(): number {
    return (this.outer.address() as AddressInfo).port;
  }

  /** From now on what goes to the caller is a narrow path's: a queue of a quarter of a second before so many bits a second. */
  limit(rateBps: number): void {
    this.#rateBps = rateBps;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.outer.close();
    this.inner.close();
  }

  #isNext(data: Uint8Array): boolean {
    return (data[1] & 0x7f) !== this.sparedPayloadType && this.#counted++ % this.every === 0;
  }

  #passes(data: Uint8Array, way: "there" | "back"): boolean {
    if (classifyDatagram(data, 0, data.length) !== DatagramKind.rtp) return true;
    const isLost =
      way === "back" && this.every > 0 ? this.#isNext(data) : randomFloat(this.options.random) < this.loss;
    (isLost ? this.lost : this.passed)[way]++;
    return !isLost;
  }
}
