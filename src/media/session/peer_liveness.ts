import { SessionError } from "./session_error.js";
import { SilenceWatch } from "./silence_watch.js";
import { TransportCounters } from "./stream_counters.js";
import type { TransportOutputs } from "./transport_outputs.js";

export interface LivenessOptions {
  /** A {@link TransportCounters} block. */
  readonly counters: Float64Array;
  readonly unstableAfterUs?: number;
  readonly failAfterUs?: number;
}

const UNSTABLE_AFTER_US = 2_000_000;
const FAIL_AFTER_US = 20_000_000;

/** The peer's signs of life: authenticated packets, for ICE and for those who want to know when it falls silent. */
export class PeerLiveness {
  readonly #outputs: TransportOutputs;
  /** The transport's. */
  readonly #counters: Float64Array;
  readonly #silence: SilenceWatch;
  /** Authenticated packets came since {@link takeTraffic}. */
  #heardSince = false;

  constructor(outputs: TransportOutputs, options: LivenessOptions) {
    this.#outputs = outputs;
    this.#counters = options.counters;
    this.#silence = new SilenceWatch(
      options.unstableAfterUs ?? UNSTABLE_AFTER_US,
      options.failAfterUs ?? FAIL_AFTER_US,
    );
  }

  /** Media has begun: from now on silence means something. */
  start(nowUs: number): void {
    this.#silence.start(nowUs);
  }

  /** A packet of media came, authenticated. */
  heard(nowUs: number): void {
    this.#heardSince = true;
    if (this.#silence.heard(nowUs)) this.#tellStability(false);
  }

  /** Something else of the peer's came. */
  noteTraffic(): void {
    this.#heardSince = true;
  }

  /** Whether anything came since the last call. */
  takeTraffic(): boolean {
    const heard = this.#heardSince;
    this.#heardSince = false;
    return heard;
  }

  /** Returns why the transport is given up, when it has to be. */
  check(nowUs: number): SessionError | undefined {
    const verdict = this.#silence.check(nowUs);
    if (verdict === "unstable") this.#tellStability(true);
    if (verdict !== "failed") return undefined;
    const seconds = this.#silence.failAfterUs / 1e6;
    return new SessionError("ERR_TRANSPORT_SILENT", `No packet from the peer for ${seconds} s`);
  }

  nextDeadlineUs(): number {
    return this.#silence.nextDeadlineUs();
  }

  #tellStability(unstable: boolean): void {
    this.#counters[TransportCounters.unstable] = unstable ? 1 : 0;
    this.#outputs.notice({ event: "unstable", args: [unstable] });
  }
}
