import { formatTransportAddress, type TransportAddress } from "../../../src/protocol/primitives/address.js";
import { AgentNode, type AgentNodeOptions, address, type World } from "./world.js";

/** Which TCP candidates an end offers. */
export interface TcpOptions {
  readonly active?: boolean;
  /** The port to listen on. */
  readonly passive?: number;
}

interface Side {
  readonly node: TcpAgentNode;
  readonly socketId: number;
  readonly from: TransportAddress;
}

const LISTENER = 1;

/** TCP between agents in virtual time: ordered, without loss, one delay for all. */
export class TcpNet {
  readonly #listening = new Map<string, TcpAgentNode>();
  readonly #sides = new Map<string, Side>();
  #nextPort = 50_000;
  /** Connections asked for. */
  connects = 0;
  /** Nobody answers to a SYN any more. */
  isBlocked = false;

  constructor(
    readonly world: World,
    readonly delayUs = 20_000,
  ) {}

  listen(at: TransportAddress, node: TcpAgentNode): void {
    this.#listening.set(formatTransportAddress(at), node);
  }

  connect(node: TcpAgentNode, socketId: number, ip: string, to: TransportAddress): void {
    this.connects++;
    if (this.isBlocked) return;
    const local = address(ip, this.#nextPort++);
    this.world.after(this.delayUs, () => {
      const far = this.#listening.get(formatTransportAddress(to));
      const accepted = far?.agent.acceptStream(LISTENER, local, this.world.nowUs);
      far?.drain();
      this.world.after(this.delayUs, () => {
        if (!far || accepted === undefined) {
          node.agent.streamClosed(socketId, "Connection refused", this.world.nowUs);
        } else {
          this.#join({ node, socketId, from: local }, { node: far, socketId: accepted, from: to });
          node.agent.streamOpened(socketId, local, this.world.nowUs);
        }
        node.drain();
      });
    });
  }

  #join(a: Side, b: Side): void {
    this.#sides.set(key(a), b);
    this.#sides.set(key(b), a);
  }

  send(node: TcpAgentNode, socketId: number, data: Uint8Array): void {
    const far = this.#sides.get(key({ node, socketId }));
    if (!far) return;
    const from = this.#sides.get(key(far))?.from;
    this.world.after(this.delayUs, () => {
      if (from && this.#sides.has(key(far))) far.node.receiveStream(far.socketId, from, data);
    });
  }

  /** One end goes; the other is told. */
  close(node: TcpAgentNode, socketId: number): void {
    const far = this.#sides.get(key({ node, socketId }));
    this.#sides.delete(key({ node, socketId }));
    if (far) this.world.after(this.delayUs, () => this.#broken(far));
  }

  #broken(side: Side): void {
    if (!this.#sides.delete(key(side))) return;
    side.node.agent.streamClosed(side.socketId, "Connection reset by peer", this.world.nowUs);
    side.node.drain();
  }

  /** Every connection breaks, at both ends. */
  reset(): void {
    for (const side of [...this.#sides.values()]) this.#broken(side);
  }

  get connections(): number {
    return this.#sides.size / 2;
  }
}

function key({ node, socketId }: Pick<Side, "node" | "socketId">): string {
  return `${node.name}/${socketId}`;
}

let names = 0;

/** An agent with UDP sockets and TCP candidates. */
export class TcpAgentNode extends AgentNode {
  readonly name = String(names++);

  constructor(
    readonly tcp: TcpNet,
    addresses: readonly TransportAddress[],
    private readonly offers: TcpOptions,
    options: AgentNodeOptions = {},
  ) {
    super(tcp.world, addresses, options);
  }

  override gather(): void {
    const ip = this.addresses[0].address;
    if (this.offers.active) this.agent.addLocalActive(ip);
    if (this.offers.passive !== undefined) {
      const at = address(ip, this.offers.passive);
      this.tcp.listen(at, this);
      this.agent.addLocalPassive(LISTENER, at);
    }
    super.gather();
  }

  receiveStream(socketId: number, from: TransportAddress, data: Uint8Array): void {
    if (!this.agent.handleDatagram(socketId, from, data, this.world.nowUs))
      this.data.push({ from, to: this.addresses[0], data });
    this.drain();
  }

  protected override transmit(socketId: number, to: TransportAddress, data: Uint8Array): void {
    if (this.addresses[socketId]) super.transmit(socketId, to, data);
    else this.tcp.send(this, socketId, data);
  }

  protected override handleOutput(o: Parameters<AgentNode["handleOutput"]>[0]): void {
    if (o.type === "connect") this.tcp.connect(this, o.socketId, o.from, o.to);
    else if (o.type === "disconnect") this.tcp.close(this, o.socketId);
    super.handleOutput(o);
  }
}
