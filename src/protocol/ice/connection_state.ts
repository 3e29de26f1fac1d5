import type { ConnectivityChecks } from "./checks.js";
import type { IceCore } from "./core.js";
import type { Gathering } from "./gathering.js";
import type { IceState } from "./types.js";

/** RTCIceTransportState, as the checks, the gathering and the time make it. */
export class ConnectionState {
  readonly #core: IceCore;
  readonly #checks: ConnectivityChecks;
  readonly #gathering: Gathering;
  #state: IceState = "new";

  constructor(core: IceCore, checks: ConnectivityChecks, gathering: Gathering) {
    this.#core = core;
    this.#checks = checks;
    this.#gathering = gathering;
  }

  /** As it was last told. */
  get now(): IceState {
    return this.#state;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  close(): void {
    this.#set("closed");
  }

  /** A restart: what is still connected stays so (WebRTC 1.0 §5.6.4); a failure is forgiven. */
  forgive(): void {
    if (this.#state === "failed") this.#set("checking");
  }

  update(nowUs: number): void {
    if (this.#state === "closed" || this.#state === "failed") return;
    const state = this.#judge(nowUs);
    this.#set(state);
    if (state === "failed") this.#checks.current.failed = true;
  }

  #judge(nowUs: number): IceState {
    const g = this.#checks.current;
    if (this.#checks.isAlive(nowUs)) {
      const done = !!g.selected && g.remoteEnded && this.#gathering.state === "complete";
      return done ? "completed" : "connected";
    }
    if (g.selected) return "disconnected";
    if (g.lostUs !== undefined) return this.#isLostForGood(g.lostUs, nowUs) ? "failed" : "disconnected";
    if (this.#hasFailed(nowUs)) return "failed";
    return this.#state !== "new" || (!!g.remote && g.remotes.size > 0) ? "checking" : "new";
  }

  /**
   * Consent is gone: only a pair that works and waits for its nomination gives hope. A path that broke was no peer that fell
   * silent: every pair that may still work gives hope, and for a while that the peer comes back.
   */
  #isLostForGood(lostUs: number, nowUs: number): boolean {
    const { checklist, recovering } = this.#checks.current;
    const { patienceUs, reconnectUs, recoveryUs } = this.#core.timers;
    if (!recovering) return !checklist.bestValid() || nowUs >= lostUs + patienceUs;
    return nowUs >= lostUs + (checklist.allFailed ? reconnectUs : recoveryUs);
  }

  /** RFC 8863: never before patience has run out, since a check of the peer's may still come. */
  #hasFailed(nowUs: number): boolean {
    const g = this.#checks.current;
    if (nowUs < this.#patienceEndsUs) return false;
    // A lite agent has no checks that could fail: it has waited for the peer's.
    return this.#core.lite || ((g.remotes.size > 0 || g.remoteEnded) && g.checklist.allFailed);
  }

  get #patienceEndsUs(): number {
    const { startedUs, lostUs } = this.#checks.current;
    return (lostUs ?? startedUs ?? Infinity) + this.#core.timers.patienceUs;
  }

  #set(state: IceState): void {
    if (state === this.#state) return;
    // Applications wait for "connected": it is never skipped.
    if (state === "completed" && this.#state !== "connected") this.#set("connected");
    this.#state = state;
    this.#core.outputs.push({ type: "state", state });
  }

  /** When the state may change without anything happening. */
  nextDeadlineUs(nowUs: number): number {
    const carrier = this.#checks.carrier;
    if (carrier && this.#checks.isAlive(nowUs)) return carrier.lastAliveUs + this.#core.timers.disconnectedUs;
    const { recovering, lostUs = Infinity } = this.#checks.current;
    const { reconnectUs, recoveryUs } = this.#core.timers;
    if (recovering) {
      const next = [reconnectUs, recoveryUs].find((us) => lostUs + us > nowUs);
      return next === undefined ? Infinity : lostUs + next;
    }
    const patience = this.#patienceEndsUs;
    return this.#state !== "failed" && patience > nowUs ? patience : Infinity;
  }
}
