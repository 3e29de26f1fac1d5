import {
  IceAgent,
  type IceAgentOptions,
  type IceCandidate,
  type IceOutput,
  type IceState,
} from "../../../src/protocol/ice/index.js";
import { type LinkOptions, type Nat, NetworkEmulator } from "../../../src/protocol/netem/index.js";
import {
  formatTransportAddress,
  makeTransportAddress,
  type TransportAddress,
} from "../../../src/protocol/primitives/address.js";
import { type RandomSource, seededRandom } from "../../../src/protocol/primitives/random.js";
import {
  decodeStun,
  encodeStun,
  StunAttributeType,
  StunClass,
  StunMessage,
  xorAddressAttribute,
} from "../../../src/protocol/stun/index.js";
import { hmacSha1 } from "../stun/crypto.js";

export interface Datagram {
  readonly from: TransportAddress;
  readonly to: TransportAddress;
  readonly data: Uint8Array;
}

/** Somebody on the network. */
export interface Node {
  readonly addresses: readonly TransportAddress[];
  readonly nat?: Nat | undefined;
  receive(at: TransportAddress, from: TransportAddress, data: Uint8Array, nowUs: number): void;
  handleTimeout?(nowUs: number): void;
  nextDeadlineUs?(): number;
}

export function address(text: string, port: number): TransportAddress {
  const a = makeTransportAddress(text, port);
  if (!a) throw new Error(`bad address ${text}`);
  return a;
}

/** Hosts, NATs and links in virtual time. */
export class World {
  nowUs = 0;
  readonly random: RandomSource;
  readonly net: NetworkEmulator<Datagram>;
  readonly #nodes: Node[] = [];
  readonly #links = new Map<Node, number>();
  readonly #tasks: { atUs: number; run: () => void }[] = [];
  /** Sees every datagram as it is sent. */
  onSend: (d: Datagram) => void = () => {};

  constructor(readonly seed: number) {
    this.random = seededRandom(seed);
    this.net = new NetworkEmulator(this.random);
  }

  add<T extends Node>(node: T, link: LinkOptions = {}): T {
    this.#nodes.push(node);
    this.#links.set(node, this.net.addLink(link));
    return node;
  }

  remove(node: Node): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
  }

  /** Changes the node's way out. */
  setLink(node: Node, link: Partial<LinkOptions>): void {
    this.net.updateLink(this.#links.get(node) as number, link);
  }

  after(delayUs: number, run: () => void): void {
    this.#tasks.push({ atUs: this.nowUs + delayUs, run });
  }

  send(node: Node, from: TransportAddress, to: TransportAddress, data: Uint8Array): void {
    const d = { from, to, data };
    this.onSend(d);
    const link = this.#links.get(node) as number;
    const sameSide = this.#nodes.some((n) => n.nat === node.nat && owns(n, to));
    if (!node.nat || sameSide) {
      this.net.send(link, d, this.nowUs);
      return;
    }
    const outside = node.nat.outbound(from, to, this.nowUs);
    if (!outside) return;
    if (to.address === node.nat.externalAddress && !node.nat.hairpinning) return;
    this.net.send(link, { from: outside, to, data }, this.nowUs);
  }

  #deliver(d: Datagram): void {
    const { from, to, data } = d;
    const direct = this.#nodes.find((n) => owns(n, to) && (!n.nat || isInside(n, from)));
    if (direct) {
      direct.receive(to, from, data, this.nowUs);
      return;
    }
    const nat = this.#nodes.find((n) => n.nat?.externalAddress === to.address)?.nat;
    const inside = nat?.inbound(from, to, this.nowUs);
    const node = inside && this.#nodes.find((n) => n.nat === nat && owns(n, inside));
    if (inside && node) node.receive(inside, from, data, this.nowUs);
  }

  /** Runs until `until` holds or `limitUs` has passed. @returns whether it held. */
  run(limitUs: number, until: () => boolean = () => false): boolean {
    const endUs = this.nowUs + limitUs;
    for (let steps = 0; ; steps++) {
      if (steps > 5_000_000)
        throw new Error(`virtual time stands still at ${this.nowUs} (seed ${this.seed})`);
      if (until()) return true;
      const next = this.#nextUs();
      if (next > endUs) break;
      this.nowUs = Math.max(this.nowUs, next);
      this.#step();
    }
    this.nowUs = endUs;
    return until();
  }

  #nextUs(): number {
    let next = this.net.nextDeadlineUs();
    for (const t of this.#tasks) next = Math.min(next, t.atUs);
    for (const n of this.#nodes) next = Math.min(next, n.nextDeadlineUs?.() ?? Infinity);
    return next;
  }

  #step(): void {
    for (let d = this.net.pollDelivery(this.nowUs); d; d = this.net.pollDelivery(this.nowUs))
      this.#deliver(d.datagram);
    for (const t of this.#tasks.filter((t) => t.atUs <= this.nowUs)) {
      this.#tasks.splice(this.#tasks.indexOf(t), 1);
      t.run();
    }
    for (const n of [...this.#nodes]) {
      if (n.handleTimeout && (n.nextDeadlineUs?.() ?? Infinity) <= this.nowUs) n.handleTimeout(this.nowUs);
    }
  }
}

function owns(node: Node, a: TransportAddress): boolean {
  return node.addresses.some((x) => formatTransportAddress(x) === formatTransportAddress(a));
}

