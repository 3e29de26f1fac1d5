import type { CandidatePair } from "./pair.js";
import type { IceTimers } from "./timers.js";

/** How long after media its absence is a sign. */
const MEDIA_MEMORY_US = 10_000_000;
/** A consent check that is not answered for this long, or some round trips, deserves a second one. */
const CONSENT_ANSWER_US = 500_000;

/**
 * Whether the selected pair still works, sooner than consent would tell (RFC 7675 takes 30 s). When media stops, or a
 * consent check stays unanswered, the pair is asked with repetitions; when those stay unanswered too, it is in doubt.
 */
export class PairWatch {
  readonly #timers: IceTimers;
  #pair: CandidatePair | undefined;
  #probedUs = Infinity;

  constructor(timers: IceTimers) {
    this.#timers = timers;
  }

  judge(pair: CandidatePair, nowUs: number): "fine" | "probe" | "doubtful" {
    this.#follow(pair);
    if (nowUs >= this.#doubtUs(pair)) return "doubtful";
    if (this.#probedUs !== Infinity || nowUs < probeUs(pair, this.#timers)) return "fine";
    this.#probedUs = nowUs;
    return "probe";
  }

  /** A sign of life, or another pair: begin anew. */
  #follow(pair: CandidatePair): void {
    if (pair === this.#pair && pair.lastAliveUs <= this.#probedUs) return;
    this.#pair = pair;
    this.#probedUs = Infinity;
  }

  #doubtUs(pair: CandidatePair): number {
    const silentUs = pair.lastAliveUs + this.#timers.disconnectedUs;
    return Math.min(silentUs, this.#probedUs + Math.max(this.#timers.doubtUs, 8 * pair.rttUs));
  }

  nextDeadlineUs(pair: CandidatePair): number {
    this.#follow(pair);
    const doubtUs = this.#doubtUs(pair);
    return this.#probedUs === Infinity ? Math.min(doubtUs, probeUs(pair, this.#timers)) : doubtUs;
  }
}

/** When the silence of a pair should be looked into. */
function probeUs(pair: CandidatePair, { quietUs }: IceTimers): number {
  const { lastAliveUs, trafficUs, askedUs, rttUs } = pair;
  const unansweredUs = askedUs > lastAliveUs ? askedUs + Math.max(CONSENT_ANSWER_US, 4 * rttUs) : Infinity;
  const quiet = lastAliveUs - trafficUs < MEDIA_MEMORY_US ? lastAliveUs + quietUs : Infinity;
  return Math.min(unansweredUs, quiet);
}
