import type { IceCore } from "./core.js";
import type { AuthenticCheck } from "./inbound.js";
import type { IceRole } from "./pair.js";
import type { IceAgentOptions } from "./types.js";

/** Which of the two agents controls, and what decides it when both think the same (RFC 8445 §6.1.1, §7.3.1.1). */
export class AgentRole {
  readonly #core: IceCore;
  #role: IceRole;
  #tieBreaker: bigint;

  constructor(core: IceCore, { role, tieBreaker }: IceAgentOptions) {
    this.#core = core;
    this.#role = core.lite ? "controlled" : role;
    this.#tieBreaker = tieBreaker;
  }

  get now(): IceRole {
    return this.#role;
  }

  get tieBreaker(): bigint {
    return this.#tieBreaker;
  }

  /** Returns whether it is another one. */
  take(role: IceRole): boolean {
    // RFC 8445 §6.1.1: a lite agent never controls a full one.
    if (this.#role === role || this.#core.lite) return false;
    this.#role = role;
    return true;
  }

  /** RFC 8445 §7.3.1.1: the role to take by a check of the peer's. "conflict": the peer is to change its mind. */
  settle(check: AuthenticCheck): IceRole | "conflict" {
    if (this.#core.lite) return check.controlled === undefined ? this.#role : "conflict";
    const theirs = this.#role === "controlling" ? check.controlling : check.controlled;
    if (theirs === undefined) return this.#role;
    this.#core.counters.roleConflicts++;
    const weKeepControl = this.#tieBreaker >= theirs;
    if (this.#role === "controlling" && weKeepControl) return "conflict";
    if (this.#role === "controlled" && !weKeepControl) return "conflict";
    return otherRole(this.#role);
  }

  /** RFC 8445 §7.2.5.1: another value, after the peer refused our role. Breaks the tie of two equal ones. */
  renewTieBreaker(): void {
    const { random } = this.#core;
    this.#tieBreaker = BigInt(random.uint32()) * 2n ** 32n + BigInt(random.uint32());
  }
}

export function otherRole(role: IceRole): IceRole {
  return role === "controlling" ? "controlled" : "controlling";
}