/** Whether `from` is a bare inside address of the node's own network. */
function isInside(node: Node, from: TransportAddress): boolean {
  return (
    from.address.startsWith("10.") &&
    node.addresses.some((a) => a.address.split(".")[1] === from.address.split(".")[1])
  );
}

/** A STUN server that answers Binding requests. */
export class StunServerNode implements Node {
  readonly addresses: readonly TransportAddress[];
  requests = 0;

  constructor(
    readonly world: World,
    readonly at: TransportAddress,
  ) {
    this.addresses = [at];
  }

  receive(_at: TransportAddress, from: TransportAddress, data: Uint8Array): void {
    const m = decodeStun(data);
    if (!(m instanceof StunMessage) || m.messageClass !== StunClass.Request) return;
    this.requests++;
    const answer = encodeStun({
      method: m.method,
      messageClass: StunClass.SuccessResponse,
      transactionId: m.transactionId,
      attributes: [xorAddressAttribute(StunAttributeType.XorMappedAddress, from, m.transactionId)],
    });
    this.world.send(this, this.at, from, answer);
  }
}

let fragments = 0;
export function credentials(random: RandomSource): { usernameFragment: string; password: string } {
  const text = Buffer.from(random.bytes(18)).toString("base64").replace(/\W/g, "x");
  return { usernameFragment: `f${(fragments++).toString(36)}${text.slice(0, 6)}`, password: text };
}

export type AgentNodeOptions = Partial<IceAgentOptions> & { readonly nat?: Nat };

/** An agent on the network, with what it said. */
export class AgentNode implements Node {
  readonly agent: IceAgent;
  readonly nat: Nat | undefined;
  readonly candidates: IceCandidate[] = [];
  readonly states: { atUs: number; state: IceState }[] = [];
  readonly outputs: IceOutput[] = [];
  /** STUN or other datagrams the agent left alone. */
  readonly data: Datagram[] = [];
  onCandidate: (c: IceCandidate) => void = () => {};
  onGathered: () => void = () => {};

  constructor(
    readonly world: World,
    readonly addresses: readonly TransportAddress[],
    options: AgentNodeOptions = {},
  ) {
    this.nat = options.nat;
    const { random } = world;
    this.agent = new IceAgent({
      role: "controlling",
      local: credentials(random),
      tieBreaker: BigInt(random.uint32()) << 20n,
      random,
      hmacSha1,
      ...options,
    });
  }

  /** Adds all sockets. */
  gather(): void {
    this.addresses.forEach((a, i) => {
      this.agent.addLocalHost(i, a);
    });
    this.agent.endLocalHosts();
    this.drain();
  }

  receive(at: TransportAddress, from: TransportAddress, data: Uint8Array, nowUs: number): void {
    const socketId = this.addresses.findIndex(
      (a) => formatTransportAddress(a) === formatTransportAddress(at),
    );
    if (!this.agent.handleDatagram(socketId, from, data, nowUs)) this.data.push({ from, to: at, data });
    this.drain();
  }

  handleTimeout(nowUs: number): void {
    this.agent.handleTimeout(nowUs);
    this.drain();
  }

  nextDeadlineUs(): number {
    return this.agent.nextDeadlineUs();
  }

  drain(): void {
    for (let o = this.agent.pollOutput(); o; o = this.agent.pollOutput()) {
      if (o.type === "transmit") this.transmit(o.socketId, o.to, o.data);
      else this.handleOutput(o);
    }
  }

  protected transmit(socketId: number, to: TransportAddress, data: Uint8Array): void {
    this.world.send(this, this.addresses[socketId], to, data);
  }

  protected handleOutput(o: IceOutput): void {
    this.outputs.push(o);
    if (o.type === "state") this.states.push({ atUs: this.world.nowUs, state: o.state });
    if (o.type === "candidate") {
      this.candidates.push(o.candidate);
      this.onCandidate(o.candidate);
    }
    if (o.type === "gatheringcomplete") this.onGathered();
  }

  get connected(): boolean {
    return this.agent.state === "connected" || this.agent.state === "completed";
  }

  stateNames(): string {
    return this.states.map((s) => s.state).join(" ");
  }

  /** When a state was reached first. */
  reachedUs(state: IceState): number {
    return this.states.find((s) => s.state === state)?.atUs ?? Infinity;
  }
}

/** Two agents who exchange parameters and trickle candidates over a perfect signaling channel. */
export function connect(
  a: AgentNode,
  b: AgentNode,
  options: { signalUs?: number; answerUs?: number } = {},
): void {
  const { world } = a;
  const signalUs = options.signalUs ?? 0;
  const trickle = (from: AgentNode, to: AgentNode, extraUs: number) => {
    world.after(signalUs + extraUs, () => {
      to.agent.setRemoteParameters(from.agent.localCredentials);
      to.drain();
    });
    from.onCandidate = (c) => {
      world.after(signalUs + extraUs, () => {
        to.agent.addRemoteCandidate(c);
        to.drain();
      });
    };
    from.onGathered = () => {
      world.after(signalUs + extraUs, () => {
        to.agent.endOfRemoteCandidates();
        to.drain();
      });
    };
  };
  trickle(a, b, 0);
  trickle(b, a, options.answerUs ?? 0);
  a.gather();
  b.gather();
}
