/** Ways a command ends: a signal, a time, or its own work's end, whichever comes first. */
import { constants } from "node:os";

export interface Ending {
  /** Resolves with what ended the command. */
  readonly ended: Promise<string>;
  /** Ends the wait. */
  readonly end: (why: string) => void;
  /** Forgets signals and time; the work after the end is done. */
  readonly release: () => void;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** A terminal's Ctrl-C reaches the whole process group, and npm and a parent pass it on: copies of one wish. */
const SAME_WISH_MS = 1_000;

/**
 * Waits for an end. The first signal asks for an orderly one; another that comes more than a second later, while that
 * is still under way, ends the process at once.
 */
export function endingAfter(seconds?: number): Ending {
  let end: (why: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  let askedMs = Number.POSITIVE_INFINITY;
  const onSignal = (signal: (typeof SIGNALS)[number]) => {
    if (performance.now() > askedMs + SAME_WISH_MS) process.exit(128 + constants.signals[signal]);
    askedMs = Math.min(askedMs, performance.now());
    end(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const timer = seconds === undefined ? undefined : setTimeout(() => end("time"), seconds * 1000);
  const release = () => {
    clearTimeout(timer);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  return { ended, end, release };
}

/** A process that another started for its own sake ends when that one is gone, however it went. */
export function endWithParent(ending: Ending): void {
  if (process.channel === undefined) return;
  process.once("disconnect", () => ending.end("the parent process is gone"));
  process.channel.unref();
}
