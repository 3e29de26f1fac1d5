import type { UdpPoller } from "../../../native/addon.js";
import { MdnsResolver, MdnsResponder } from "../../protocol/mdns/index.js";
import type { RandomSource } from "../../protocol/primitives/random.js";
import { MdnsSockets } from "./mdns_sockets.js";

/** How long the sockets stay open after the last question, for the next. */
const IDLE_US = 10_000_000;
/** Askers of one name at the same time. */
const MAX_ASKERS = 256;

/** What a name stands for; nothing when nobody answered. */
export type MdnsAnswer = (addresses: readonly string[]) => void;

/**
 * Multicast DNS for all connections of an engine: resolves the peers' names and answers for our own. Its sockets open with
 * the first name and close when nothing needs them.
 */
export class MdnsStation {
  readonly #poller: UdpPoller;
  readonly #random: RandomSource;
  // Others share the port, and an answer to us alone might reach one of them instead (RFC 6762 §15.1).
  readonly #resolver = new MdnsResolver({ unicastFirst: false });
  readonly #responder = new MdnsResponder();
  readonly #askers = new Map<string, MdnsAnswer[]>();
  #sockets: MdnsSockets | undefined;
  #idleAtUs = Number.POSITIVE_INFINITY;

  constructor(poller: UdpPoller, random: RandomSource) {
    this.#poller = poller;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#sockets !== undefined;
  }

  /** `answer` is called once, maybe at once. */
  resolve(asked: string, answer: MdnsAnswer, nowUs: number): void {
    const name = asked.toLowerCase().replace(/\.$/, "");
    const own = this.#responder.addressOf(name);
    if (own !== undefined) {
      answer([own]);
      return;
    }
    const askers = this.#askers.get(name) ?? [];
    if (askers.length >= MAX_ASKERS) {
      answer([]);
      return;
    }
    this.#askers.set(name, [...askers, answer]);
    this.#open(nowUs);
    this.#resolver.resolve(name, nowUs);
    this.#drain();
  }

  /** A new name for `address`, answered for until it is forgotten. */
  hide(address: string, nowUs: number): string {
    this.#open(nowUs);
    return this.#responder.hide(address, this.#random);
  }

  forget(name: string): void {
    this.#responder.forget(name);
  }

  #open(nowUs: number): void {
    this.#sockets ??= new MdnsSockets(this.#poller);
    this.#idleAtUs = nowUs + IDLE_US;
  }

  /** Takes what has come and does what is due. */
  receive(nowUs: number): void {
    if (this.#sockets === undefined) return;
    this.#sockets.receive((from, data) => {
      this.#resolver.handleDatagram(from, data, nowUs);
      this.#responder.handleDatagram(from, data, nowUs);
      // While the socket still knows where that came from.
      this.#answer();
    });
    this.#resolver.handleTimeout(nowUs);
    this.#drain();
    if (this.#askers.size > 0 || this.#responder.size > 0) this.#idleAtUs = nowUs + IDLE_US;
    if (nowUs >= this.#idleAtUs) this.close();
  }

  nextDeadlineUs(): number {
    if (this.#sockets === undefined) return Number.POSITIVE_INFINITY;
    return Math.min(this.#resolver.nextDeadlineUs(), this.#idleAtUs);
  }

  #answer(): void {
    for (let out = this.#responder.pollOutput(); out !== undefined; out = this.#responder.pollOutput()) {
      this.#sockets?.send(out.to, out.data);
    }
  }

  #drain(): void {
    for (let out = this.#resolver.pollOutput(); out !== undefined; out = this.#resolver.pollOutput()) {
      if (out.type === "transmit") this.#sockets?.send(out.to, out.data);
      else this.#tell(out.name, out.type === "resolved" ? out.addresses : []);
    }
  }

  #tell(name: string, addresses: readonly string[]): void {
    const askers = this.#askers.get(name) ?? [];
    this.#askers.delete(name);
    for (const answer of askers) answer(addresses);
  }

  close(): void {
    this.#sockets?.close();
    this.#sockets = undefined;
  }
}
