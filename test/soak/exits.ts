/** Programs that end in the middle of a call, at moments drawn at random. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { RandomSource } from "../../src/protocol/primitives/random.js";

/** How the program ends, and the exit status that must come of it. */
export const EXITS = {
  "process.exit": 7,
  "uncaught exception": 1,
  terminate: 0,
  "engine thread dies": 0,
  stop: 0,
} as const;
export type ExitWay = keyof typeof EXITS;

export interface ExitAssignment {
  readonly way: ExitWay;
  /** From the beginning of the set-up. */
  readonly afterMs: number;
  /** Which engine thread dies. */
  readonly thread: number;
}

const program = fileURLToPath(new URL("./exit_program.js", import.meta.url));
/** From the first thread's start to well into the media. */
const LONGEST_MS = 1500;
const HANG_MS = 40_000;
const WAYS = Object.keys(EXITS) as ExitWay[];

export interface ExitOutcome {
  readonly assignment: ExitAssignment;
  /** "" when it ended as it should. */
  readonly problem: string;
}

export function drawExit(random: RandomSource, index: number): ExitAssignment {
  return {
    way: WAYS[index % WAYS.length],
    afterMs: random.uint32() % LONGEST_MS,
    thread: random.uint32() % 8,
  };
}

export function runExit(assignment: ExitAssignment): Promise<ExitOutcome> {
  return new Promise((resolve) => {
    const args = [program, JSON.stringify(assignment)];
    execFile(process.execPath, args, { timeout: HANG_MS, killSignal: "SIGKILL" }, (error, _, stderr) => {
      const status = error === null ? 0 : (error.code ?? error.signal);
      const wanted = EXITS[assignment.way];
      const problem = status === wanted ? "" : `status ${status}, expected ${wanted}: ${stderr.slice(-2000)}`;
      resolve({ assignment, problem });
    });
  });
}
