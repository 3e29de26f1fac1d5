/** Ways a command ends: a signal, a time, or its own work's end, whichever comes first. */

export interface Ending {
  /** Resolves with what ended the command. */
  readonly ended: Promise<string>;
  /** Ends the wait; listeners and timers are gone afterwards. */
  readonly end: (why: string) => void;
}

export function endingAfter(seconds?: number): Ending {
  let end: (why: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = resolve;
  });
  const onSignal = (signal: string) => end(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, onSignal);
  const timer = seconds === undefined ? undefined : setTimeout(() => end("time"), seconds * 1000);
  const tidy = ended.finally(() => {
    clearTimeout(timer);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(signal, onSignal);
  });
  return { ended: tidy, end };
}
