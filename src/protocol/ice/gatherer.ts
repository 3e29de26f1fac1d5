import type { TransportAddress } from "../primitives/address.js";
import type { LocalPath } from "./pair.js";
import type { IceTurnServer } from "./turn_options.js";

export type IceGatheringState = "new" | "gathering" | "complete";

/** One question to one STUN or TURN server from one path. */
export interface GatherTask {
  readonly path: LocalPath;
  readonly server: TransportAddress;
  /** An allocation is asked for, not only our address. */
  readonly turn?: IceTurnServer;
}

/** Which server-reflexive and relayed candidates are still to be asked for (RFC 8445 §5.1.1.2). Sends nothing itself. */
export class Gatherer {
  readonly #servers: readonly TransportAddress[];
  readonly #turnServers: readonly IceTurnServer[];
  readonly #waiting: GatherTask[] = [];
  #outstanding = 0;
  #ended = false;
  #state: IceGatheringState = "new";

  constructor(servers: readonly TransportAddress[], turnServers: readonly IceTurnServer[] = []) {
    this.#servers = servers;
    this.#turnServers = turnServers;
  }

  get state(): IceGatheringState {
    return this.#state;
  }

  get hasWork(): boolean {
    return this.#waiting.length > 0;
  }

  addPath(path: LocalPath): void {
    if (this.#state !== "complete") this.#state = "gathering";
    for (const server of this.#servers) {
      if (server.family === path.base.family) this.#waiting.push({ path, server });
    }
    for (const turn of this.#turnServers) {
      const server = turn.address;
      if (server.family === path.base.family) this.#waiting.push({ path, server, turn });
    }
  }

  /** No more paths will come. */
  end(): void {
    this.#ended = true;
  }

  /** The next question, which is then outstanding until `finish`. */
  take(): GatherTask | undefined {
    const task = this.#waiting.shift();
    if (task) this.#outstanding++;
    return task;
  }

  /** An answer came, or none will. */
  finish(): void {
    this.#outstanding--;
  }

  /** True exactly once: when the last question has been settled. */
  settle(): boolean {
    if (this.#state === "complete" || !this.#ended || this.#waiting.length + this.#outstanding > 0)
      return false;
    this.#state = "complete";
    return true;
  }
}
