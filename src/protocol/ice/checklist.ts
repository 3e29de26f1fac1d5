import type { TransportAddress } from "../primitives/address.js";
import { CandidatePair, type IceRole, type LocalPath, pairKey, type RemoteCandidate } from "./pair.js";

/** The pairs of one data stream in order of priority, and which of them is to be checked next (RFC 8445 §6.1.2, §6.1.4). */
export class Checklist {
  /** Highest priority first. */
  readonly pairs: CandidatePair[] = [];
  readonly #byKey = new Map<string, CandidatePair>();
  readonly #limit: number;
  #nextId = 1;
  /** Pairs refused or thrown out because of the limit. */
  discarded = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  find(path: LocalPath, remote: TransportAddress): CandidatePair | undefined {
    return this.#byKey.get(pairKey(path, remote));
  }

  /**
   * Adds a pair unless it is there. One pair stands for a path and a remote address, so the server-reflexive twins
   * that RFC 8445 §6.1.2.4 prunes are never made. Undefined when the list is full of better ones.
   *
   * @param proven - the peer got through to us on it: then it takes the place of any that is not known to work.
   */
  add(path: LocalPath, remote: RemoteCandidate, role: IceRole, proven = false): CandidatePair | undefined {
    const known = this.find(path, remote.address);
    if (known) return known;
    const pair = new CandidatePair(this.#nextId++, path, remote);
    pair.updatePriority(role);
    if (this.pairs.length >= this.#limit && !this.#makeRoom(pair, proven)) return undefined;
    pair.state = this.#initialState(pair);
    this.#byKey.set(pairKey(path, remote.address), pair);
    this.pairs.splice(this.#position(pair), 0, pair);
    return pair;
  }

  /** RFC 8838 §12: one pair per foundation starts, the others wait for what becomes of it. */
  #initialState(pair: CandidatePair): "waiting" | "frozen" {
    const kin = this.pairs.filter((p) => p.foundation === pair.foundation);
    if (kin.some((p) => p.state === "succeeded")) return "waiting";
    return kin.length === 0 ? "waiting" : "frozen";
  }

  /** RFC 8445 §6.1.2.5: the lowest goes; never one that already works or is being tried. */
  #makeRoom(pair: CandidatePair, proven: boolean): boolean {
    this.discarded++;
    for (let i = this.pairs.length - 1; i >= 0; i--) {
      const lowest = this.pairs[i];
      if (lowest.state === "succeeded" || (lowest.state === "in-progress" && !proven)) continue;
      if (!proven && lowest.state !== "failed" && lowest.priority >= pair.priority) return false;
      this.#remove(i);
      return true;
    }
    return false;
  }

  #remove(index: number): void {
    const [pair] = this.pairs.splice(index, 1);
    pair.state = "failed";
    this.#byKey.delete(pairKey(pair.path, pair.remote.address));
  }

  #position(pair: CandidatePair): number {
    const index = this.pairs.findIndex((p) => p.priority < pair.priority);
    return index < 0 ? this.pairs.length : index;
  }

  /** After a change of role or of a candidate's priority (RFC 8445 §7.2.5.1). */
  reorder(role: IceRole): void {
    for (const pair of this.pairs) pair.updatePriority(role);
    this.pairs.sort((a, b) => (a.priority === b.priority ? a.id - b.id : a.priority < b.priority ? 1 : -1));
  }

  /** The pair for the next ordinary check: the best that waits, else the best whose foundation rests (§6.1.4.2). */
  next(): CandidatePair | undefined {
    const waiting = this.pairs.find((p) => p.state === "waiting");
    if (waiting) return waiting;
    const busy = new Set(this.pairs.filter((p) => p.state === "in-progress").map((p) => p.foundation));
    return this.pairs.find((p) => p.state === "frozen" && !busy.has(p.foundation));
  }

  /** RFC 8445 §7.2.5.3.3: success on one path makes its kin promising. */
  unfreeze(foundation: string): void {
    for (const p of this.pairs) {
      if (p.state === "frozen" && p.foundation === foundation) p.state = "waiting";
    }
  }

  /** The best pair that works, other than `except`. */
  bestValid(except?: CandidatePair): CandidatePair | undefined {
    return this.pairs.find((p) => p.state === "succeeded" && p !== except);
  }

  /** Whether a pair above `pair` may still turn out to work. */
  mayImproveOn(pair: CandidatePair): boolean {
    return this.pairs.some((p) => p.priority > pair.priority && isOpen(p));
  }

  get active(): number {
    return this.pairs.filter((p) => p.state === "waiting" || p.state === "in-progress").length;
  }

  get allFailed(): boolean {
    return this.pairs.every((p) => p.state === "failed");
  }

  /** Takes the pairs of a path out: it is gone. */
  removePath(path: LocalPath): void {
    for (let i = this.pairs.length - 1; i >= 0; i--) if (this.pairs[i].path === path) this.#remove(i);
  }

  /** Everything but `except` is worth another try: the selected path has gone silent. */
  retryAll(except?: CandidatePair): void {
    for (const p of this.pairs) if (p !== except) p.state = "waiting";
  }
}

function isOpen(pair: CandidatePair): boolean {
  return pair.state !== "succeeded" && pair.state !== "failed";
}
