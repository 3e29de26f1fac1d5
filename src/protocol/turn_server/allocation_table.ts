import type { Allocation } from "./allocation.js";
import type { ClientFlow } from "./types.js";

/** A flow's identity; never compared with anything a client wrote. */
export function flowKey(flow: ClientFlow): string {
  return `${flow.door}/${flow.remote.address}/${flow.remote.port}`;
}

/** All allocations, found by client, by relay and counted by account. */
export class AllocationTable {
  readonly #byFlow = new Map<string, Allocation>();
  readonly #byRelay = new Map<number, Allocation>();
  readonly #perAccount = new Map<string, number>();

  get size(): number {
    return this.#byRelay.size;
  }

  ofFlow(flow: ClientFlow): Allocation | undefined {
    return this.#byFlow.get(flowKey(flow));
  }

  ofRelay(relay: number): Allocation | undefined {
    return this.#byRelay.get(relay);
  }

  countOf(account: string): number {
    return this.#perAccount.get(account) ?? 0;
  }

  all(): Allocation[] {
    return [...this.#byRelay.values()];
  }

  add(allocation: Allocation): void {
    const { name } = allocation.account;
    this.#byFlow.set(flowKey(allocation.flow), allocation);
    this.#byRelay.set(allocation.relay, allocation);
    this.#perAccount.set(name, this.countOf(name) + 1);
  }

  remove(allocation: Allocation): void {
    const { name } = allocation.account;
    this.#byFlow.delete(flowKey(allocation.flow));
    this.#byRelay.delete(allocation.relay);
    const left = this.countOf(name) - 1;
    if (left > 0) this.#perAccount.set(name, left);
    else this.#perAccount.delete(name);
  }
}
