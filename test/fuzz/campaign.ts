/** The search: inputs that make new code run join the corpus and have children; what breaks a property is a finding. */
import { performance } from "node:perf_hooks";
import { seededRandom } from "../../src/protocol/primitives/random.js";
import type { Coverage } from "./coverage.js";
import { Mutator } from "./mutator.js";
import type { FuzzTarget } from "./target.js";

/** A look at the coverage costs about half a millisecond, so a batch lasts this long. */
const BATCH_MS = 25;
const MIN_BATCH = 8;
const MAX_BATCH = 4096;
/** More than this for one input, three times in a row, is a finding: 2000 bytes are never worth a second. */
const SLOW_MS = 1000;

export interface Finding {
  readonly input: Uint8Array;
  readonly why: string;
}

export interface CampaignResult {
  readonly executions: number;
  readonly seconds: number;
  readonly corpus: readonly Uint8Array[];
  readonly slowestMs: number;
  readonly coverage: { readonly ran: number; readonly code: number };
  readonly finding: Finding | undefined;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Ends sooner, after about as many executions. */
  readonly executions?: number;
  readonly corpus: readonly Uint8Array[];
  /** Told each input before it is tried. */
  readonly announce?: (input: Uint8Array) => void;
}

export class Campaign {
  readonly #target: FuzzTarget;
  readonly #options: CampaignOptions;
  readonly #coverage: Coverage;
  readonly #mutator: Mutator;
  readonly #corpus: Uint8Array[] = [];
  readonly #random;
  #executions = 0;
  #slowestMs = 0;
  #batch = 16;
  #finding: Finding | undefined;

  /** @param coverage made before the target was loaded */
  constructor(target: FuzzTarget, coverage: Coverage, options: CampaignOptions) {
    this.#target = target;
    this.#coverage = coverage;
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#mutator = new Mutator(this.#random, target.words ?? [], target.maxBytes ?? 2000);
  }

  run(): CampaignResult {
    const { seconds, executions = Number.POSITIVE_INFINITY } = this.#options;
    const startedMs = performance.now();
    const endMs = startedMs + seconds * 1000;
    for (const input of [...this.#target.seeds(), ...this.#options.corpus]) {
      if (!this.#try(input)) break;
      if (this.#coverage.look(true) || this.#corpus.length === 0) this.#corpus.push(input);
    }
    while (this.#finding === undefined && this.#executions < executions && performance.now() < endMs) {
      this.#runBatch();
    }
    return {
      executions: this.#executions,
      seconds: (performance.now() - startedMs) / 1000,
      corpus: this.#corpus,
      slowestMs: this.#slowestMs,
      coverage: this.#coverage.figures(),
      finding: this.#finding,
    };
  }

  #runBatch(): void {
    const inputs: Uint8Array[] = [];
    const startedMs = cpuMs();
    for (let i = 0; i < this.#batch; i++) {
      const input = this.#mutator.mutate(this.#parent(), this.#parent());
      if (!this.#try(input)) return;
      inputs.push(input);
    }
    const wanted = (this.#batch * BATCH_MS) / Math.max(cpuMs() - startedMs, 0.1);
    this.#batch = Math.round(Math.max(MIN_BATCH, Math.min(MAX_BATCH, 2 * this.#batch, wanted)));
    if (this.#coverage.look(false)) this.#keepNew(inputs);
  }

  /** Finds those among a batch's inputs that ran something new, by halves: looks cost more than executions. */
  #keepNew(inputs: readonly Uint8Array[]): void {
    if (inputs.length === 1) {
      if (this.#try(inputs[0]) && this.#coverage.look(true)) this.#corpus.push(inputs[0]);
      return;
    }
    const middle = inputs.length >> 1;
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      if (!half.every((input) => this.#try(input))) return;
      if (this.#coverage.look(false)) this.#keepNew(half);
    }
  }

  /** Half of the time one of the newest, which have had the fewest children. */
  #parent(): Uint8Array {
    const { length } = this.#corpus;
    const newest = this.#random.uint32() % 2 === 0 ? Math.max(0, length - 16) : 0;
    return this.#corpus[newest + (this.#random.uint32() % (length - newest))];
  }

  #try(input: Uint8Array): boolean {
    this.#options.announce?.(input);
    this.#executions++;
    const tookMs = this.#timed(input);
    if (this.#finding !== undefined) return false;
    if (tookMs <= this.#slowestMs) return true;
    // Collecting garbage makes anything slow once.
    const leastMs = tookMs < 5 ? tookMs : Math.min(tookMs, this.#timed(input), this.#timed(input));
    this.#slowestMs = Math.max(this.#slowestMs, leastMs);
    if (leastMs > SLOW_MS) this.#finding = { input, why: `took ${Math.round(leastMs)} ms of CPU` };
    return this.#finding === undefined;
  }

  #timed(input: Uint8Array): number {
    const startedMs = cpuMs();
    try {
      // A copy, for what is parsed in place would change the input that is to be kept.
      this.#target.run(input.slice());
    } catch (error) {
      this.#finding ??= {
        input,
        why: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
    }
    return cpuMs() - startedMs;
  }
}

/** Of the process, whose other threads wait: other programs' load is no input's fault. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
