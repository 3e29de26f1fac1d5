/** Which parts of a target's sources have run: V8's block coverage, taken in the thread that runs them. */
import { readFileSync } from "node:fs";
import { type Profiler, Session } from "node:inspector";
import { fileURLToPath } from "node:url";
import { root } from "./target.js";

interface Script {
  /** 1: not a comment or blank, so it counts. */
  readonly code: Uint8Array;
  readonly codeBytes: number;
  /** 1: has run. */
  readonly ran: Uint8Array;
  readonly batch: Uint8Array;
}

export class Coverage {
  readonly #session = new Session();
  readonly #scripts = new Map<string, Script>();
  #prefixes: readonly string[] = [];

  constructor() {
    this.#session.connect();
    this.#post("Profiler.enable");
    this.#post("Profiler.startPreciseCoverage", { callCount: false, detailed: true });
  }

  /** @param sources as {@link FuzzTarget.sources} names them */
  watch(sources: readonly string[]): void {
    this.#prefixes = sources.map((source) => `file://${root}dist/${source.replace(/\.ts$/, ".js")}`);
    this.look(true);
  }

  stop(): void {
    this.#post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }

  /** Whether something ran for the first time since the last look; it is noted only when `keep`. */
  look(keep: boolean): boolean {
    let isNew = false;
    for (const { url, functions } of this.#take()) {
      const script = this.#script(url);
      paint(script.batch, functions);
      isNew = note(script, keep) || isNew;
    }
    return isNew;
  }

  /** Characters of code that have run, of all those in the files that were loaded. */
  figures(): { readonly ran: number; readonly code: number } {
    let ran = 0;
    let code = 0;
    for (const script of this.#scripts.values()) {
      code += script.codeBytes;
      for (let i = 0; i < script.ran.length; i++) ran += script.ran[i] & script.code[i];
    }
    return { ran, code };
  }

  #take(): Profiler.ScriptCoverage[] {
    const { result } = this.#post("Profiler.takePreciseCoverage") as Profiler.TakePreciseCoverageReturnType;
    return result.filter(({ url }) => this.#prefixes.some((prefix) => url.startsWith(prefix)));
  }

  #script(url: string): Script {
    let script = this.#scripts.get(url);
    if (script === undefined) {
      const text = readFileSync(fileURLToPath(url), "utf8");
      const code = codeOf(text);
      const codeBytes = code.reduce((sum, one) => sum + one, 0);
      script = { code, codeBytes, ran: new Uint8Array(text.length), batch: new Uint8Array(text.length) };
      this.#scripts.set(url, script);
    }
    return script;
  }

  #post(method: string, params?: object): unknown {
    let answer: unknown;
    // Without a connection to elsewhere the session answers before `post` returns.
    this.#session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}

/** Functions come outer ones first, and in each the ranges too, so that the innermost has the last word. */
function paint(batch: Uint8Array, functions: readonly Profiler.FunctionCoverage[]): void {
  batch.fill(0);
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges)
      batch.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  }
}

function note({ code, ran, batch }: Script, keep: boolean): boolean {
  let isNew = false;
  for (let i = 0; i < batch.length; i++) {
    if ((batch[i] & code[i]) === 0 || ran[i] === 1) continue;
    if (!keep) return true;
    ran[i] = 1;
    isNew = true;
  }
  return isNew;
}

/** Everything but comments, blanks and brackets alone on a line. */
function codeOf(text: string): Uint8Array {
  const code = new Uint8Array(text.length);
  const pattern = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$|\s+/gm;
  code.fill(1);
  for (const match of text.matchAll(pattern)) code.fill(0, match.index, match.index + match[0].length);
  return code;
}
