/** Two processes of a stack, connected by a data channel: directly, or with a relay between their host candidates. */
import { hostAddress } from "./host_address.mjs";
import { StackProcess } from "./stack_process.mjs";

const address = hostAddress();

export class DataConnection {
  #ends;
  #relay;
  /** Candidates of each end, until the other has its description. */
  #early = [[], []];
  #described = false;

  /** @param relay undefined: none */
  static async open(name, relay) {
    const ends = [await StackProcess.start(name), await StackProcess.start(name)];
    const connection = new DataConnection(ends, relay);
    await connection.#connect();
    return connection;
  }

  constructor(ends, relay) {
    this.#ends = ends;
    this.#relay = relay;
    ends.forEach((end, number) => {
      end.on("note", ({ candidate }) => this.#take(number, candidate));
    });
  }

  get title() {
    return this.#ends[0].title;
  }

  async #connect() {
    const [offerer, answerer] = this.#ends;
    const offer = await offerer.call("offer");
    const answer = await answerer.call("answer", { sdp: withoutCandidates(offer) });
    await offerer.call("accept", { sdp: withoutCandidates(answer) });
    this.#described = true;
    for (const number of [0, 1]) {
      for (const candidate of this.#early[number]) this.#hand(number, candidate);
    }
    const opened = await Promise.all(this.#ends.map((end) => end.call("opened")));
    if (opened.includes(false)) throw new Error(`${this.title}: no data channel`);
  }

  #take(number, candidate) {
    const rewritten = this.#rewrite(number, candidate.candidate);
    if (rewritten === undefined) return;
    const told = { ...candidate, candidate: rewritten };
    if (this.#described) this.#hand(number, told);
    else this.#early[number].push(told);
  }

  #hand(from, candidate) {
    this.#ends[1 - from].call("candidate", { candidate });
  }

  /** Undefined for the end of candidates and all but UDP host candidates of the one address; with a relay, the port that stands for it. */
  #rewrite(number, line) {
    // RFC 8839 §5.1: foundation, component, transport, priority, address, port, "typ", type …
    const words = line.split(" ");
    if (words[2]?.toLowerCase() !== "udp" || words[4] !== address || words[7] !== "host") return undefined;
    if (this.#relay) words[5] = String(this.#relay.standIn(number, Number(words[5])));
    return words.join(" ");
  }

  /** Round trips of small messages, milliseconds. */
  async ping(options) {
    const [offerer, answerer] = this.#ends;
    await answerer.call("echo");
    return offerer.call("ping", options);
  }

  /** One way, offerer to answerer: what arrived, and in which time. */
  async transfer(options) {
    const [offerer, answerer] = this.#ends;
    const received = answerer.call("receive", options);
    const sent = offerer.call("send", options);
    const result = await received;
    await sent;
    return result;
  }

  async close() {
    await Promise.all(this.#ends.map((end) => end.call("close")));
    await Promise.all(this.#ends.map((end) => end.end()));
  }
}

/** Those are trickled, by way of the relay. */
function withoutCandidates(sdp) {
  return sdp.replace(/^a=(candidate:.*|end-of-candidates)\r?\n/gm, "");
}
