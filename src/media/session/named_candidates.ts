import type { IceCandidate } from "../../protocol/ice/index.js";
import { isMdnsName } from "../../protocol/mdns/index.js";

/** Names of one connection that are being asked for at the same time. */
const MAX_PENDING = 64;

/** Remote candidates whose names are being resolved; the end of the peer's candidates waits for them. */
export class NamedCandidates {
  readonly #pending = new Map<string, IceCandidate[]>();
  #count = 0;
  #ended = false;

  /** Keeps the candidate until its name is known. "ask": the name is a new one; "refused": it is none to ask for. */
  add(candidate: IceCandidate): "kept" | "ask" | "refused" {
    // An active TCP candidate is not to be reached: it connects to us (RFC 6544 §4.5).
    if (candidate.tcpType === "active" || !isMdnsName(candidate.address)) return "refused";
    if (this.#count >= MAX_PENDING) return "refused";
    this.#count++;
    const others = this.#pending.get(candidate.address);
    this.#pending.set(candidate.address, [...(others ?? []), candidate]);
    return others === undefined ? "ask" : "kept";
  }

  /** The candidates that waited for `name`. */
  take(name: string): readonly IceCandidate[] {
    const found = this.#pending.get(name) ?? [];
    this.#pending.delete(name);
    this.#count -= found.length;
    return found;
  }

  /** The peer has no more candidates. */
  end(): void {
    this.#ended = true;
  }

  /** True once: when the peer has no more candidates and no name is waited for. */
  takeEnd(): boolean {
    if (!this.#ended || this.#count > 0) return false;
    this.#ended = false;
    return true;
  }

  /** Another generation of candidates begins (RFC 8445 §9). */
  clear(): void {
    this.#pending.clear();
    this.#count = 0;
    this.#ended = false;
  }
}
